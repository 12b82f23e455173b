"""script/fetch.py: a package that was exchanged is refused before it runs any code of its own."""

import importlib.util
import io
import os
import pathlib
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

    def test_the_right_package_is_fetched(self):
        right = self.fetch.digest(self.folder / "photos-1.0.tar.gz")
        self.assertEqual(self.download(right).name, "photos-1.0.tar.gz")
        self.assertTrue(self.ran.exists())


if __name__ == "__main__":
    unittest.main()
