"""DeepFace's REST API, in the shapes that its clients send and read."""

import base64
import hashlib
import json

import onnx_graph
from program import SOURCE, ProgramCase
from server import Server
from test_native import BIDEN, GREY, GROUP, OBAMA, OBAMA2, OBAMA3, SharedServerCase


def data_url(photo):
    return "data:image/jpeg;base64," + base64.b64encode(photo).decode()


class DeepFace(SharedServerCase):
    def ask(self, path, status=200, **body):
        return self.get(path, status, "POST", json.dumps(body), {"Content-Type": "application/json"})

    def test_represent_gives_an_embedding_an_area_and_a_confidence(self):
        (result,) = self.ask(
            "/represent",
            img=data_url(OBAMA),
            model_name="mobilefacenet-512",
            detector_backend="opencv",
            align=True,
            max_faces=1,
        )["results"]
        self.assertEqual(len(result["embedding"]), 512)
        self.assertEqual(set(result["facial_area"]), {"x", "y", "w", "h", "left_eye", "right_eye"})
        self.assertGreater(result["facial_area"]["left_eye"][0], result["facial_area"]["right_eye"][0])
        self.assertGreater(result["face_confidence"], 0.8)
        self.assertEqual(len(self.post("/represent", img=GROUP)["results"]), 5)
        self.assertEqual(len(self.post("/represent", img=GROUP, max_faces="2")["results"]), 2)

    def test_verify_in_every_metric(self):
        for metric in ("cosine", "euclidean", "euclidean_l2", "angular"):
            same = self.ask("/verify", img1=data_url(OBAMA), img2=data_url(OBAMA2), distance_metric=metric)
            other = self.ask("/verify", img1=data_url(OBAMA), img2=data_url(BIDEN), distance_metric=metric)
            self.assertEqual((same["verified"], other["verified"]), (True, False))
            self.assertLess(same["distance"], same["threshold"])
            self.assertGreater(other["distance"], other["threshold"])
            self.assertEqual(same["similarity_metric"], metric)
        self.assertEqual(
            set(same),
            {
                "verified",
                "distance",
                "threshold",
                "confidence",
                "model",
                "detector_backend",
                "similarity_metric",
                "facial_areas",
                "time",
            },
        )
        self.assertEqual(set(same["facial_areas"]), {"img1", "img2"})

    def test_verify_compares_the_most_similar_pair_of_photos_with_several_faces(self):
        whole = self.ask("/represent", img=data_url(GROUP))["results"]
        answer = self.ask("/verify", img1=data_url(GROUP), img2=data_url(GROUP))
        areas = [result["facial_area"] for result in whole]
        self.assertTrue(answer["verified"])
        self.assertEqual(answer["facial_areas"]["img1"], answer["facial_areas"]["img2"])
        self.assertIn(answer["facial_areas"]["img1"], areas)

    def test_files_and_data_urls_in_a_form_are_the_same(self):
        self.assertEqual(
            self.post("/verify", img1=OBAMA, img2=data_url(OBAMA2))["distance"],
            self.post("/verify", img1=OBAMA, img2=OBAMA2)["distance"],
        )

    def test_analyze_in_percent_with_emotion_in_deepface_s_words(self):
        (result,) = self.ask("/analyze", img=data_url(OBAMA), actions=["age", "gender", "race", "emotion"])["results"]
        self.assertEqual(result["dominant_gender"], "Man")
        self.assertEqual(result["race"][result["dominant_race"]], max(result["race"].values()))
        self.assertAlmostEqual(sum(result["gender"].values()), 100, 2)
        self.assertEqual(set(result["emotion"]), {"angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"})
        self.assertAlmostEqual(sum(result["emotion"].values()), 100, 2)
        self.assertEqual(result["emotion"][result["dominant_emotion"]], max(result["emotion"].values()))
        self.assertEqual(
            set(self.ask("/analyze", img=data_url(OBAMA), actions=["age"])["results"][0]),
            {"age", "region", "face_confidence"},
        )
        alone = self.ask("/analyze", img=data_url(OBAMA), actions=["emotion"])["results"][0]
        self.assertEqual(set(alone), {"emotion", "dominant_emotion", "region", "face_confidence"})
        self.assertEqual(alone["dominant_emotion"], result["dominant_emotion"])
        self.assertIn("actions are", self.ask("/analyze", 400, img=data_url(OBAMA), actions=["beauty"])["error"])

    def test_an_installed_model_is_chosen_by_name_and_any_other_is_refused_with_a_list_of_models(self):
        for name in ("dlib-resnet-128", "Dlib"):
            answer = self.ask("/represent", img=data_url(OBAMA), model_name=name)
            self.assertEqual((len(answer["results"][0]["embedding"]), answer["model_name"]), (128, "dlib-resnet-128"))
        other = self.ask("/verify", img1=data_url(OBAMA), img2=data_url(OBAMA2), model_name="Dlib")
        mine = self.ask("/verify", img1=data_url(OBAMA), img2=data_url(OBAMA2))
        self.assertEqual((other["verified"], other["model"], mine["model"]), (True, "Dlib", "mobilefacenet-512"))
        self.assertNotEqual(other["distance"], mine["distance"])
        self.assertIn(
            "mobilefacenet-512", self.ask("/represent", 400, img=data_url(OBAMA), model_name="VGG-Face")["error"]
        )
        self.assertIn("mobilefacenet-512", self.ask("/search", 400, img=data_url(OBAMA), model_name="Dlib")["error"])
        self.assertEqual(
            self.ask("/register", img=data_url(OBAMA), img_name="obama", model_name="mobilefacenet-512"),
            {"inserted": 1},
        )

    def test_skip_takes_the_photo_as_the_face(self):
        found = self.ask("/represent", img=data_url(OBAMA))["results"][0]["facial_area"]
        (result,) = self.ask("/represent", img=data_url(GROUP), detector_backend="skip")["results"]
        self.assertEqual((result["facial_area"]["x"], result["facial_area"]["left_eye"]), (0, None))
        self.assertGreater(result["facial_area"]["w"], found["w"])
        same = self.ask("/verify", img1=data_url(GREY), img2=data_url(GREY), detector_backend="skip")
        self.assertEqual((same["verified"], same["detector_backend"]), (True, "skip"))
        self.assertEqual(
            self.ask("/register", img=data_url(GREY), img_name="grey", detector_backend="skip"), {"inserted": 1}
        )
        (hits,) = self.ask("/search", img=data_url(GREY), detector_backend="skip")["results"]
        self.assertEqual([hit["img_name"] for hit in hits], ["grey"])
        self.assertEqual(
            len(self.ask("/analyze", img=data_url(GREY), detector_backend="skip", actions=["age"])["results"]), 1
        )

    def test_register_and_search(self):
        self.assertEqual(self.ask("/register", img=data_url(OBAMA), img_name="obama"), {"inserted": 1})
        self.assertEqual(self.ask("/register", img=data_url(OBAMA), img_name="obama"), {"inserted": 0})
        self.ask("/register", img=data_url(BIDEN), img_name="biden")
        self.assertIn("message", self.ask("/build/index"))
        (hits,) = self.ask("/search", img=data_url(OBAMA3), k=2, search_method="ann")["results"]
        self.assertEqual([hit["img_name"] for hit in hits], ["obama"])
        self.assertLess(hits[0]["distance"], hits[0]["threshold"])
        self.assertEqual(hits[0]["distance_metric"], "cosine")
        (nearest,) = self.ask("/search", img=data_url(OBAMA3), k=2, similarity_search=True)["results"]
        self.assertEqual([hit["img_name"] for hit in nearest], ["obama", "biden"])

    def test_the_text_false_means_false(self):
        (blank,) = self.post("/represent", img=GREY, enforce_detection="false")["results"]
        self.assertEqual((blank["face_confidence"], blank["facial_area"]["left_eye"]), (0, None))
        self.assertIn("no face", self.post("/represent", 400, img=GREY, enforce_detection="true")["error"])

    def test_a_photo_without_a_face_is_taken_as_the_face_where_detection_is_not_enforced(self):
        blank = {"img": data_url(GREY), "enforce_detection": False}
        (result,) = self.ask("/represent", **blank)["results"]
        self.assertEqual((len(result["embedding"]), result["face_confidence"]), (512, 0))
        self.assertEqual((result["facial_area"]["x"], result["facial_area"]["w"]), (0, 320))
        (analysis,) = self.ask("/analyze", actions=["age"], **blank)["results"]
        self.assertEqual((analysis["face_confidence"], "age" in analysis), (0, True))
        self.assertEqual(self.ask("/register", img_name="blank", **blank), {"inserted": 1})
        (hits,) = self.ask("/search", **blank)["results"]
        self.assertEqual(hits[0]["img_name"], "blank")

    def test_several_photos_are_a_batch(self):
        photos = [data_url(OBAMA), data_url(GROUP)]
        one, group = self.ask("/represent", img=photos)["results"]
        self.assertEqual((len(one), len(group)), (1, 5))
        one, group = self.ask("/analyze", img=photos, actions='["age", "gender"]')["results"]
        self.assertEqual((len(one), len(group), set(one[0]) > {"age", "dominant_gender"}), (1, 5, True))
        self.assertEqual(
            self.ask("/register", img=[data_url(OBAMA), data_url(OBAMA2)], img_name="obama"), {"inserted": 2}
        )
        self.assertEqual(len(self.ask("/search", img=[data_url(OBAMA3), data_url(GROUP)])["results"]), 6)

    def test_who_has_no_name_gets_a_random_one(self):
        self.assertEqual(self.ask("/register", img=[data_url(OBAMA), data_url(BIDEN)], img_name=None), {"inserted": 2})
        names = [p["id"] for p in self.get("/v1/people")["people"]]
        self.assertEqual(len(set(names)), 2)
        for name in names:
            self.assertRegex(name, r"\A[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")

    def test_old_names_of_fields_are_read(self):
        self.assertEqual(len(self.ask("/represent", img_path=data_url(OBAMA))["results"]), 1)
        self.assertTrue(self.ask("/verify", img1_path=data_url(OBAMA), img2_path=data_url(OBAMA2))["verified"])

    def test_answers_repeat_what_was_asked_for(self):
        pair = {"img1": data_url(OBAMA), "img2": data_url(OBAMA2)}
        answer = self.ask("/verify", detector_backend="mtcnn", model_name="MobileFaceNet", **pair)
        self.assertEqual((answer["detector_backend"], answer["model"]), ("mtcnn", "MobileFaceNet"))
        self.ask("/register", img=data_url(OBAMA), img_name="obama")
        ((hit,),) = self.ask("/search", img=data_url(OBAMA3), search_method="ann", detector_backend="yolov8n")[
            "results"
        ]
        self.assertEqual(
            {key: hit[key] for key in ("search_method", "detector_backend", "aligned", "l2_normalized")},
            {"search_method": "ann", "detector_backend": "yolov8n", "aligned": True, "l2_normalized": True},
        )

    def test_confidence_is_in_deepface_s_ranges(self):
        for photo, least, most in ((OBAMA2, 51, 100), (BIDEN, 0, 49)):
            confidence = self.ask("/verify", img1=data_url(OBAMA), img2=data_url(photo))["confidence"]
            self.assertTrue(least <= confidence <= most, confidence)
        self.ask("/register", img=data_url(OBAMA), img_name="obama")
        (near,) = self.ask("/search", img=data_url(BIDEN), similarity_search=True)["results"]
        self.assertLess(near[0]["confidence"], 50)

    def test_unknown_values_are_refused(self):
        for word, fields in (
            ("detector_backend", {"detector_backend": "mtccn"}),
            ("search_method", {"search_method": "fast"}),
            ("distance_metric", {"distance_metric": "manhattan"}),
            ("normalization", {"normalization": "Facenet"}),
            ("expand_percentage", {"expand_percentage": 10}),
            ("align", {"align": False}),
            ("l2_normalize", {"l2_normalize": "perhaps"}),
        ):
            self.assertIn(word, self.ask("/search", 400, img=data_url(OBAMA), **fields)["error"])
        self.assertIn("actions", self.ask("/analyze", 400, img=data_url(OBAMA), actions=["age", "beauty"])["error"])
        self.ask("/represent", img=data_url(OBAMA), normalization="base", expand_percentage=0, align="true")

    def test_an_embedding_takes_the_place_of_a_photo(self):
        def embedding(photo):
            return self.ask("/represent", img=data_url(photo))["results"][0]["embedding"]

        one, other = embedding(OBAMA), embedding(BIDEN)
        for fields, verified in (
            ({"img1": one, "img2": data_url(OBAMA2)}, True),
            ({"img1": data_url(OBAMA2), "img2": [3 * x for x in one]}, True),
            ({"img1": one, "img2": embedding(OBAMA3)}, True),
            ({"img1_path": one, "img2_path": other}, False),
            ({"img1": other, "img2": data_url(OBAMA)}, False),
        ):
            answer = self.ask("/verify", **fields)
            self.assertIs(answer["verified"], verified)
            for side, sent in zip(("img1", "img2"), fields.values(), strict=True):
                self.assertEqual(answer["facial_areas"][side]["x"] is None, isinstance(sent, list))
        photos = self.ask("/verify", img1=data_url(OBAMA), img2=data_url(OBAMA2))
        self.assertAlmostEqual(
            self.ask("/verify", img1=one, img2=data_url(OBAMA2))["distance"], photos["distance"], delta=1e-4
        )
        for word, bad in (
            ("length", one[:-1]),
            ("zero", [0] * len(one)),
            ("finite", [1e300] * len(one)),
            ("base64", ["x"]),
            ("skip", None),
        ):
            fields = {"img1": bad} if bad else {"img1": one, "detector_backend": "skip"}
            self.assertIn(word, self.ask("/verify", 400, img2=data_url(OBAMA), **fields)["error"])

    def test_all_faces_of_a_group_are_registered_under_one_name_as_people_of_their_own(self):
        count = self.ask("/register", img=data_url(GROUP), img_name="party")["inserted"]
        self.assertGreater(count, 2)  # those of good quality
        people = self.get("/v1/people")["people"]
        self.assertEqual([p["name"] for p in people], ["party"] * count)
        self.assertEqual(len({p["id"] for p in people}), count)
        hits = self.ask("/search", img=data_url(GROUP))["results"]
        self.assertEqual({hit["img_name"] for face in hits for hit in face}, {"party"})
        self.assertGreater(self.ask("/register", img=data_url(GROUP))["inserted"], 1)
        self.assertEqual(self.ask("/register", img=data_url(OBAMA), img_name="Barack")["inserted"], 1)
        self.assertEqual(self.get("/v1/people/Barack")["faces"], 1)

    def test_addresses_paths_and_empty_images_are_refused_with_a_message_and_no_traceback(self):
        for fields in (
            {"img": "http://127.0.0.1/photo.jpg"},
            {"img": "/etc/passwd"},
            {"img": "file:///etc/passwd"},
            {},
        ):
            for sent in (self.ask("/represent", 400, **fields), self.post("/represent", 400, x="y", **fields)):
                self.assertEqual(list(sent), ["error"])
                self.assertNotIn("Traceback", sent["error"])

    def test_anti_spoofing_is_refused_in_words_where_no_model_decides(self):
        for path in ("/represent", "/analyze", "/search"):
            answer = self.ask(path, 400, img=data_url(OBAMA), anti_spoofing=True)
            self.assertIn("script/models minifasnet", answer["error"])
        answer = self.ask("/verify", 400, img1=data_url(OBAMA), img2=data_url(OBAMA2), anti_spoofing="true")
        self.assertIn("anti_spoofing", answer["error"])
        self.ask("/represent", img=data_url(OBAMA), anti_spoofing=False)

    def test_it_can_be_turned_off(self):
        with Server(self.folder / "off", "--store", "", "--dialects", "article") as server:
            self.assertEqual(server.request("POST", "/represent", b"{}", {"Content-Type": "application/json"})[0], 404)
            self.assertEqual(server.request("GET", "/api/v1/recognition/subjects")[0], 404)
            self.assertEqual(server.request("GET", "/api/people")[0], 200)
        done = self.run_program(
            "serve",
            "--port",
            "0",
            "--dialects",
            "esperanto",
            "--store",
            "",
            "--data",
            self.folder / "other",
            data=False,
        )
        self.assertEqual(done.returncode, 3)


