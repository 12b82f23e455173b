"""meson.build is the only file that contains the version."""

import json
import pathlib
import re
import subprocess
import unittest

from program import PROGRAM, SOURCE

BUILD = pathlib.Path(PROGRAM).parent
VERSION = re.search(r"project\(.*version: '([\d.]+)'", (SOURCE / "meson.build").read_text())[1]


class Version(unittest.TestCase):
    def test_the_program_and_its_description_show_the_version_of_meson_build(self):
        self.assertEqual(json.loads((BUILD / "meson-info/intro-projectinfo.json").read_text())["version"], VERSION)
        done = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, f"semblance {VERSION}\n")
        self.assertIn(
            b'"version":"' + VERSION.encode() + b'"',
            bytes(
                map(
                    int,
                    re.search(
                        r"asset_\d+\[\] = \{(123,34,111,112,101,110,97,112,105,[\d,]+)\}",
                        (BUILD / "web/assets.c").read_text(),
                    )[1].split(","),
                )
            ),
        )

    def test_no_other_file_contains_it(self):
        folders = ("src", "include", "web", "script", "packaging", "clients", "models", "docs", "man")
        files = [
            path
            for folder in folders
            for path in (SOURCE / folder).rglob("*")
            if path.suffix not in (".png", ".svg") and path.parent.name != "__pycache__" and path.is_file()
        ]
        self.assertGreater(len(files), 200)
        own = re.compile(rf"(?<![\d.=]){re.escape(VERSION)}(?![\d.])".encode())
        self.assertEqual([str(path) for path in files if own.search(path.read_bytes())], [])


if __name__ == "__main__":
    unittest.main()
