"""migrate-model: a collection gets another embedding model from photos, while it serves under the old one."""

import shutil

from program import FRIENDS, ProgramCase
from server import Server

MODEL = "dlib-resnet-128"


class Migration(ProgramCase):
    def setUp(self):
        super().setUp()
        self.made_once(self.enroll_three)
        self.photos = self.folder / "photos"

    def enroll_three(self):
        terms = ("--consent", "yes", "--purpose", "door")
        self.enroll("o", "Obama", FRIENDS / "obama.jpg", flags=terms)
        self.enroll("b", "Biden", FRIENDS / "biden.jpg")
        self.enroll("p", "Partial", FRIENDS / "obama_partial_face.jpg")

    def give(self, identity, *names):
        (self.photos / identity).mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copy(FRIENDS / name, self.photos / identity)

    def migrate(self, *flags, code=0):
        return self.json_of("migrate-model", MODEL, *flags, code=code)

    def collections(self):
        return {
            c["name"]: (c["model"], c["people"], c["faces"]) for c in self.json_of("collections", "list")["collections"]
        }

    def test_people_with_photos_move_and_the_others_stay_under_the_old_model(self):
        self.give("o", "obama2.jpg")
        self.give("stranger", "biden.jpg")
        first = self.migrate(self.photos)
        self.assertEqual((first["enrolled"], first["not_in_collection"], first["switched"]), (1, 1, False))
        self.assertEqual({person["id"] for person in first["without_photo"]}, {"b", "p"})
        self.assertEqual(self.collections()["default"], ("mobilefacenet-512", 3, 3), "it serves as before")
        self.give("o", "obama3.jpg")  # an interrupted run is resumed: only what is missing is done
        second = self.migrate(self.photos, "--switch")
        self.assertEqual((second["enrolled"], second["skipped"], second["switched"]), (1, 1, True))
        wanted = {"default": (MODEL, 1, 2), "default_before": ("mobilefacenet-512", 2, 2)}
        self.assertEqual(self.collections(), wanted)
        person = self.json_of("show", "o")
        self.assertEqual((person["name"], person["consent"], person["purpose"]), ("Obama", "yes", "door"))
        self.give("b", "biden.jpg")  # a photo turned up
        self.give("p", "obama_partial_face.jpg")
        third = self.migrate(self.photos)
        self.assertEqual((third["enrolled"], third["skipped"], third["without_photo"]), (2, 2, []))
        self.assertEqual(self.collections(), {"default": (MODEL, 3, 4)}, "nobody is left under the old model")
        self.json_of("audit", "verify")
        self.refused("migrate-model", MODEL, self.photos, code=3, word="has the model dlib-resnet-128 already")

    def test_what_happens_meanwhile_is_not_undone(self):
        self.give("o", "obama2.jpg")
        self.give("b", "biden.jpg")
        self.migrate(self.photos)
        self.json_of("delete", "b")
        self.json_of("rename", "o", "Barack")
        self.migrate("--switch")
        self.assertEqual(self.collections()["default"], (MODEL, 1, 1))
        self.assertEqual(self.json_of("show", "o")["name"], "Barack")
        # As if the program had been killed after the collections changed their names, and before it erased.
        self.json_of("enroll", "--id", "o", "--name", "O", FRIENDS / "obama.jpg", "--collection", "default_before")
        self.assertEqual(self.migrate("--switch")["without_photo"], [{"id": "p", "name": "Partial"}])
        self.assertEqual(self.collections()["default_before"], ("mobilefacenet-512", 1, 1))

    def test_a_server_answers_all_the_time(self):
        self.give("o", "obama2.jpg")
        photo = (FRIENDS / "obama3.jpg").read_bytes()

        def found():
            (face,) = server.post_photo("/v1/search", photo)["faces"]
            return face["verdict"] == "match" and face["candidates"][0]["id"] == "o"

        with Server(self.data) as server:
            self.assertTrue(found())
            self.migrate(self.photos)
            self.assertTrue(found())
            self.migrate("--switch")
            self.assertTrue(found())

    def test_nothing_begins_without_model_photos_and_people(self):
        self.refused("migrate-model", "nobody", FRIENDS.parent, code=1, word="no model 'nobody'")
        self.refused("migrate-model", MODEL, code=3, word="--switch")
        self.refused("migrate-model", MODEL, "--switch", code=3, word="nobody is enrolled under the new model")
        self.refused("migrate-model", MODEL, "--switch", "--collection", "none", code=1, word="nobody is enrolled")
