"""The native API under /v1: every route, with valid and with invalid requests."""

import base64
import contextlib
import json
import pathlib
import re
import shutil
import socket
import tempfile
import threading
import time
import urllib.parse

from collage import grid, on_grey, png, read_jpeg, shrink
from program import FRIENDS, GROUPS, ProgramCase, of_a_file
from server import PATIENCE, Server, multipart

OBAMA, OBAMA2, OBAMA3, BIDEN = ((FRIENDS / f"{n}.jpg").read_bytes() for n in ("obama", "obama2", "obama3", "biden"))
GROUP = (GROUPS / "sample5.jpg").read_bytes()


GREY = on_grey(320, 240, [])
SIX = grid(
    [
        shrink(read_jpeg(FRIENDS / f"{n}.jpg"), 240)
        for n in ("obama", "obama2", "obama3", "biden", "obama_partial_face", "obama_partial_face2")
    ],
    3,
)


class ServerCase(ProgramCase):
    """A test with a server of its own over a gallery of its own."""

    def setUp(self):
        super().setUp()
        self.server = Server(self.data)
        self.server.__enter__()
        self.addCleanup(self.server.__exit__)

    def get(self, path, status=200, method="GET", body=None, headers=None):
        got, answer_headers, text = self.server.request(method, path, body, headers)
        self.assertEqual(got, status, text)
        self.assertEqual(answer_headers["Content-Type"], "application/json")
        return json.loads(text)

    def post(self, path, status=200, **fields):
        return self.server.post_photos(path, fields, status)

    def refused(self, path, status, code, **fields):
        error = self.post(path, status, **fields)["error"]
        self.assertEqual(error["code"], code, error)
        self.assertTrue(error["message"] and error["request_id"])

    def enroll(self, identity="44", name="Barack Obama", photo=OBAMA, **more):
        return self.post("/v1/people", 201, id=identity, name=name, image=photo, **more)


class SharedServerCase(ServerCase):
    """Tests that share one server, started once for the class; each has an empty gallery and a folder of its own."""

    @classmethod
    def setUpClass(cls):
        cls.place = ProgramCase()
        ProgramCase.setUp(cls.place)
        cls.addClassCleanup(cls.place.doCleanups)
        cls.server = Server(cls.place.data)
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.post_photo("/v1/detect", OBAMA)  # waits for the models

    def setUp(self):
        self.data = self.place.data
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        for collection in self.get("/v1/collections")["collections"]:
            self.get(f"/v1/collections/{collection['name']}", 200, "DELETE")