class AntiSpoofing(ProgramCase):
    """The models of liveness are made up: they take every face for a picture, or for a person."""

    def made_up(self, live):
        folder = self.folder / "models"
        folder.mkdir(exist_ok=True)
        numbers = [0.3, 0.4, 0.3] if live else [0.4, 0.35, 0.25]  # the largest decides, not the half
        graph = onnx_graph.constants(80, {"probabilities": ([1, 3], numbers)})
        for name in ("minifasnet-v2", "minifasnet-v1se"):
            manifest = json.loads((SOURCE / f"models/published/{name}.json").read_text())
            manifest["sha256"] = hashlib.sha256(graph).hexdigest()
            (folder / manifest["file"]).write_bytes(graph)
            (folder / f"{name}.json").write_text(json.dumps(manifest))
        return ("--models", f"{SOURCE}/models:{SOURCE}/deps/models:{folder}")

    def test_a_picture_is_answered_in_deepface_s_words_and_nobody_is_registered(self):
        spoof = {"error": "Spoof detected in the given image."}
        asked = {"img": OBAMA, "anti_spoofing": "true"}
        pair = {"img1": OBAMA, "img2": OBAMA2, "anti_spoofing": "true"}
        with Server(self.data, *self.made_up(False)) as server:
            for path in ("/represent", "/analyze", "/search"):
                self.assertEqual(server.post_photos(path, asked, 400), spoof, path)
            self.assertEqual(server.post_photos("/register", {**asked, "img_name": "o"}, 400), spoof)
            self.assertEqual(server.post_photos("/verify", pair, 400), spoof)
            server.post_photos("/represent", {"img": OBAMA})
            self.assertEqual(json.loads(server.request("GET", "/v1/people")[2])["total"], 0)

    def test_a_person_passes(self):
        with Server(self.data, *self.made_up(True)) as server:
            answer = server.post_photos("/verify", {"img1": OBAMA, "img2": OBAMA2, "anti_spoofing": "true"})
            self.assertIs(answer["verified"], True)
            server.post_photos("/register", {"img": OBAMA, "img_name": "o", "anti_spoofing": "true"})
