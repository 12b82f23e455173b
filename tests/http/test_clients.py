"""The clients of this repository: Python against a server, C against the library."""

import asyncio
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

from program import FRIENDS, PROGRAM, ProgramCase
from test_native import GREY, SharedServerCase

SOURCE = pathlib.Path(os.environ.get("SB_SOURCE", "."))
BUILD = pathlib.Path(PROGRAM).parent
sys.path.insert(0, str(SOURCE / "clients/python"))
from semblance import AsyncSemblance, Semblance, SemblanceError  # noqa: E402

OBAMA, OBAMA2, OBAMA3, BIDEN = (FRIENDS / f"{name}.jpg" for name in ("obama", "obama2", "obama3", "biden"))


class Python(SharedServerCase):
    def setUp(self):
        super().setUp()
        self.client = Semblance(f"http://127.0.0.1:{self.server.port}")

    def test_a_person_from_enrolment_to_the_receipt(self):
        client = self.client
        self.assertEqual(
            client.enroll("44", "Barack Obama", OBAMA, OBAMA2.read_bytes(), consent="agreed")["faces_added"], 2
        )
        found = client.search(OBAMA3, k=1)["faces"][0]["candidates"][0]
        self.assertEqual((found["id"], found["match"]), ("44", True))
        self.assertEqual(client.change("44", name="B. Obama")["name"], "B. Obama")
        client.enroll("46", "Joe Biden", BIDEN)
        self.assertEqual([p["id"] for p in client.people(sort="name", page=1)], ["44", "46"])
        client.enroll("45", "Again", OBAMA3)
        self.assertEqual(client.change("44", purpose="door", expires="never")["purpose"], "door")
        faces = client.faces("44", thumbnails=True)
        review = client.review("44")
        self.assertEqual([f["face"] for f in review["faces"]], [f["face"] for f in faces])
        self.assertEqual([one["id"] for one in review["look_alikes"]], ["45"])
        self.assertTrue(client.set_different("44", "45")["different"])
        self.assertFalse(client.set_different("44", "45", False)["different"])
        self.assertIn("search", [entry["verb"] for entry in client.history("44")["entries"]])
        client.delete_face("44", faces[1]["face"])
        client.add_faces("44", OBAMA2)
        self.assertEqual(client.merge("44", "45")["faces"], 3)
        self.assertEqual(client.delete("44")["faces"], 3)
        with self.assertRaises(SemblanceError) as caught:
            client.person("44")
        self.assertEqual((caught.exception.status, caught.exception.code), (404, "not_found"))

    def test_photos_are_compared_represented_and_analyzed(self):
        client = self.client
        self.assertTrue(client.verify(OBAMA, OBAMA2)["match"])
        self.assertEqual(len(client.represent(OBAMA)["faces"][0]["embedding"]), client.represent(OBAMA)["dim"])
        self.assertIn("age", client.analyze(OBAMA)["faces"][0])
        self.assertEqual(client.health()["models"], "ready")
        self.assertTrue(client.ready())
        self.assertFalse(Semblance("http://127.0.0.1:1").ready())

    def test_the_asynchronous_client_does_the_same_and_waits_for_several_answers_at_once(self):
        client = AsyncSemblance(f"http://127.0.0.1:{self.server.port}")

        async def walk():
            await client.enroll("44", "Barack Obama", OBAMA)
            await client.enroll("46", "Joe Biden", BIDEN)
            answers = await asyncio.gather(*(client.search(photo, k=1) for photo in (OBAMA2, OBAMA3, BIDEN)))
            listed = [person["id"] async for person in client.people(sort="name", page=1)]
            with self.assertRaises(SemblanceError):
                await client.person("nobody")
            return [answer["faces"][0]["candidates"][0]["id"] for answer in answers], listed

        self.assertEqual(asyncio.run(walk()), (["44", "44", "46"], ["44", "46"]))

    def test_the_asynchronous_client_has_every_method_of_the_other(self):
        names = {name for name in vars(Semblance) if not name.startswith("_")}
        self.assertEqual({name for name in vars(AsyncSemblance) if not name.startswith("_")}, names)

    def test_an_admin_reads_sets_and_resets_the_threshold(self):
        client = self.client
        meant = client.thresholds(fmr=1e-5)["meaning"]
        self.assertEqual(client.set_thresholds(fmr=1e-5)["meaning"], meant)
        self.assertEqual(client.thresholds()["saved"], {"fmr": 1e-5})
        self.assertEqual(client.set_thresholds()["source"], "default")

    def test_a_folder_and_an_archive_are_imported(self):
        for person, photo in (("Barack_Obama", OBAMA), ("Joe_Biden", BIDEN)):
            (self.folder / "staff" / person).mkdir(parents=True)
            shutil.copy(photo, self.folder / "staff" / person)
        client = self.client
        client.detect(OBAMA)
        done = client.wait(client.import_folder(self.folder / "staff", consent="agreed")["id"], every=0.05)
        self.assertEqual((done["state"], done["enrolled"]), ("done", 2))
        archive = shutil.make_archive(str(self.folder / "staff"), "zip", self.folder / "staff")
        again = client.wait(client.import_file(archive)["id"], every=0.05)
        self.assertEqual((again["state"], again["skipped"]), ("done", 2))
        looked = client.wait(client.import_file(archive, preview="true")["id"], every=0.05)
        self.assertEqual((looked["state"], client.result(looked["id"])["registered"]), ("preview", 2))
        client.resume(looked["id"])
        self.assertEqual(client.wait(looked["id"], every=0.05)["state"], "done")
        other = client.wait(client.import_file(archive, preview="true")["id"], every=0.05)
        self.assertEqual(client.cancel(other["id"])["state"], "cancelled")


