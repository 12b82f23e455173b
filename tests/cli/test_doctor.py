"""doctor: reports a healthy installation as healthy; says what is wrong with a broken one and how to fix it; changes
nothing."""

import os
import pathlib
import resource
import shutil
import socket
import sqlite3

from program import FRIENDS, PROGRAM, SOURCE, ProgramCase, of_a_file
from server import Server

OBAMA = FRIENDS / "obama.jpg"


class DoctorCase(ProgramCase):
    def doctor(self, *arguments, code=1, **options):
        return self.json_of("doctor", "--port", "0", *arguments, code=code, **options)

    def wrong(self, check, word, *arguments, state="wrong", **options):
        """The doctor finds `check` wrong, says `word` of it and how to fix it. To try all models takes most of its
        time, so it finds none where something else is looked for."""
        if state == "wrong" and check not in ("models", "gallery"):
            arguments = (*arguments, "--models", self.folder)
        report = self.doctor(*arguments, code=1 if state == "wrong" else 0, **options)
        found = [f for f in report["findings"] if f["check"] == check and f["state"] == state]
        self.assertTrue(found, report)
        self.assertIn(word, " ".join(f["message"] for f in found))
        self.assertTrue(all(f.get("mend") for f in found), found)
        return report


class Healthy(DoctorCase):
    def test_a_gallery_in_order_is_healthy_and_every_part_was_looked_at(self):
        self.enroll("44", "Barack Obama", OBAMA)
        report = self.doctor(code=0)
        self.assertTrue(report["healthy"])
        self.assertEqual(report["wrong"], 0)
        self.assertEqual(
            {f["check"] for f in report["findings"]} - {"port"},
            {
                "settings",
                "processor",
                "photos",
                "films",
                "webhooks",
                "cameras",
                "models",
                "database",
                "keys",
                "gallery",
                "memory",
                "disk",
                "limits",
                "clock",
                "TLS",
                "access",
                "device",
            },
        )

    def test_before_the_first_enrolment_nothing_is_wrong_and_nothing_is_made(self):
        self.assertTrue(self.doctor(code=0)["healthy"])
        self.assertFalse(self.data.exists())

    def test_the_cameras_of_the_gallery_are_counted(self):
        self.run_program("cameras", "add", "door", "rtsp://127.0.0.1:1/", "--purpose", "a test")
        (found,) = [f for f in self.doctor("--models", self.folder)["findings"] if f["check"] == "cameras"]
        decoder = (pathlib.Path(PROGRAM).resolve().parent.parent / "video/semblance-video").exists()
        self.assertEqual(found["state"], "ok" if decoder else "warning")
        self.assertIn("1; this machine" if decoder else "none of 1 cameras", found["message"])

    def test_the_text_says_the_same_in_a_line_each(self):
        done = self.run_program("doctor", "--port", "0")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout.decode(), r"(?m)^ok +models +the pipeline default is complete")
        self.assertRegex(done.stdout.decode().splitlines()[-1], r"^(nothing is wrong|0 wrong, \d+ to look at)$")

    def test_a_name_or_an_id_is_never_printed(self):
        self.enroll("secret-id", "Secret Name", OBAMA)
        said = self.run_program("doctor", "--json").stdout
        self.assertNotIn(b"secret-id", said)
        self.assertNotIn(b"Secret Name", said)


class Gallery(DoctorCase):
    def setUp(self):
        super().setUp()
        self.enroll("44", "Barack Obama", OBAMA)

    def test_a_lost_key_is_reported_and_none_is_made(self):
        (self.data / "semblance.key").unlink()
        self.wrong("keys", "missing")
        self.assertFalse((self.data / "semblance.key").exists())

    def test_a_key_of_another_gallery_is_reported(self):
        self.wrong("keys", "key", environment={"SEMBLANCE_KEY": "0" * 64})

    def test_a_key_file_that_others_may_read_is_reported(self):
        os.chmod(self.data / "semblance.key", 0o644)
        self.wrong("keys", "644")

    @of_a_file
    def test_a_key_that_a_killed_rotation_left_is_reported_and_wiped_by_the_next(self):
        left = [self.data / name for name in ("semblance.key.next.aB3xYz", "semblance.key.Q1w2E3")]
        kept = [self.data / name for name in ("semblance.key.backup-2026", "semblance.key.old")]
        for path in left + kept:
            path.write_text("0" * 64 + "\n")
            os.utime(path, (1_700_000_000, 1_700_000_000))
        self.wrong("keys", "temporary", state="warning")
        self.assertEqual(self.run_program("keys", "rotate").returncode, 0)
        self.assertEqual([path for path in left if path.exists()], [])
        self.assertEqual([path for path in kept if not path.exists()], [])

    @of_a_file
    def test_a_damaged_database_is_reported(self):
        path = self.data / "semblance.db"
        size = path.stat().st_size
        with path.open("r+b") as file:
            for page in range(4096, size, 4096):
                file.seek(page)
                file.write(b"\xff" * 64)
        self.wrong("database", "")

    @of_a_file
    def test_a_gallery_of_a_newer_program_is_reported_and_left_alone(self):
        with sqlite3.connect(self.data / "semblance.db") as database:
            database.execute("PRAGMA user_version = 99")
        self.wrong("database", "schema 99")

    def test_a_model_that_the_gallery_was_made_with_and_is_gone_is_reported(self):
        models = self.folder / "models"
        shutil.copytree(SOURCE / "models", models)
        (models / "mobilefacenet-512.json").unlink()
        report = self.wrong("gallery", "mobilefacenet-512", "--models", f"{models}:{SOURCE / 'deps/models'}")
        self.assertFalse(report["healthy"])

    @of_a_file
    def test_a_server_that_works_on_the_gallery_is_not_a_fault(self):
        with Server(self.data) as server:
            report = self.json_of("doctor", "--port", str(server.port))
        self.assertIn("a server works on", " ".join(f["message"] for f in report["findings"] if f["check"] == "port"))


