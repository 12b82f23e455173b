"""The examples of docs/bindings.md: Go and Rust programs compile against the library of this build, and run."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from program import FRIENDS, PROGRAM, SOURCE

BUILD = pathlib.Path(PROGRAM).parent.resolve()
TEXT = (SOURCE / "docs/bindings.md").read_text()
EXTRA = os.pathsep.join(["/usr/local/go/bin", str(pathlib.Path.home() / ".cargo/bin")])
PATH = os.environ["PATH"] + os.pathsep + EXTRA


def example(language):
    return re.search(rf"(?ms)^```{language}\n(.*?)^```$", TEXT)[1]


def missing(*tools):
    return [tool for tool in ("pkg-config", "cc", *tools) if not shutil.which(tool, path=PATH)]


class Bindings(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-bindings-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        # The name of an installed library, for the one of the build folder.
        for path in (BUILD / "meson-uninstalled").glob("semblance*-uninstalled.pc"):
            shutil.copy(path, self.folder / "semblance.pc")
        names = f"{self.folder}:{BUILD / 'meson-uninstalled'}:{SOURCE.resolve() / 'deps/openvino/pkgconfig'}"
        kept = {"PATH": PATH, "PKG_CONFIG_PATH": names, "XDG_DATA_HOME": str(self.folder / "data")}
        self.environment = {**os.environ, **kept, "LD_LIBRARY_PATH": str(BUILD), "GOTOOLCHAIN": "local"}

    def run_command(self, *command):
        done = subprocess.run(
            [str(part) for part in command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=900,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def works(self, program):
        photos = pathlib.Path(FRIENDS).resolve()
        self.assertIn("match: true", self.run_command(program, photos / "obama.jpg", photos / "obama2.jpg"))
        self.assertIn("match: false", self.run_command(program, photos / "obama.jpg", photos / "biden.jpg"))

    @unittest.skipIf(missing("go"), "Go is not installed")
    def test_the_go_program(self):
        (self.folder / "verify.go").write_text(example("go"))
        (self.folder / "go.mod").write_text("module verify\n\ngo 1.19\n")
        self.run_command("go", "build", "-o", "verify", ".")
        self.works(self.folder / "verify")

    @unittest.skipIf(missing("rustc", "bindgen"), "Rust and bindgen are not installed")
    def test_the_rust_program(self):
        (self.folder / "verify.rs").write_text(example("rust"))
        flags = self.run_command("pkg-config", "--cflags", "semblance").split()
        header = SOURCE.resolve() / "include/semblance/semblance.h"
        self.run_command("bindgen", header, "-o", "semblance.rs", "--", *flags)
        libraries = self.run_command("pkg-config", "--libs", "semblance").replace("-L", "-L native=").split()
        self.run_command("rustc", "-O", "verify.rs", *libraries)
        self.works(self.folder / "verify")


if __name__ == "__main__":
    unittest.main()
