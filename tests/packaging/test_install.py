"""`meson install` puts every file in its place, and the program works after the folder is moved."""

import configparser
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from program import FRIENDS, PROGRAM, SOURCE

BUILD = pathlib.Path(PROGRAM).parent.resolve()
OPTIONS = {o["name"]: o["value"] for o in json.loads((BUILD / "meson-info/intro-buildoptions.json").read_text())}
PREFIX = OPTIONS["prefix"].lstrip("/")
LIBDIR = OPTIONS["libdir"]


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="semblance-install-")
        cls.addClassCleanup(folder.cleanup)
        subprocess.run(
            ["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet"],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "DESTDIR": f"{folder.name}/as-installed"},
        )
        cls.root = pathlib.Path(folder.name, "moved", "elsewhere")
        cls.root.parent.mkdir()
        shutil.move(pathlib.Path(folder.name, "as-installed", PREFIX), cls.root)
        cls.cache = pathlib.Path(folder.name, "cache")

    def run_installed(self, *arguments):
        kept = {name: value for name, value in os.environ.items() if name == "PATH" or name.endswith("SAN_OPTIONS")}
        environment = {**kept, "HOME": str(self.cache)}
        return subprocess.run(
            [self.root / "bin/semblance", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def test_every_file_is_in_its_place(self):
        for path in (
            "bin/semblance",
            "include/semblance/semblance.h",
            f"{LIBDIR}/libsemblance.so",
            f"{LIBDIR}/semblance/semblance.so",
            f"{LIBDIR}/pkgconfig/semblance.pc",
            "lib/systemd/system/semblance.service",
            "lib/sysusers.d/semblance.conf",
            "lib/tmpfiles.d/semblance.conf",
            "share/bash-completion/completions/semblance",
            "share/zsh/site-functions/_semblance",
            "share/fish/vendor_completions.d/semblance.fish",
            "share/semblance/models/pipelines/default.json",
            "share/semblance/grafana/semblance.json",
            "share/man/man1/semblance.1",
            "share/man/man5/semblance.conf.5",
        ):
            with self.subTest(path=path):
                self.assertTrue((self.root / path).is_file())

    def test_the_decoder_of_films_is_installed_where_the_program_looks_for_it(self):
        if not (BUILD / "src/video/semblance-video").exists():
            self.skipTest("this build has no decoder of films")
        self.assertTrue(os.access(self.root / "libexec/semblance/semblance-video", os.X_OK))
        self.assertIn("films can be searched", self.run_installed("doctor").stdout)

    def test_the_sender_of_webhooks_is_installed_where_the_program_looks_for_it(self):
        if not (BUILD / "src/webhook/semblance-send").exists():
            self.skipTest("this build has no sender of webhooks")
        self.assertTrue(os.access(self.root / "libexec/semblance/semblance-send", os.X_OK))
        self.assertIn("events can be sent", self.run_installed("doctor").stdout)

    def test_no_path_of_the_build_is_left_in_binaries(self):
        for path in (p for p in self.root.rglob("*") if p.is_file() and p.suffix not in (".onnx", ".md")):
            if OPTIONS["b_sanitize"] == "none" or path.suffix != ".so":
                with self.subTest(path=path.name):
                    dynamic = subprocess.run(
                        ["readelf", "-d", path], capture_output=True, text=True, check=False
                    ).stdout
                    self.assertNotIn(str(SOURCE), dynamic)
                    self.assertNotIn(str(BUILD), dynamic)

    def test_the_moved_program_finds_its_runtime_and_its_models(self):
        done = self.run_installed("verify", FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^match: score")
        models = json.loads(self.run_installed("models", "list", "--json").stdout)["models"]
        self.assertTrue(models)
        self.assertEqual([m["name"] for m in models if m.get("problem") or not m.get("file_size", 1)], [])

    def test_a_setting_names_other_models(self):
        done = self.run_installed("detect", FRIENDS / "obama.jpg", "--models", "/nonexistent")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/nonexistent", done.stderr)

    def test_without_models_the_message_says_where_they_were_expected(self):
        shutil.move(self.root / "share/semblance", self.root / "share/away")
        try:
            done = self.run_installed("detect", FRIENDS / "obama.jpg")
        finally:
            shutil.move(self.root / "share/away", self.root / "share/semblance")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(self.root / "share/semblance/models"), done.stderr)

    def test_the_unit_starts_the_installed_program_as_the_created_user(self):
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str
        unit.read(self.root / "lib/systemd/system/semblance.service")
        service = unit["Service"]
        self.assertEqual(service["ExecStart"], f"/{PREFIX}/bin/semblance serve")
        made = (self.root / "lib/sysusers.d/semblance.conf").read_text().split()
        self.assertEqual(made[:2], ["u", service["User"]])
        names = self.run_installed("--help").stdout
        folders = (self.root / "lib/tmpfiles.d/semblance.conf").read_text()
        for assignment in service["Environment"].split():
            name, value = assignment.split("=")
            if name == "XDG_CONFIG_HOME":  # the settings are in /etc/semblance/semblance.conf
                value += "/semblance"
            else:
                self.assertIn(name, names)
            self.assertIn(value, folders)

    def test_a_program_in_c_is_built_with_the_installed_library(self):
        if OPTIONS["b_sanitize"] != "none" or not shutil.which("pkg-config"):
            self.skipTest("pkg-config is not installed, or the library is built with sanitizers")
        names = {**os.environ, "PKG_CONFIG_PATH": str(self.root / LIBDIR / "pkgconfig")}
        flags = subprocess.run(
            ["pkg-config", f"--define-variable=prefix={self.root}", "--cflags", "--libs", "semblance"],
            env=names,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        program = self.root / "verify"
        subprocess.run(
            [
                "cc",
                "-std=c99",
                SOURCE / "clients/c/verify.c",
                *flags,
                f"-Wl,-rpath,{self.root / LIBDIR}",
                "-o",
                program,
            ],
            check=True,
        )
        done = subprocess.run(
            [program, FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg", self.cache / "data"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={"PATH": os.environ["PATH"], "HOME": str(self.cache)},
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
