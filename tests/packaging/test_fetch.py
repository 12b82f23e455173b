"""script/fetch.py: a package that was exchanged is refused before it runs any code of its own."""

import importlib.util
import io
import json
import os
import pathlib
import re
import shutil
import tarfile
import tempfile
import unittest
from unittest import mock

from program import SOURCE

# A build backend inside the package: pip imports it as soon as it asks for the package's name and version.
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
BACKEND = """open({ran!r}, "w").close()
def prepare_metadata_for_build_wheel(folder, settings=None):
    import pathlib
    info = pathlib.Path(folder, "photos-1.0.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: photos\\nVersion: 1.0\\n")
    return info.name
def build_wheel(*all): raise SystemExit
def build_sdist(*all): raise SystemExit
"""


class Fetch(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.ran = self.folder / "ran"
        with tarfile.open(self.folder / "photos-1.0.tar.gz", "w:gz") as tar:
            for name, text in (("pyproject.toml", PROJECT), ("backend.py", BACKEND.format(ran=str(self.ran)))):
                member = tarfile.TarInfo(f"photos-1.0/{name}")
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text.encode()))
        (self.folder / "deps/.work").mkdir(parents=True)
        settings = {
            "SEMBLANCE_DEPS": str(self.folder / "deps"),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.folder),
        }
        patched = mock.patch.dict(os.environ, settings)
        patched.start()
        self.addCleanup(patched.stop)
        spec = importlib.util.spec_from_file_location("fetch", SOURCE / "script/fetch.py")
        self.fetch = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.fetch)
        self.target = self.folder / "target"
        self.target.mkdir()

    def download(self, sha256):
        return self.fetch.pip_download(self.target, "photos==1.0", sha256, "--no-binary=:all:")

    def test_a_package_of_sources_that_was_exchanged_runs_no_code_of_its_own(self):
        with self.assertRaisesRegex(SystemExit, "HASHES"):
            self.download("0" * 64)
        self.assertFalse(self.ran.exists())

    def test_a_converter_that_was_exchanged_is_not_installed(self):
        (self.folder / "photos-1.0-py3-none-any.whl").write_bytes(b"another package")
        listed = self.folder / "converters.txt"
        listed.write_text(f"photos==1.0 --hash=sha256:{'0' * 64}\n")
        with mock.patch.object(self.fetch, "CONVERTERS", listed), self.assertRaisesRegex(SystemExit, "HASHES"):
            self.fetch.convert({"name": "m", "converter": ["none.py"]}, self.folder / "a", self.folder / "b")

    def test_the_right_package_is_fetched(self):
        right = self.fetch.digest(self.folder / "photos-1.0.tar.gz")
        self.assertEqual(self.download(right).name, "photos-1.0.tar.gz")
        self.assertTrue(self.ran.exists())


SHELL = [SOURCE / name for name in ("script/setup", "packaging/wheel", "packaging/npm")]


class Pins(unittest.TestCase):
    def test_every_package_of_python_is_pinned_by_digest(self):
        lists = sorted((SOURCE / "script/requirements").glob("*.txt"))
        self.assertGreaterEqual(len(lists), 4)
        for file in lists:
            for wanted in file.read_text().replace("\\\n", " ").splitlines():
                with self.subTest(file.name, package=wanted[:40]):
                    self.assertRegex(wanted, r"^[\w.-]+==[\w.]+ .*--hash=sha256:[0-9a-f]{64}( |$)")

    def test_what_is_asked_for_is_what_is_pinned(self):
        """A .in file that was changed without running script/pin."""
        for file in sorted((SOURCE / "script/requirements").glob("*.in")):
            pinned = file.with_suffix(".txt").read_text().replace("_", "-")
            for wanted in file.read_text().split("\n"):
                with self.subTest(file.name, package=wanted):
                    self.assertIn(wanted.split(";")[0].replace("_", "-"), pinned)

    def test_every_package_of_npm_is_pinned_by_digest(self):
        folder = SOURCE / "clients/typescript"
        packages = json.loads((folder / "package-lock.json").read_text())["packages"]
        wanted = json.loads((folder / "package.json").read_text())["devDependencies"]
        self.assertEqual(packages.pop("")["devDependencies"], wanted)
        self.assertEqual([name for name, of in packages.items() if not of["integrity"].startswith("sha512-")], [])
        self.assertLessEqual({f"node_modules/{name}" for name in wanted}, set(packages))

    def test_nothing_is_installed_without_its_digest(self):
        for file in SHELL:
            lines = file.read_text().replace("\\\n", " ").splitlines()
            for line in lines:
                if re.search(r"\bpip\b.* install\b", line) and not line.lstrip().startswith(("say", "#")):
                    with self.subTest(file.name, line=line):
                        self.assertRegex(line, "--require-hashes|pip_packages")
            self.assertNotIn("npm install", file.read_text())
        self.assertRegex(SHELL[0].read_text(), r"pip_packages\(\) \{\n.*--require-hashes")


if __name__ == "__main__":
    unittest.main()