NODE = shutil.which("node")


def node_version():
    return int(subprocess.run([NODE, "--version"], capture_output=True, text=True).stdout[1:].split(".")[0])


class TypeScript(SharedServerCase):
    CLIENT = SOURCE / "clients/typescript"

    @unittest.skipUnless(NODE and node_version() >= 18, "Node 18 is not installed")
    def test_a_person_from_enrolment_to_the_receipt_photos_and_the_live_channel(self):
        """As an installed package, without its types."""
        package = self.folder / "node_modules/semblance"
        package.mkdir(parents=True)
        for name in ("package.json", "semblance.js"):
            shutil.copy(self.CLIENT / name, package)
        shutil.copy(SOURCE / "tests/clients/walk.mjs", self.folder)
        (self.folder / "grey.png").write_bytes(GREY)
        options = ["--experimental-websocket"] if node_version() in (20, 21) else []
        done = subprocess.run(
            [NODE, *options, "walk.mjs", f"http://127.0.0.1:{self.server.port}", FRIENDS, "grey.png"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        self.assertTrue(done.stdout.endswith("passed\n"), f"{done.returncode}: {done.stdout}{done.stderr}")

    def test_every_request_of_the_client_is_in_the_openapi_document(self):
        """Its parameters and answers are checked by types, when packaging/npm makes the package."""
        paths = self.get("/v1/openapi.json")["paths"]
        known = {
            (method.upper(), re.sub(r"\{\w+\}", "*", path)) for path, methods in paths.items() for method in methods
        }
        text = (self.CLIENT / "semblance.js").read_text()
        used = set(re.findall(r"""(?:request|send)\('([A-Z]+)', ['`]([^'`]+)['`]""", text))
        used |= {("POST", path) for path in re.findall(r"""#photos\(['`]([^'`]+)['`]""", text)}
        session = "/v1/liveness/sessions/${path(state.session)}"
        used = {(method, re.sub(r"\$\{.*?\)\}", "*", path.replace("${session}", session))) for method, path in used}
        self.assertGreater(len(used), 25)
        self.assertEqual(used - known, set())


@unittest.skipUnless(shutil.which("cc") and shutil.which("pkg-config"), "a compiler and pkg-config are not installed")
class C(ProgramCase):
    def test_a_program_links_the_library_through_pkg_config(self):
        names = {**os.environ, "PKG_CONFIG_PATH": f"{BUILD / 'meson-uninstalled'}:{SOURCE / 'deps/openvino/pkgconfig'}"}
        flags = subprocess.run(
            ["pkg-config", "--cflags", "--libs", "semblance-uninstalled"],
            env=names,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        options = json.loads((BUILD / "meson-info/intro-buildoptions.json").read_text())
        if next(o["value"] for o in options if o["name"] == "b_sanitize") != "none":
            self.skipTest("a program that is not of this build cannot carry the sanitizers' dlopen")
        program = self.folder / "verify"
        subprocess.run(
            [
                "cc",
                "-std=c99",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-Wno-cast-qual",
                SOURCE / "clients/c/verify.c",
                *flags,
                f"-Wl,-rpath,{BUILD}",
                "-o",
                program,
            ],
            check=True,
        )
        for photos, code, word in (
            ((OBAMA, OBAMA2), 0, "match: "),
            ((OBAMA, BIDEN), 1, "no match: "),
            ((OBAMA, __file__), 3, "unsupported_image"),
        ):
            done = subprocess.run(
                [program, *photos, self.folder / "data"], capture_output=True, text=True, timeout=120, check=False
            )
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
            self.assertRegex(done.stdout + done.stderr, rf"(?m)^{word}")
