"""The first tests to run: the program and the server enrol, find, distinguish and delete a person."""

import json

from program import FRIENDS, ProgramCase
from server import Server

OBAMA, OBAMA2, BIDEN = (FRIENDS / f"{name}.jpg" for name in ("obama", "obama2", "biden"))


class Smoke(ProgramCase):
    def test_the_program_enrols_finds_distinguishes_and_deletes(self):
        self.enroll("44", "Barack Obama", OBAMA)
        found = self.json_of("search", OBAMA2)["faces"][0]["candidates"][0]
        self.assertEqual((found["id"], found["match"]), ("44", True))
        self.json_of("search", BIDEN, code=1)
        self.json_of("verify", OBAMA, OBAMA2)
        self.json_of("verify", OBAMA, BIDEN, code=1)
        self.json_of("delete", "44")
        self.json_of("search", OBAMA2, code=1)

    def test_the_server_does_the_same_and_shows_its_page(self):
        with Server(self.data) as server:
            server.post_photos("/api/register", {"ssn": "44", "name": "Barack Obama", "image": OBAMA.read_bytes()})
            found = server.post_photo("/v1/search", OBAMA2.read_bytes())
            self.assertEqual(found["faces"][0]["candidates"][0]["id"], "44")
            server.post_photo("/api/verify", BIDEN.read_bytes(), status=404)
            self.assertIn(b"<title>", server.request("GET", "/")[2])
            self.assertEqual(server.request("DELETE", "/v1/people/44")[0], 200)
            self.assertEqual(json.loads(server.request("GET", "/v1/people")[2])["total"], 0)