class OlderGallery(DoctorCase):
    @of_a_file
    def test_a_gallery_of_an_older_program_is_reported_and_not_migrated(self):
        self.data.mkdir()
        shutil.copy(SOURCE / "tests/compat/schema-1.db", self.data / "semblance.db")
        self.wrong("database", "older", state="warning")
        with sqlite3.connect(self.data / "semblance.db") as database:
            self.assertEqual(database.execute("PRAGMA user_version").fetchone()[0], 1)


class Models(DoctorCase):
    def copy_of_the_models(self):
        models = self.folder / "models"
        shutil.copytree(SOURCE / "models", models)
        for file in (SOURCE / "deps/models").iterdir():
            os.symlink(file, models / file.name)
        return models

    def test_no_models_at_all_is_reported(self):
        self.wrong("models", "pipelines/default.json", "--models", str(self.folder))

    def test_a_model_file_that_was_swapped_is_reported_by_name(self):
        models = self.copy_of_the_models()
        (models / "rfb-320.onnx").unlink()
        shutil.copy(SOURCE / "deps/models/emotion-nchw.onnx", models / "rfb-320.onnx")
        self.wrong("models", "rfb-320", "--models", str(models))

    def test_a_model_that_is_asked_for_and_not_there_is_reported(self):
        self.wrong("models", "nonesuch", "--model", "nonesuch")


class Serving(DoctorCase):
    def test_a_port_in_use_is_reported(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            self.wrong("port", "in use", "--port", str(other.getsockname()[1]))

    def test_an_address_of_other_machines_without_keys_and_tls_is_reported(self):
        self.wrong("access", "will not start", "--listen", "0.0.0.0")

    def test_a_certificate_that_is_over_soon_is_a_warning_and_a_key_of_another_is_wrong(self):
        self.assertEqual(self.run_program("tls", "init", "--days", "10").returncode, 0)
        self.wrong("TLS", "expires on", state="warning")
        other = self.folder / "other"
        self.assertEqual(self.run_program("tls", "init", "--data", other, data=False).returncode, 0)
        self.wrong(
            "TLS", "cannot be used", "--tls-cert", self.data / "tls/cert.pem", "--tls-key", other / "tls/key.pem"
        )

    def test_too_few_open_files_are_reported(self):
        self.wrong("limits", "100 open files", prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)))


class Settings(DoctorCase):
    @of_a_file
    def test_settings_that_contradict_each_other_are_reported(self):
        for word, arguments in (
            ("three ways", ("--threshold", "0.5", "--fmr", "1e-4")),
            ("--search sql", ("--search", "sql")),
            ("--max-import", ("--max-import", "65536")),
            ("--calibration", ("--calibration", "/nonexistent")),
        ):
            with self.subTest(word=word):
                self.wrong("settings", word, *arguments)

    def test_a_device_that_is_not_there_is_reported_and_no_program_uses_another_instead(self):
        self.wrong("device", "available here: CPU", "--device", "GPU.99")
        for arguments in (("detect", OBAMA), ("serve", "--port", "0")):
            done = self.run_program(*arguments, environment={"SEMBLANCE_DEVICE": "GPU.99"})
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(b"the device GPU.99 of --device is not available; available here: CPU", done.stderr)
        for device in "gpu", "CPU,GPU", "MULTI:CPU":
            done = self.run_program("list", "--device", device)
            self.assertEqual(done.returncode, 3, done.stdout)
            self.assertIn(b"--device is CPU, GPU", done.stderr)

    def test_auto_gives_the_results_of_the_device_that_it_takes(self):
        plain, automatic = (self.json_of("represent", OBAMA, *more) for more in ((), ("--device", "AUTO")))
        cosine = sum(a * b for a, b in zip(*(answer["faces"][0]["embedding"] for answer in (plain, automatic))))
        self.assertGreater(cosine, 0.9999)
        self.assertAlmostEqual(plain["faces"][0]["quality"], automatic["faces"][0]["quality"], delta=0.02)

    def test_a_misspelt_variable_is_reported(self):
        self.wrong("settings", "SEMBLANCE_PROT", state="warning", environment={"SEMBLANCE_PROT": "8080"})

    def test_a_database_server_that_does_not_answer_is_reported(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            self.wrong(
                "database",
                "cannot be reached",
                "--store",
                f"postgresql://nobody@127.0.0.1:{unused.getsockname()[1]}/none",
            )