class People(SharedServerCase):
    def test_a_person_is_made_read_renamed_given_a_face_and_deleted(self):
        made = self.enroll(consent="agreed", attributes="true")
        self.assertEqual((made["person"]["id"], made["faces_added"]), ("44", 1))
        self.assertEqual(self.get("/v1/people/44")["consent"], "agreed")
        body = json.dumps({"name": "Renamed"})
        self.assertEqual(
            self.get("/v1/people/44", 200, "PATCH", body, {"Content-Type": "application/json"})["name"], "Renamed"
        )
        self.assertEqual(self.post("/v1/people/44/faces", 201, image=OBAMA3)["person"]["faces"], 2)
        receipt = self.get("/v1/people/44", 200, "DELETE")
        self.assertEqual((receipt["deleted"], receipt["faces"]), (1, 2))
        self.assertRegex(receipt["erased"], r"^\d{4}-\d\d-\d\dT")
        self.assertEqual(receipt["receipt"]["verb"], "erase")
        self.get("/v1/people/44", 404)

    def test_a_json_body_with_base64_and_data_urls_enrols_too(self):
        photos = [base64.b64encode(OBAMA).decode(), "data:image/jpeg;base64," + base64.b64encode(OBAMA2).decode()]
        body = json.dumps({"id": "44", "name": "Barack Obama", "images": photos})
        self.post("/v1/detect", image=OBAMA)  # waits for the models
        self.assertEqual(
            self.get("/v1/people", 201, "POST", body, {"Content-Type": "application/json"})["faces_added"], 2
        )

    def test_the_list_pages_and_filters(self):
        self.enroll()
        self.enroll("46", "Joe Biden", BIDEN)
        self.assertEqual([p["id"] for p in self.get("/v1/people?limit=1&offset=1")["people"]], ["46"])
        found = self.get("/v1/people?query=OBAMA")
        self.assertEqual(([p["id"] for p in found["people"]], found["total"]), (["44"], 1))
        for query in ("limit=0", "limit=1001", "limit=x", "offset=-1", "query=%ff", "collection=No"):
            with self.subTest(query=query):
                self.get(f"/v1/people?{query}", 400)

    def test_pages_follow_each_other_by_cursor_and_an_unchanged_list_is_304(self):
        for number, photo in enumerate((OBAMA, BIDEN, OBAMA2)):
            self.enroll(str(number), f"Name {number}", photo)
        seen, cursor = [], ""
        while cursor is not None:
            page = self.get(f"/v1/people?sort=newest&limit=2{cursor and '&cursor=' + cursor}")
            seen += [p["id"] for p in page["people"]]
            cursor = page.get("next_cursor")
        self.assertEqual(seen, ["2", "1", "0"])
        self.get("/v1/people?cursor=nonsense", 400)
        self.get("/v1/people?sort=name&cursor=newest-1", 400)
        for cursor in ("name-1", "name-1-", "name-1-4", "name-1-ff", "name-1-00", f"name-1-{'61' * 600}"):
            self.get(f"/v1/people?sort=name&cursor={cursor}", 400)
        first = self.get("/v1/people?sort=name&limit=2")
        self.get("/v1/people/0", 200, "DELETE")  # the page before loses one, and the next page loses nobody
        rest = self.get(f"/v1/people?sort=name&limit=2&cursor={first['next_cursor']}")
        self.assertEqual([p["id"] for p in rest["people"]], ["2"])
        self.enroll("0", "Name 0", OBAMA)
        _, headers, _ = self.server.request("GET", "/v1/people")
        again = {"If-None-Match": headers["ETag"]}
        self.assertEqual(self.server.request("GET", "/v1/people", headers=again)[0], 304)
        self.get("/v1/people/0", 200, "DELETE")
        self.assertEqual(self.server.request("GET", "/v1/people", headers=again)[0], 200)

    def test_two_people_are_merged_and_faces_erased_one_by_one(self):
        self.enroll("44", "Barack Obama", OBAMA)
        self.enroll("45", "B. Obama", OBAMA2)
        headers = {"Content-Type": "application/json"}
        self.get("/v1/people/44/merge", 404, "POST", '{"from":"99"}', headers)
        self.get("/v1/people/44/merge", 400, "POST", "{}", headers)
        self.assertEqual(self.get("/v1/people/44/merge", 200, "POST", '{"from":"45"}', headers)["faces"], 2)
        self.get("/v1/people/45", 404)
        faces = [f["face"] for f in self.get("/v1/people/44/faces")["faces"]]
        self.assertEqual(len(faces), 2)
        self.enroll("46", "Joe Biden", BIDEN)
        self.get(f"/v1/people/46/faces/{faces[0]}", 404, "DELETE")
        self.assertEqual(self.get(f"/v1/people/44/faces/{faces[0]}", 200, "DELETE"), {"deleted": faces[0]})
        self.assertEqual(self.get("/v1/people/44")["faces"], 1)

    def test_an_id_is_changed_unless_it_is_taken(self):
        self.enroll()
        self.enroll("46", "Joe Biden", BIDEN)
        headers = {"Content-Type": "application/json"}
        self.get("/v1/people/44", 409, "PATCH", '{"id":"46"}', headers)
        self.assertEqual(self.get("/v1/people/44", 200, "PATCH", '{"id":"47","name":"X"}', headers)["id"], "47")
        self.get("/v1/people/44", 404)

    def change(self, person, status=200, **fields):
        headers = {"Content-Type": "application/json"}
        return self.get(f"/v1/people/{person}", status, "PATCH", json.dumps(fields), headers)

    def test_a_change_is_made_whole_or_not_at_all(self):
        self.enroll(consent="agreed")
        self.enroll("46", "Joe Biden", BIDEN)
        before = self.get("/v1/people/44")
        self.change("44", 409, name="Other", id="46", consent="more")
        self.change("44", 400, name="Other", expires="tomorrow")
        self.change("44", 400, name="Other", forget="height")
        self.change("44", 400)
        self.assertEqual(self.get("/v1/people/44"), before)
        after = self.change("44", name="B. Obama", id="47", consent="more", purpose="door", expires="2031-05-06")
        self.assertEqual(
            [after[key] for key in ("id", "name", "consent", "purpose")], ["47", "B. Obama", "more", "door"]
        )
        self.assertEqual(after["expires"][:10], "2031-05-07")  # when the day has ended
        self.assertIsNone(self.change("47", expires="never")["expires"])

    def test_an_estimate_is_erased_from_every_face_of_the_person(self):
        self.enroll(attributes="true")
        self.post("/v1/people/44/faces", 201, image=OBAMA2, attributes="true")
        self.assertIsNotNone(self.get("/v1/people/44")["ethnicity"])
        left = self.change("44", forget="ethnicity,gender")
        self.assertEqual((left["ethnicity"], left["gender"], left["age"] > 0), (None, None, True))
        first = self.get("/v1/people/44/faces")["faces"][0]["face"]
        self.get(f"/v1/people/44/faces/{first}", 200, "DELETE")
        left = self.get("/v1/people/44")  # what the second face holds is shown now
        self.assertEqual((left["ethnicity"], left["gender"], left["age"] > 0), (None, None, True))
        self.assertNotIn("age", self.change("44", forget="age"))

    def test_a_review_shows_how_templates_agree_and_who_looks_alike(self):
        headers = {"Content-Type": "application/json"}
        self.enroll()
        self.enroll("45", "B. Obama", OBAMA3)
        self.enroll("46", "Joe Biden", BIDEN)
        alone = self.get("/v1/people/46/review")
        self.assertEqual((alone["best"], alone["worst"], alone["look_alikes"]), (None, None, []))
        self.assertEqual([(f["best"], f["worst"]) for f in alone["faces"]], [(None, None)])
        self.post("/v1/people/44/faces", 201, image=OBAMA2)
        self.post("/v1/people/44/faces", 201, image=BIDEN, on_duplicate="warn")  # somebody else's photo
        faces = [f["face"] for f in self.get("/v1/people/44/faces")["faces"]]
        review = self.get("/v1/people/44/review")
        self.assertEqual([f["face"] for f in review["faces"]], faces)
        self.assertEqual((review["best"]["faces"], review["best"]["match"]), (faces[:2], True))
        self.assertIn(faces[2], review["worst"]["faces"])
        self.assertFalse(review["worst"]["match"])
        alike = {one["id"]: one for one in review["look_alikes"]}
        self.assertEqual((sorted(alike), alike["45"]["verdict"]), (["45", "46"], "match"))
        self.assertFalse(alike["45"]["different"])
        self.get("/v1/people/44/different", 400, "POST", "{}", headers)
        self.get("/v1/people/44/different", 404, "POST", '{"other":"99"}', headers)
        self.get("/v1/people/44/different", 200, "POST", '{"other":"45"}', headers)
        alike = {one["id"]: one["different"] for one in self.get("/v1/people/44/review")["look_alikes"]}
        self.assertEqual(alike, {"45": True, "46": False})
        self.get("/v1/people/44/different", 200, "POST", '{"other":"45","different":false}', headers)
        self.assertFalse(any(one["different"] for one in self.get("/v1/people/44/review")["look_alikes"]))
        self.get("/v1/people/99/review", 404)

    def test_the_history_of_a_person_names_each_act_newest_first(self):
        self.enroll()
        self.enroll("46", "Joe Biden", BIDEN)
        self.post("/v1/search", image=OBAMA2)
        self.change("44", name="B. Obama")
        history = self.get("/v1/people/44/history")
        verbs = [entry["verb"] for entry in history["entries"]]
        self.assertEqual(
            ([verb for verb in verbs if verb != "show"], history["next_before"]), (["rename", "search", "enroll"], None)
        )
        page = self.get("/v1/people/44/history?limit=1")
        rest = self.get(f"/v1/people/44/history?before={page['next_before']}")
        self.assertEqual(page["entries"] + rest["entries"], history["entries"])
        self.get("/v1/people/99/history", 404)

    def test_a_request_repeated_with_its_idempotency_key_is_answered_and_not_done_again(self):
        self.post("/v1/detect", image=OBAMA)  # waits for the models
        body, kind = multipart({"id": "44", "name": "Barack Obama", "image": OBAMA})
        headers = {"Content-Type": kind, "Idempotency-Key": "k-1", "Accept-Encoding": "gzip"}
        first = self.server.request("POST", "/v1/people", body, headers)
        again = self.server.request("POST", "/v1/people", body, headers)
        self.assertEqual((first[0], again[0], first[2]), (201, 201, again[2]))
        self.assertEqual((first[1].get("Idempotent-Replayed"), again[1]["Idempotent-Replayed"]), (None, "true"))
        self.assertEqual(self.get("/v1/people")["total"], 1)
        self.get("/v1/people", 409, "POST", body, {"Content-Type": kind})
        other, kind = multipart({"id": "45", "name": "Other", "image": OBAMA})
        self.get("/v1/people", 422, "POST", other, {"Content-Type": kind, "Idempotency-Key": "k-1"})

    def test_the_same_id_twice_is_409_and_changes_nothing(self):
        self.enroll()
        self.refused("/v1/people", 409, "exists", id="44", name="Other", image=BIDEN)
        self.assertEqual(self.get("/v1/people/44")["faces"], 1)

    def test_a_duplicate_is_warned_of_or_refused_with_candidates(self):
        self.enroll()
        refused = self.post("/v1/people", 409, id="45", name="Other", image=OBAMA2, on_duplicate="refuse")
        self.assertEqual((refused["error"]["code"], refused["candidates"][0]["id"]), ("duplicate", "44"))
        self.get("/v1/people/45", 404)
        self.assertEqual(self.enroll("45", "Other", OBAMA2)["possible_duplicates"][0]["id"], "44")

    def test_people_who_are_registered_as_different_people_are_not_merged(self):
        self.enroll()
        self.post("/v1/people", 201, id="45", name="Twin", image=OBAMA2, on_duplicate="different")
        self.refused("/v1/people/44/merge", 400, "invalid", **{"from": "45"})

    def test_missing_and_hostile_texts_are_400(self):
        for fields in (
            {"name": "A"},
            {"id": "1"},
            {"id": "x" * 10000, "name": "A"},
            {"id": "1", "name": "a\nb"},
            {"id": "1", "name": "A", "faces": "some"},
        ):
            with self.subTest(fields=list(fields)):
                self.refused("/v1/people", 400, "invalid", image=OBAMA, **fields)
        body, kind = multipart({"id": "1", "name": "NAME", "image": OBAMA})
        self.get("/v1/people", 400, "POST", body.replace(b"NAME", b"\xff\xfe\xff\xfe"), {"Content-Type": kind})
        self.assertEqual(self.get("/v1/people")["total"], 0)

    def test_photos_without_a_face_or_with_several_are_422(self):
        self.refused("/v1/people", 422, "no_face", id="1", name="A", image=GREY)
        self.refused("/v1/people", 422, "several_faces", id="1", name="A", image=GROUP)
        self.refused("/v1/people", 422, "several_faces", id="1", name="A", image=SIX)
        self.assertEqual(self.post("/v1/people", 201, id="1", name="A", image=GROUP, faces="largest")["faces_added"], 1)

    def test_ids_of_all_characters_are_addressed_by_percent_encoding(self):
        self.enroll("a/b c?%é", "Odd")
        self.assertEqual(self.get("/v1/people/a%2Fb%20c%3F%25%C3%A9")["name"], "Odd")

    def test_ids_that_look_the_same_are_one_and_search_knows_no_case_in_any_script(self):
        self.enroll("Zoë", "ZOË ")
        self.assertEqual(self.get("/v1/people/" + urllib.parse.quote("Zoe\u0308 "))["name"], "ZOË")
        self.refused("/v1/people", 409, "exists", id="Zoe\u0308", name="A", image=BIDEN)
        self.enroll("1", "Ángel Ивановa", BIDEN)
        for query, ids in (("zoe", ["Zoë"]), ("áNGEL", ["1"]), ("иВАН", ["1"]), ("nobody", [])):
            found = self.get("/v1/people?query=" + urllib.parse.quote(query))["people"]
            self.assertEqual([p["id"] for p in found], ids)


