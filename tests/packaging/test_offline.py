"""After the set-up nothing is downloaded: the program works in a network namespace without a connection.

tests/packages does the same with `script/run` on a fresh system."""

import os
import subprocess
import sys

from program import FRIENDS, PROGRAM, SOURCE, ProgramCase

ALONE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]


class Offline(ProgramCase):
    def test_people_are_enrolled_and_found_and_the_page_loads_without_a_network(self):
        if subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode:
            self.skipTest("a network of its own (unshare --net) is not allowed here")
        done = subprocess.run(
            [
                *ALONE,
                sys.executable,
                SOURCE / "tests/offline.py",
                FRIENDS,
                PROGRAM,
                "serve",
                "--port",
                "0",
                "--data",
                self.data,
            ],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
