"""The child rule over HTTP: no API names anybody by a face that looks like a child's, and the age model runs only where
a match would be said."""

import re

from ages import Ages
from server import Server
from test_live import Channel
from test_native import BIDEN, OBAMA, OBAMA2, OBAMA3, ProgramCase

COMPREFACE = "/api/v1/recognition"


class Children(ProgramCase):
    def setUp(self):
        super().setUp()
        ages = Ages(self.folder / "models")
        ages.all(8)
        self.server = Server(self.data, "--models", ages.path)
        self.server.__enter__()
        self.addCleanup(self.server.__exit__)
        self.post("/v1/people", 201, id="44", name="Barack Obama", image=OBAMA)

    def post(self, path, status=200, **fields):
        return self.server.post_photos(path, fields, status)

    def runs(self):
        """How often a model for attributes ran."""
        text = self.server.request("GET", "/metrics")[2].decode()
        return int(re.search(r'^semblance_model_runs_total\{model="attributes"\} (\d+)', text, re.MULTILINE)[1])

    def test_the_age_model_runs_only_where_a_match_would_be_said(self):
        before = self.runs()
        self.assertEqual(self.post("/v1/search", image=BIDEN)["faces"][0]["verdict"], "none")
        self.assertEqual(self.post("/v1/verify", image1=OBAMA, image2=BIDEN)["verdict"], "none")
        self.assertEqual(self.runs(), before)
        self.assertEqual(self.post("/v1/search", image=OBAMA2)["faces"][0]["reason"], "child")
        self.assertEqual(self.runs(), before + 1)
        self.assertEqual(self.post("/v1/verify", image1=OBAMA, image2=OBAMA2)["reason"], "child")
        self.assertEqual(self.runs(), before + 2, "one child is enough")

    def test_no_api_calls_it_a_match(self):
        live = Channel(self.server.port, "/v1/live")
        self.addCleanup(live.close)
        live.send(OBAMA2)
        face = live.answer()["faces"][0]
        self.assertEqual((face["verdict"], face["reason"], face["candidates"][0]["match"]), ("unsure", "child", False))
        self.assertEqual(self.post("/verify", img1=OBAMA, img2=OBAMA2)["verified"], False)
        self.assertEqual(self.post("/search", img=OBAMA2)["results"], [[]])
        self.assertEqual(self.post("/api/verify", 404, image=OBAMA2)["match"], False)

    def test_compreface_gets_similarities_below_those_of_a_match(self):
        recognized = self.post(f"{COMPREFACE}/recognize", file=OBAMA2)["result"][0]["subjects"][0]
        added = self.post(f"{COMPREFACE}/faces?subject=barack", 201, file=OBAMA3)
        kept = self.post(f"{COMPREFACE}/faces/{added['image_id']}/verify", file=OBAMA2)["result"][0]
        compared = self.post("/api/v1/verification/verify", source_image=OBAMA, target_image=OBAMA2)
        matches = compared["result"][0]["face_matches"]
        for similarity in (recognized["similarity"], kept["similarity"], matches[0]["similarity"]):
            self.assertTrue(0.5 < similarity < 0.8, similarity)
