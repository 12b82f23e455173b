"""PyPI's schemathesis sends valid and invalid requests to every route of the OpenAPI document.

Every answer is described there, and none is 5xx."""

import json
import os
import pathlib
import subprocess
import unittest

from test_native import OBAMA, ServerCase

SCHEMATHESIS = pathlib.Path(os.environ.get("SB_SOURCE", ".")) / "deps/clients/bin/schemathesis"


@unittest.skipUnless(SCHEMATHESIS.exists(), "schemathesis is not installed (script/setup --tests)")
class Description(ServerCase):
    def test_the_server_does_what_the_description_says(self):
        self.post("/v1/detect", image=OBAMA)  # waits for the models
        # schemathesis makes keys, and from the first key on the server needs one for every request. So it gets a key at
        # the start, and leaves out revokeKey, which would revoke that key (tests/http/test_admin.py covers revokeKey).
        key = json.loads(
            self.server.request(
                "POST", "/v1/keys", '{"label":"test","roles":"admin"}', {"Content-Type": "application/json"}
            )[2]
        )["key"]
        # A schema cannot describe which bytes are a photo with a face: only that check is left out.
        done = subprocess.run(
            [
                SCHEMATHESIS,
                "run",
                f"http://127.0.0.1:{self.server.port}/v1/openapi.json",
                "--seed",
                "1",
                "--exclude-operation-id",
                "revokeKey",
                "--exclude-operation-id",
                "addReceiver",  # it would make the server connect to addresses that are made up
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
