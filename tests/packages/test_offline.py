"""README's first command on a fresh system, in two steps: the set-up with a network, the rest without one."""

import pathlib
import shutil
import unittest

import checkout
import machine
from test_packages import SYSTEM, photos_into


class Offline(unittest.TestCase):
    @machine.needed
    @unittest.skipUnless(SYSTEM in ("bookworm", "trixie"), "this is not Debian 12 or 13")
    def test_after_the_set_up_script_run_builds_and_serves_without_network(self):
        fresh = machine.Machine(SYSTEM)
        self.addCleanup(fresh.remove)
        photos_into(fresh)
        checkout.copy(fresh.root / "srv/semblance")
        shutil.copy(pathlib.Path(checkout.SOURCE) / "tests/offline.py", fresh.root / "tmp")
        fresh.run("apt-get", "update", "-qq")
        fresh.run("script/setup", folder="/srv/semblance")
        done = fresh.run(
            "python3", "/tmp/offline.py", "/tmp", "script/run", "--port", "0", folder="/srv/semblance", network=False
        )
        self.assertIn("found:", done.stdout)


if __name__ == "__main__":
    unittest.main()
