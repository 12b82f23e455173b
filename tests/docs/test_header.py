"""Doxygen reads the public headers without a warning and shows their comments."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from program import SOURCE


class Headers(unittest.TestCase):
    def test_doxygen_warns_of_nothing_and_shows_the_comments(self):
        if not shutil.which("doxygen"):
            self.skipTest("doxygen is not installed: the headers' comments are not checked")
        with tempfile.TemporaryDirectory() as folder:
            settings = (SOURCE / "docs/Doxyfile").read_text() + f"\nOUTPUT_DIRECTORY = {folder}\n"
            done = subprocess.run(
                ["doxygen", "-"], input=settings, cwd=SOURCE, capture_output=True, text=True, check=False
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            pages = "".join(page.read_text() for page in (pathlib.Path(folder) / "html").glob("*8h.html"))
        for name in re.findall(
            r"(?m)^SB_API [^(]*?\b(sb_\w+)\(", (SOURCE / "include/semblance/semblance.h").read_text()
        ):
            self.assertIn(name, pages)
        self.assertIn("Durable and searchable when it returns", pages)