class Photos(SharedServerCase):
    def test_search_names_every_face(self):
        self.enroll()
        answer = self.post("/v1/search", image=OBAMA3)
        best = answer["faces"][0]["candidates"][0]
        self.assertEqual((best["id"], best["match"], best["verdict"]), ("44", True, "match"))
        self.assertEqual(len(self.post("/v1/search?k=1", image=GROUP)["faces"]), 5)
        self.assertFalse(self.post("/v1/search", image=BIDEN)["faces"][0]["candidates"][0]["match"])
        self.assertFalse(self.post("/v1/search?threshold=0.99", image=OBAMA3)["faces"][0]["candidates"][0]["match"])

    def test_a_search_in_an_empty_gallery_is_answered_without_candidates(self):
        answer = self.post("/v1/search", image=OBAMA)
        self.assertEqual((answer["gallery_size"], answer["faces"][0]["candidates"]), (0, []))

    def test_an_embedding_is_searched_as_the_photo_that_it_comes_from(self):
        self.enroll()
        self.enroll("46", "Joe Biden", BIDEN)
        kind = {"Content-Type": "application/json"}
        embedding = self.post("/v1/represent", image=OBAMA2)["faces"][0]["embedding"]
        body = json.dumps({"embedding": [2 * x for x in embedding], "k": 1})
        found = self.get("/v1/search/embedding", 200, "POST", body, kind)
        (face,) = self.post("/v1/search", image=OBAMA2)["faces"]
        self.assertEqual((found["verdict"], found["reason"], len(found["candidates"])), ("match", "", 1))
        self.assertEqual(found["candidates"][0]["id"], "44")
        self.assertAlmostEqual(found["candidates"][0]["score"], face["candidates"][0]["score"], delta=1e-3)
        for word, sent in (
            ("missing", {}),
            ("numbers", {"embedding": "x"}),
            ("length", {"embedding": embedding[1:]}),
            ("zero", {"embedding": [0] * len(embedding)}),
            ("at once", {"embedding": [embedding, embedding]}),
        ):
            answer = self.get("/v1/search/embedding", 400, "POST", json.dumps(sent), kind)
            self.assertIn(word, answer["error"]["message"])
        self.get("/v1/search/embedding?collection=none", 404, "POST", body, kind)

    def test_verify_detect_represent_analyze(self):
        self.assertTrue(self.post("/v1/verify", image1=OBAMA, image2=OBAMA2)["match"])
        self.assertFalse(self.post("/v1/verify", image1=OBAMA, image2=BIDEN)["match"])
        self.refused("/v1/verify", 422, "no_face", image1=OBAMA, image2=GREY)
        several = self.post("/v1/verify", image1=GROUP, image2=GROUP)
        good = sum(face["quality"] >= 0.2 for face in self.post("/v1/represent", image=GROUP)["faces"])
        self.assertEqual((several["match"], several["pairs"], several["face_counts"]), (True, good**2, [5, 5]))
        self.assertGreater(good, 2)
        chosen = self.post("/v1/verify?face=2,3", image1=GROUP, image2=GROUP)
        self.assertEqual((chosen["match"], chosen["pairs"], chosen["face_numbers"]), (False, 1, [2, 3]))
        self.assertTrue(self.post("/v1/verify", image1=GROUP, image2=GROUP, face="largest")["match"])
        self.refused("/v1/verify", 400, "invalid", image1=GROUP, image2=OBAMA, face="6")
        self.refused("/v1/verify", 400, "invalid", image1=GROUP, image2=OBAMA, face="smallest")
        self.assertEqual(len(self.post("/v1/detect", image=GROUP)["faces"]), 5)
        self.assertEqual(len(self.post("/v1/detect?faces=largest", image=GROUP)["faces"]), 1)
        portrait = self.post("/v1/quality", image=OBAMA)
        self.assertEqual((portrait["faces"], portrait["enrollable"], portrait["icao"]["verdict"]), (1, True, "yes"))
        self.assertEqual(self.post("/v1/quality", image=GROUP)["icao"]["verdict"], "no")
        self.refused("/v1/quality", 422, "no_face", image=GREY)
        self.assertEqual(self.post("/v1/detect", image=GREY)["faces"], [])
        represented = self.post("/v1/represent", image=OBAMA)
        self.assertEqual(len(represented["faces"][0]["embedding"]), represented["dim"])
        self.assertEqual(self.post("/v1/analyze", image=OBAMA)["faces"][0]["gender"]["dominant"], "man")

    def test_bad_photos_get_the_right_code_and_the_server_lives_on(self):
        bad = {
            b"": (400, "bad_image"),
            b"just words": (415, "unsupported_image"),
            b"%PDF-1.7 x": (415, "unsupported_image"),
            b"<svg xmlns='http://www.w3.org/2000/svg'/>": (415, "unsupported_image"),
            b"PK\x03\x04" + bytes(60): (415, "unsupported_image"),
            OBAMA[:20000]: (400, "bad_image"),
            (FRIENDS / "32bit.png").read_bytes()[:100000]: (400, "bad_image"),
            png(60000, 60000): (413, "image_too_large"),
        }
        for photo, (status, code) in bad.items():
            for path in ("/v1/search", "/v1/detect", "/v1/represent", "/v1/analyze"):
                with self.subTest(photo=photo[:12], path=path):
                    self.refused(path, status, code, image=photo)
        self.assertEqual(self.get("/v1/health")["status"], "ok")

    def test_no_image_field_is_400(self):
        for path in ("/v1/search", "/v1/detect", "/v1/represent", "/v1/analyze", "/v1/verify"):
            with self.subTest(path=path):
                self.refused(path, 400, "invalid", other="x")
                self.refused(path, 400, "invalid", image=[OBAMA, OBAMA])

    def test_broken_bodies_are_400(self):
        self.post("/v1/detect", image=OBAMA)
        for kind, body in (
            ("application/json", b"{"),
            ("application/json", b"[]"),
            ("application/json", b'{"image":"http://x/y.jpg"}'),
            ("application/json", b'{"image":5}'),
            ("text/plain", b"x"),
            ("multipart/form-data", b"x"),
            ("multipart/form-data; boundary=a", b'--a\r\nContent-Disposition: form-data; name="image"\r\n\r\nx'),
        ):
            with self.subTest(kind=kind, body=body):
                self.get("/v1/search", 400, "POST", body, {"Content-Type": kind})

    def test_a_photo_can_be_the_whole_body(self):
        self.post("/v1/detect", image=OBAMA)
        self.assertEqual(len(self.get("/v1/detect", 200, "POST", OBAMA, {"Content-Type": "image/jpeg"})["faces"]), 1)

    def test_parallel_requests_are_answered_as_serial_ones(self):
        photos = [OBAMA, OBAMA2, OBAMA3, BIDEN] * 3
        serial = [self.post("/v1/represent", image=p)["faces"][0]["embedding"] for p in photos]
        parallel = [None] * len(photos)

        def work(i):
            parallel[i] = self.post("/v1/represent", image=photos[i])["faces"][0]["embedding"]

        threads = [threading.Thread(target=work, args=(i,)) for i in range(len(photos))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(parallel, serial)


class Collections(SharedServerCase):
    def test_collections_keep_people_apart(self):
        body, headers = json.dumps({"name": "staff"}), {"Content-Type": "application/json"}
        self.assertEqual(self.get("/v1/collections", 201, "POST", body, headers)["name"], "staff")
        self.get("/v1/collections", 409, "POST", body, headers)
        self.get("/v1/collections", 400, "POST", '{"name":"Not Good"}', headers)
        self.get("/v1/collections", 400, "POST", "{}", headers)
        self.enroll()
        self.post("/v1/people?collection=staff", 201, id="44", name="Joe Biden", image=BIDEN)
        self.assertEqual(
            self.post("/v1/search?collection=staff", image=OBAMA)["faces"][0]["candidates"][0]["name"], "Joe Biden"
        )
        self.assertEqual(
            {c["name"]: c["people"] for c in self.get("/v1/collections")["collections"]}, {"default": 1, "staff": 1}
        )
        self.get("/v1/collections/staff", 200, "DELETE")
        self.get("/v1/collections/staff", 404, "DELETE")
        self.get("/v1/people?collection=staff", 404)
        self.assertEqual(self.get("/v1/people")["total"], 1)


class Protocol(SharedServerCase):
    def test_health_version_and_the_description_are_served(self):
        self.assertIn(self.get("/v1/health")["models"], ("loading", "ready"))
        self.assertTrue(self.get("/v1/version")["version"])
        status, _, text = self.server.request("GET", "/v1/openapi.yaml")
        self.assertEqual((status, text[:7]), (200, b"openapi"))

    def test_unknown_addresses_are_404_and_wrong_methods_405_with_allow(self):
        self.assertEqual(self.get("/v1/nothing", 404)["error"]["code"], "not_found")
        status, headers, _ = self.server.request("PUT", "/v1/people")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD, POST, OPTIONS"))
        status, headers, text = self.server.request("HEAD", "/v1/people")
        self.assertEqual((status, text), (200, b""))
        self.assertEqual(self.server.request("OPTIONS", "/v1/search")[0], 204)

    def test_other_web_sites_and_foreign_host_names_are_refused(self):
        self.get("/v1/people", 403, headers={"Origin": "http://evil.example"})
        self.get("/v1/people", 403, headers={"Host": "evil.example"})

    @of_a_file
    def test_health_calls_the_gallery_ready_once_it_can_be_searched_and_not_before(self):
        with Server(self.folder / "another") as server:
            seen, give_up = [], time.monotonic() + PATIENCE
            while not seen or seen[-1] != ("ready", "ready"):
                health = json.loads(server.request("GET", "/v1/health")[2])
                seen.append((health["models"], health["gallery"]))
                self.assertLess(time.monotonic(), give_up)
        self.assertEqual([pair for pair in seen if pair[0] in ("pending", "loading") and pair[1] == "ready"], [])

    def test_long_answers_are_compressed_for_clients_that_accept_gzip(self):
        import gzip

        self.post("/v1/detect", image=OBAMA)
        kind = {"Content-Type": "image/jpeg"}
        plain = self.server.request("POST", "/v1/represent", OBAMA, kind)
        packed = self.server.request("POST", "/v1/represent", OBAMA, {**kind, "Accept-Encoding": "gzip, deflate"})
        self.assertEqual((plain[1].get("Content-Encoding"), packed[1]["Content-Encoding"]), (None, "gzip"))
        self.assertEqual(gzip.decompress(packed[2]), plain[2])
        for path in ("/", "/style.css", "/v1/openapi.json"):
            page = self.server.request("GET", path, headers={"Accept-Encoding": "gzip"})
            self.assertEqual((page[1]["Content-Encoding"], page[1]["Vary"]), ("gzip", "Accept-Encoding"))
            self.assertEqual(gzip.decompress(page[2]), self.server.request("GET", path)[2])

    def test_the_description_is_also_json_and_a_page_of_this_server(self):
        self.assertEqual(self.get("/v1/openapi.json")["openapi"], "3.1.0")
        status, headers, text = self.server.request("GET", "/docs")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertNotIn(b"//", text.replace(b"<!doctype", b""))

    def test_other_sites_may_send_requests_if_the_settings_allow_it(self):
        with Server(self.folder / "cors", "--store", "", "--cors", "https://desk.example,https://b.example") as server:
            desk = {"Origin": "https://desk.example"}
            status, headers, _ = server.request("GET", "/v1/people", headers=desk)
            self.assertEqual((status, headers["Access-Control-Allow-Origin"]), (200, "https://desk.example"))
            status, headers, _ = server.request(
                "OPTIONS", "/v1/search", headers={**desk, "Access-Control-Request-Method": "POST"}
            )
            self.assertEqual(status, 204)
            self.assertIn("POST", headers["Access-Control-Allow-Methods"])
            self.assertEqual(server.request("GET", "/v1/people", headers={"Origin": "https://evil.example"})[0], 403)
        for bad in ("*", "desk.example", "https://a.example/path"):
            done = self.run_program(
                "serve", "--port", "0", "--cors", bad, "--store", "", "--data", self.folder / "other", data=False
            )
            self.assertEqual(done.returncode, 3, bad)

    def test_a_full_queue_is_503_with_retry_after(self):
        self.post("/v1/detect", image=OBAMA)
        answers, give_up = [], time.monotonic() + PATIENCE

        def ask():  # until one is refused: more requests at once than the server accepts, however slowly they arrive
            while not any(status == 503 for status, _ in answers) and time.monotonic() < give_up:
                answers.append(self.server.request("POST", "/v1/analyze", OBAMA, {"Content-Type": "image/jpeg"})[:2])

        threads = [threading.Thread(target=ask) for _ in range(120)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({status for status, _ in answers}, {200, 503})
        self.assertEqual({headers.get("Retry-After") for status, headers in answers if status == 503}, {"1"})

    def test_a_body_of_100_megabytes_is_refused_without_being_read(self):
        with socket.create_connection(("127.0.0.1", self.server.port), 20) as connection:
            connection.sendall(
                b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: image/jpeg\r\nContent-Length: 104857600\r\n\r\n"
            )
            with connection.makefile("rb") as answer:
                self.assertIn(b" 413 ", answer.readline())

    def test_a_client_that_stops_halfway_does_not_hold_up_the_others(self):
        with socket.create_connection(("127.0.0.1", self.server.port), 20) as slow:
            slow.sendall(
                b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\nxx"
            )
            self.assertEqual(self.get("/v1/version")["name"], "semblance")

    def test_the_page_is_served_with_a_strict_policy_and_an_etag(self):
        status, headers, text = self.server.request("GET", "/")
        self.assertEqual((status, text[:15]), (200, b"<!doctype html>"))
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertNotIn("unsafe", headers["Content-Security-Policy"])
        self.assertEqual(self.server.request("GET", "/", headers={"If-None-Match": headers["ETag"]})[0], 304)


class Life(ServerCase):
    def test_probes_and_metrics_are_served(self):
        self.assertEqual(self.get("/healthz"), {"status": "ok"})
        self.post("/v1/detect", image=OBAMA)
        self.assertEqual(self.get("/readyz"), {"status": "ready"})
        self.get("/v1/nothing", 404)
        wanted = (
            b'semblance_requests_total{method="POST",route="/v1/detect",status="2xx"} 1\n',
            b'semblance_request_seconds_count{method="GET",route="/healthz"} 1\n',
        )
        give_up = time.monotonic() + PATIENCE
        text = b""
        while not all(line in text for line in wanted):  # a request is counted just after its answer is sent
            self.assertLess(time.monotonic(), give_up, text)
            status, headers, text = self.server.request("GET", "/metrics")
            self.assertEqual((status, headers["Content-Type"].split(";")[0]), (200, "text/plain"))
        self.assertRegex(text, rb"(?m)^semblance_people 0$")
        self.assertRegex(text, rb'(?m)^semblance_model_runs_total{model="landmarks"} [1-9]')
        self.assertIn(b"semblance_index_bytes ", text)
        self.assertRegex(text, rb"semblance_index_age_seconds -?\d")
        stats = self.get("/v1/stats")
        self.assertEqual(len(stats["minutes"]), 60)
        self.assertEqual(stats["search"], {"by": "memory"})
        self.assertGreater(sum(m["requests"] for m in stats["minutes"]), 2)
        self.assertGreater(stats["minutes"][-1]["p50_ms"] + stats["minutes"][-2]["p50_ms"], 0)

    @of_a_file
    def test_a_second_server_on_the_same_folder_is_refused(self):
        done = self.run_program("serve", "--port", "0")
        self.assertEqual(done.returncode, 4)
        self.assertIn(b"another server", done.stderr)

    def test_a_second_server_on_the_same_port_is_refused(self):
        done = self.run_program(
            "serve", "--port", str(self.server.port), "--data", self.folder / "other", "--store", "", data=False
        )
        self.assertEqual(done.returncode, 4)
        self.assertIn(b"in use", done.stderr)

    def test_listening_beyond_loopback_needs_a_flag(self):
        done = self.run_program(
            "serve", "--listen", "0.0.0.0", "--port", "0", "--data", self.folder / "other", "--store", "", data=False
        )
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"--insecure", done.stderr)

    def gauge(self, name):
        text = self.server.request("GET", "/metrics")[2].decode()
        return float(re.search(rf"(?m)^{name} (\S+)$", text)[1])

    def turned_away(self):
        try:
            with socket.create_connection(("127.0.0.1", self.server.port), 60) as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return not connection.recv(1)
        except ConnectionError:
            return True

    def test_a_graceful_stop_finishes_the_request_that_has_begun_and_turns_new_ones_away(self):
        self.enroll()
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(
                self.server.request("POST", "/v1/analyze", OBAMA, {"Content-Type": "image/jpeg"})[0]
            )
        )
        thread.start()
        while thread.is_alive() and self.gauge("semblance_body_bytes") < len(OBAMA):
            time.sleep(0.01)
        self.server.process.terminate()
        while not self.turned_away():
            time.sleep(0.01)
        thread.join()
        self.assertEqual((answers, self.server.process.wait(120)), ([200], 0))

    def test_the_server_stops_safely_while_uploads_end(self):
        self.enroll()
        with contextlib.ExitStack() as all_of_them:
            uploads = [
                all_of_them.enter_context(socket.create_connection(("127.0.0.1", self.server.port), 60))
                for _ in range(200)
            ]
            for upload in uploads:
                upload.sendall(
                    b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\n"
                    b"Content-Type: image/jpeg\r\nContent-Length: 2\r\n\r\n."
                )
            while self.gauge("semblance_requests_open") < len(uploads):
                time.sleep(0.01)
            self.server.process.terminate()
            for upload in uploads:
                with contextlib.suppress(ConnectionError):
                    upload.sendall(b".")
            self.assertEqual(self.server.process.wait(120), 0)

    def test_a_person_that_the_command_line_enrols_is_found_at_once(self):
        self.post("/v1/search", image=OBAMA)
        self.assertEqual(
            self.run_program("enroll", "--id", "44", "--name", "Barack Obama", FRIENDS / "obama.jpg").returncode, 0
        )
        self.assertEqual(self.post("/v1/search", image=OBAMA3)["faces"][0]["candidates"][0]["id"], "44")
        self.assertEqual(self.run_program("delete", "44").returncode, 0)
        self.assertEqual(self.post("/v1/search", image=OBAMA3)["faces"][0]["candidates"], [])
