"""Every module of the page is valid JavaScript, by `node --check`, and is embedded in the program."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

WEB = pathlib.Path(os.environ["SB_SOURCE"]) / "web"


def syntax_error(path):
    """What node says about the file; "" if it is valid."""
    return subprocess.run(["node", "--check", path], capture_output=True, text=True, check=False).stderr


@unittest.skipUnless(shutil.which("node"), "node is not installed (Debian: nodejs)")
class Syntax(unittest.TestCase):
    def test_every_module_is_valid(self):
        modules = sorted((WEB / "js").glob("*.js"))
        self.assertGreater(len(modules), 15)
        self.assertEqual([(p.name, error) for p in modules if (error := syntax_error(p))], [])

    def test_a_broken_module_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "broken.mjs")
            path.write_text("export const a = (;\n")
            self.assertIn("SyntaxError", syntax_error(path))


class Embedded(unittest.TestCase):
    def test_every_module_is_in_the_program(self):
        listed = (WEB / "meson.build").read_text()
        self.assertEqual(
            [p.stem for p in (WEB / "js").glob("*.js") if f"'{p.stem}'" not in listed and p.stem != "docs"], []
        )


if __name__ == "__main__":
    unittest.main()
