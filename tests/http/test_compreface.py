"""CompreFace's REST API in the shapes that its clients send and read, and with its PyPI SDK if that is installed."""

import base64
import json
import os
import pathlib
import subprocess
import textwrap
import unittest

from program import FRIENDS
from test_native import BIDEN, GREY, GROUP, OBAMA, OBAMA2, OBAMA3, SharedServerCase

API = "/api/v1/recognition"
JSON = {"Content-Type": "application/json", "x-api-key": "00000000-0000-0000-0000-000000000002"}
PEERS = pathlib.Path(os.environ.get("SB_SOURCE", ".")) / "deps/clients/bin/python"


class CompreFace(SharedServerCase):
    def add(self, subject, photo, status=201):
        return self.post(f"{API}/faces?subject={subject}", status, file=photo)

    def test_subjects_are_made_listed_renamed_merged_and_deleted(self):
        self.assertEqual(self.get(f"{API}/subjects", 201, "POST", '{"subject":"obama"}', JSON), {"subject": "obama"})
        self.assertEqual(self.get(f"{API}/subjects", 400, "POST", '{"subject":"obama"}', JSON)["code"], 43)
        self.add("barack", OBAMA)
        self.add("obama", OBAMA2)
        self.assertEqual(self.get(f"{API}/subjects")["subjects"], ["obama", "barack"])
        self.assertEqual(self.get(f"{API}/subjects/barack", 200, "PUT", '{"subject":"obama"}', JSON), {"updated": True})
        self.assertEqual(self.get(f"{API}/faces")["total_elements"], 2)
        self.assertEqual({f["subject"] for f in self.get(f"{API}/faces")["faces"]}, {"obama"})
        self.get(f"{API}/subjects/obama", 200, "PUT", '{"subject":"president"}', JSON)
        self.assertEqual(self.get(f"{API}/subjects/president", 200, "DELETE"), {"subject": "president"})
        self.assertEqual(self.get(f"{API}/subjects/president", 404, "DELETE")["code"], 42)
        self.add("biden", BIDEN)
        self.assertEqual(self.get(f"{API}/subjects", 200, "DELETE"), {"deleted": 1})
        self.assertEqual(self.get(f"{API}/subjects"), {"subjects": []})

    def test_faces_are_added_paged_verified_and_deleted(self):
        first = self.add("obama", OBAMA)
        body = json.dumps({"file": base64.b64encode(OBAMA2).decode()})
        second = self.get(f"{API}/faces?subject=obama", 201, "POST", body, JSON)
        page = self.get(f"{API}/faces?page=1&size=1")
        self.assertEqual(
            page, {"faces": [second], "page_number": 1, "page_size": 1, "total_pages": 2, "total_elements": 2}
        )
        (result,) = self.post(f"{API}/faces/{first['image_id']}/verify", file=OBAMA3)["result"]
        self.assertEqual(result["subject"], "obama")
        self.assertGreater(result["similarity"], 0.8)
        self.assertLess(
            self.post(f"{API}/faces/{first['image_id']}/verify", file=BIDEN)["result"][0]["similarity"], 0.5
        )
        self.assertEqual(self.get(f"{API}/faces/{first['image_id']}", 200, "DELETE"), first)
        self.get(f"{API}/faces/{first['image_id']}", 404, "DELETE")
        gone = self.get(f"{API}/faces/delete", 200, "POST", json.dumps([first["image_id"], second["image_id"]]), JSON)
        self.assertEqual(gone, {"deleted": [second]})
        self.assertEqual(self.get(f"{API}/subjects"), {"subjects": []})  # a subject goes with its last face
        self.add("obama", OBAMA)
        self.add("obama", OBAMA2)
        self.assertEqual(self.get(f"{API}/faces?subject=obama", 200, "DELETE"), {"deleted": 2})
        self.assertEqual(self.get(f"{API}/faces?subject=nobody", 200, "DELETE"), {"deleted": 0})
        self.assertEqual(self.get(f"{API}/subjects/"), {"subjects": []})
        self.add("obama", OBAMA)
        self.add("biden", BIDEN)
        self.assertEqual(self.get(f"{API}/faces", 200, "DELETE"), {"deleted": 2})
        self.assertEqual(self.get(f"{API}/subjects"), {"subjects": []})

    def test_recognize_gives_boxes_subjects_and_what_plugins_ask_for(self):
        self.add("obama", OBAMA)
        self.add("biden", BIDEN)
        (plain,) = self.post(f"{API}/recognize?limit=0&prediction_count=2&det_prob_threshold=0.5", file=OBAMA3)[
            "result"
        ]
        self.assertEqual(set(plain), {"box", "subjects"})
        self.assertEqual([s["subject"] for s in plain["subjects"]], ["obama", "biden"])
        self.assertGreater(plain["subjects"][0]["similarity"], 0.8)
        self.assertLess(plain["subjects"][1]["similarity"], 0.5)
        self.assertEqual(set(plain["box"]), {"probability", "x_min", "y_min", "x_max", "y_max"})
        answer = self.post(f"{API}/recognize?face_plugins=landmarks,gender,age,calculator&status=true", file=OBAMA3)
        (full,) = answer["result"]
        self.assertEqual((full["gender"]["value"], len(full["landmarks"]), len(full["embedding"])), ("male", 5, 512))
        self.assertLess(full["age"]["low"], full["age"]["high"])
        self.assertEqual(set(full["execution_time"]), {"detector", "calculator", "age", "gender"})
        self.assertTrue(all(ms > 0 for ms in full["execution_time"].values()), full["execution_time"])
        self.assertIn("plugins_versions", answer)
        self.assertEqual(len(self.post(f"{API}/recognize", file=GROUP)["result"]), 5)
        self.assertEqual(len(self.post(f"{API}/recognize?limit=2", file=GROUP)["result"]), 2)

    def test_detection_and_verification(self):
        found = self.post("/api/v1/detection/detect?face_plugins=landmarks,pose,mask", file=GROUP)["result"]
        self.assertEqual((len(found), set(found[0])), (5, {"box", "landmarks", "pose"}))
        self.assertEqual(set(found[0]["pose"]), {"pitch", "roll", "yaw"})
        (whole,) = self.post("/api/v1/detection/detect?detect_faces=false", file=GREY)["result"]
        self.assertEqual((whole["box"]["x_min"], whole["box"]["y_min"]), (0, 0))
        (result,) = self.post("/api/v1/verification/verify", source_image=OBAMA, target_image=GROUP)["result"]
        self.assertEqual((len(result["face_matches"]), set(result["source_image_face"])), (5, {"box"}))
        (same,) = self.post("/api/v1/verification/verify", source_image=OBAMA, target_image=OBAMA2)["result"]
        self.assertGreater(same["face_matches"][0]["similarity"], 0.8)

    def test_embeddings_take_the_place_of_photos(self):
        def embedding(photo):
            (face,) = self.post("/api/v1/detection/detect?face_plugins=calculator", file=photo)["result"]
            return face["embedding"]

        def send(path, status=200, **body):
            return self.get(path, status, "POST", json.dumps(body), JSON)

        added = self.add("obama", OBAMA)
        self.add("biden", BIDEN)
        one, other = embedding(OBAMA2), embedding(BIDEN)
        rows = send(f"{API}/embeddings/recognize?prediction_count=2", embeddings=[one, other])["result"]
        self.assertEqual([row["similarities"][0]["subject"] for row in rows], ["obama", "biden"])
        self.assertEqual([len(row["similarities"]) for row in rows], [2, 2])
        self.assertEqual([len(row["embedding"]) for row in rows], [len(one)] * 2)
        (found,) = self.post(f"{API}/recognize", file=OBAMA2)["result"]
        self.assertAlmostEqual(rows[0]["similarities"][0]["similarity"], found["subjects"][0]["similarity"], delta=1e-3)
        rows = send(f"{API}/embeddings/faces/{added['image_id']}/verify", embeddings=[one, other])["result"]
        self.assertTrue(rows[0]["similarity"] > 0.8 > 0.5 > rows[1]["similarity"])
        rows = send("/api/v1/verification/embeddings/verify", source=one, targets=[embedding(OBAMA3), other])["result"]
        self.assertTrue(rows[0]["similarity"] > 0.8 > 0.5 > rows[1]["similarity"])
        for word, path, body in (
            ("embeddings is missing", f"{API}/embeddings/recognize", {}),
            ("embeddings is not", f"{API}/embeddings/recognize", {"embeddings": ["x"]}),
            ("length", f"{API}/embeddings/recognize", {"embeddings": [[1, 2, 3]]}),
            ("at most 64", f"{API}/embeddings/recognize", {"embeddings": [[1, 2]] * 65}),
            ("source is missing", "/api/v1/verification/embeddings/verify", {"targets": [one]}),
            ("source is one", "/api/v1/verification/embeddings/verify", {"source": [one, one], "targets": [one]}),
        ):
            with self.subTest(word):
                self.assertIn(word, send(path, 400, **body)["message"])
        none = "00000000-0000-4000-8000-00000000ffff"
        self.assertEqual(send(f"{API}/embeddings/faces/{none}/verify", 404, embeddings=[one])["code"], 42)

    def test_refusals_have_their_codes(self):
        self.assertEqual(self.post(f"{API}/recognize", 400, file=GREY)["code"], 28)
        self.assertEqual(self.add("x", GREY, 400)["code"], 28)
        self.assertEqual(self.add("x", GROUP, 400)["code"], 31)
        self.assertEqual(self.post(f"{API}/faces", 400, file=OBAMA)["code"], 41)
        self.assertEqual(self.get(f"{API}/subjects"), {"subjects": []})

    @unittest.skipUnless(PEERS.exists(), "the clients of PyPI are not installed (script/setup --tests)")
    def test_its_own_sdk_works(self):
        script = textwrap.dedent(f"""
            from compreface import CompreFace
            face = CompreFace("http://127.0.0.1", "{self.server.port}", {{"det_prob_threshold": 0.5}})
            recognition = face.init_face_recognition("key")
            collection, subjects = recognition.get_face_collection(), recognition.get_subjects()
            assert subjects.add("biden") == {{"subject": "biden"}}
            added = collection.add({str(FRIENDS / "obama.jpg")!r}, "obama")
            assert added["subject"] == "obama", added
            assert collection.list()["faces"] == [added]
            assert sorted(subjects.list()["subjects"]) == ["biden", "obama"]
            options = {{"limit": 0, "prediction_count": 1, "face_plugins": "age,gender", "status": "true"}}
            found = recognition.recognize({str(FRIENDS / "obama2.jpg")!r}, options)
            assert found["result"][0]["subjects"][0]["subject"] == "obama", found
            checked = collection.verify({str(FRIENDS / "obama3.jpg")!r}, added["image_id"])
            assert checked["result"][0]["similarity"] > 0.8, checked
            assert subjects.update("obama", "president") == {{"updated": True}}
            detected = face.init_face_detection("key").detect({str(FRIENDS / "obama3.jpg")!r})
            assert len(detected["result"]) == 1
            verification = face.init_face_verification("key")
            pair = verification.verify({str(FRIENDS / "obama.jpg")!r}, {str(FRIENDS / "obama2.jpg")!r})
            assert pair["result"][0]["face_matches"][0]["similarity"] > 0.8
            assert collection.delete(added["image_id"])["subject"] == "president"
            assert subjects.list()["subjects"] == ["biden"]  # a subject goes with its last face
            assert subjects.delete("biden") == {{"subject": "biden"}}
        """)
        done = subprocess.run([PEERS, "-c", script], capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
