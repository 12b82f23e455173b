"""PyPI's schemathesis reads the description and asks every route, well and badly: no 5xx, nothing undescribed."""

import json
import os
import pathlib
import subprocess
import unittest

from test_native import OBAMA, ServerCase

SCHEMATHESIS = pathlib.Path(os.environ.get("SB_SOURCE", ".")) / "deps/clients/bin/schemathesis"


@unittest.skipUnless(SCHEMATHESIS.exists(), "schemathesis is not here (script/setup --tests)")
class Description(ServerCase):
    def test_the_server_does_what_the_description_says(self):
        self.post("/v1/detect", image=OBAMA)  # waits for the models
        # It makes keys, too, and from the first one on nobody gets in without: so it has one from the start, and does not ask for
        # revokeKey, as it would revoke its own (tests/http/test_admin.py does).
        key = json.loads(
            self.server.request(
                "POST", "/v1/keys", '{"label":"test","roles":"admin"}', {"Content-Type": "application/json"}
            )[2]
        )["key"]
        # A description cannot say which bytes are a photo with a face: that check alone is left out.
        done = subprocess.run(
            [
                SCHEMATHESIS,
                "run",
                f"http://127.0.0.1:{self.server.port}/v1/openapi.json",
                "--seed",
                "1",
                "--exclude-operation-id",
                "revokeKey",
                "-H",
                f"Authorization: Bearer {key}",
                "--max-examples",
                "12",
                "--request-timeout",
                "120",
                "--phases",
                "examples,coverage,fuzzing",
                "--exclude-checks",
                "positive_data_acceptance",
                "--generation-database",
                "none",
                "--no-color",
                "--suppress-health-check",
                "all",
            ],
            capture_output=True,
            text=True,
            timeout=800,
            check=False,
            cwd=self.folder,
        )
        self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-2000:])
