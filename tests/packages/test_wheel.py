"""The Python package as users get it: the wheel, installed into fresh environments of every Python that is here."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

import checkout
import release

TESTS = checkout.SOURCE / "tests/clients"
EXAMPLE = """
import numpy as np

from semblance import AsyncSemblance, DeepFace, Gallery

with Gallery("people") as gallery:
    gallery.enroll("44", "Barack Obama", "obama.jpg", np.zeros((9, 9, 3), np.uint8))
    best = gallery.search("crowd.jpg").faces[0].best
    name: str = best.name if best else "nobody"


async def found() -> str:
    answer = await AsyncSemblance().search(b"photo", k=1)
    return str(answer["faces"])


verified: bool = DeepFace.verify("one.jpg", "two.jpg")["verified"]
"""
WRONG = 'from semblance import Gallery\n\nGallery("people").search("photo.jpg", k="five")\n'


def pythons():
    """{version: interpreter} of the Pythons of this machine that the package is for."""
    found = {}
    folders = [*os.environ["PATH"].split(":"), *map(str, (pathlib.Path.home() / ".pyenv/versions").glob("3.*/bin"))]
    for folder in folders:
        for minor in range(10, 20):
            program = pathlib.Path(folder, f"python3.{minor}")
            command = [program, "-c", "import venv, ensurepip, sys; print(sys.version_info[1])"]
            if f"3.{minor}" in found or not program.exists() or "shims" in folder:
                continue
            if subprocess.run(command, capture_output=True, text=True).stdout == f"{minor}\n":
                found[f"3.{minor}"] = program
    return found


@release.needed
class Wheel(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-wheel-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def install(self, python, *more):
        subprocess.run([python, "-m", "venv", self.folder / "venv"], check=True)
        pip = [self.folder / "venv/bin/pip", "-q", "--disable-pip-version-check", "install", "--only-binary=:all:"]
        subprocess.run([*pip, f"{release.one('*.whl')}[deepface]", *more], check=True, timeout=900)
        return self.folder / "venv/bin/python"

    def run_in(self, python, *arguments, **environment):
        """The environment has nothing of this checkout and of the Python that runs this test."""
        clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "SEMBLANCE_LIBRARY", "XDG_CACHE_HOME")}
        given = clean | {"HOME": str(self.folder), "XDG_CACHE_HOME": str(self.folder / "cache")} | environment
        return subprocess.run(
            [python, *arguments], env=given, cwd=self.folder, capture_output=True, text=True, timeout=1800
        )

    def test_it_passes_its_tests_on_every_python_that_is_here(self):
        found = pythons()
        print(f"# the wheel is installed on Python {', '.join(sorted(found))}", file=sys.stderr)
        self.assertTrue(found)
        for version, python in found.items():
            with self.subTest(python=version):
                shutil.rmtree(self.folder / "venv", ignore_errors=True)
                installed = self.install(python)
                models = f"{checkout.SOURCE / 'models'}:{checkout.SOURCE / 'deps/models'}"
                settings = {"SB_INSTALLED": "1", "SB_SOURCE": str(checkout.SOURCE), "SEMBLANCE_MODELS": models}
                done = self.run_in(
                    installed, "-m", "unittest", "discover", "-s", TESTS, "-p", "test_gallery.py", **settings
                )
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertRegex(done.stderr, r"Ran \d\d tests")
                self.assertNotIn("skipped", done.stderr)

    def test_it_fetches_its_models_at_the_first_use_and_never_again(self):
        python = self.install(next(iter(pythons().values())))
        photo = checkout.SOURCE / "deps/photos/face_recognition/obama.jpg"
        look = f"import semblance; print(len(semblance.Gallery('g').detect({str(photo)!r}).faces))"
        first = self.run_in(python, "-c", look)
        self.assertEqual((first.returncode, first.stdout), (0, "1\n"), first.stderr)
        self.assertIn("fetching the models, once", first.stderr)
        unreachable = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "npm_config_registry": "http://127.0.0.1:9/"}
        again = self.run_in(python, "-c", look, **unreachable)
        self.assertEqual((again.returncode, again.stdout, again.stderr), (0, "1\n", ""))

    def test_without_a_network_and_models_it_says_what_to_do(self):
        python = self.install(next(iter(pythons().values())))
        unreachable = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0", "npm_config_fetch_retries": "0"}
        unreachable |= {"npm_config_registry": "http://127.0.0.1:9/"}
        done = self.run_in(python, "-c", "import semblance; semblance.Gallery('g')", **unreachable)
        self.assertIn("SemblanceError: the models cannot be fetched", done.stderr)
        self.assertIn("Gallery(models=FOLDER) or SEMBLANCE_MODELS", done.stderr)

    def test_its_types_are_complete_and_a_wrong_argument_is_found(self):
        python = self.install(sys.executable, "mypy", "pandas-stubs")
        for name, text in (("right.py", EXAMPLE), ("wrong.py", WRONG)):
            (self.folder / name).write_text(text)
        done = self.run_in(python, "-m", "mypy", "--strict", self.folder / "right.py")
        self.assertEqual(done.returncode, 0, done.stdout)
        package = self.run_in(
            python, "-m", "mypy", "--strict", "--exclude", "_declarations|models_source", "-p", "semblance"
        )
        self.assertEqual(package.returncode, 0, package.stdout)
        done = self.run_in(python, "-m", "mypy", "--strict", self.folder / "wrong.py")
        self.assertIn('incompatible type "str"; expected "int"', done.stdout)

    def test_it_has_no_library_under_the_gpl_no_openvino_no_weights_and_every_licence(self):
        with zipfile.ZipFile(release.one("*.whl")) as wheel:
            names = wheel.namelist()
            bundled = [pathlib.Path(name).name for name in names if name.startswith("semblance.libs/")]
            licences = [name for name in names if name.startswith("semblance/licences/")]
        self.assertGreater(len(bundled), 10)
        self.assertEqual([n for n in bundled if re.match(r"lib(openvino|tbb|x265|heif|tiff|jbig)", n)], [])
        self.assertEqual([n for n in names if n.endswith(".onnx")], [])
        self.assertGreaterEqual(len(licences), len(bundled) - 6)  # one Debian package has several libraries
        self.assertRegex(release.one("*.whl").name, r"^semblance-[\d.]+-py3-none-manylinux_2_\d+_\w+\.whl$")


if __name__ == "__main__":
    unittest.main()
