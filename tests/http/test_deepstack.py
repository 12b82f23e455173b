"""The face API of DeepStack and CodeProject.AI, in the shapes that its clients send and read."""

from test_native import BIDEN, GREY, GROUP, OBAMA, OBAMA2, OBAMA3, SharedServerCase

API = "/v1/vision/face"


class DeepStack(SharedServerCase):
    def test_people_are_registered_recognized_listed_and_deleted(self):
        added = self.post(f"{API}/register", userid="Barack", image1=OBAMA, image2=OBAMA2)
        self.assertEqual(added, {"success": True, "message": "face added"})
        self.assertTrue(self.post(f"{API}/register", userid="Joe", image=BIDEN)["success"])
        self.assertEqual(self.get("/v1/people/Barack")["faces"], 2)
        self.assertEqual(self.post(f"{API}/list", x="y"), {"success": True, "faces": ["Barack", "Joe"]})
        self.assertEqual(self.get(f"{API}/list", 200, "POST")["faces"], ["Barack", "Joe"])
        found = self.post(f"{API}/recognize", image=OBAMA3, min_confidence="0.6")
        (face,) = found["predictions"]
        self.assertEqual((found["success"], found["count"], face["userid"]), (True, 1, "Barack"))
        self.assertEqual(set(face), {"userid", "confidence", "x_min", "y_min", "x_max", "y_max"})
        self.assertTrue(0.8 <= face["confidence"] <= 1 and face["x_min"] < face["x_max"])
        self.assertEqual(
            self.post(f"{API}/recognize", image=OBAMA3, min_confidence="1")["predictions"][0]["userid"], "unknown"
        )
        strangers = self.post(f"{API}/recognize", image=GROUP)["predictions"]
        self.assertEqual([(f["userid"], f["confidence"]) for f in strangers], [("unknown", 0)] * 5)
        for _ in range(2):  # the second one deletes nobody
            self.assertEqual(self.post(f"{API}/delete", userid="Joe"), {"success": True})
        self.assertEqual(self.post(f"{API}/list", x="y")["faces"], ["Barack"])

    def test_faces_are_detected_and_two_photos_matched(self):
        found = self.post(API, image=GROUP)
        self.assertEqual(
            (found["count"], set(found["predictions"][0])), (5, {"confidence", "x_min", "y_min", "x_max", "y_max"})
        )
        self.assertEqual(self.post(API, image=GREY), {"success": True, "predictions": [], "count": 0})
        self.assertGreater(self.post(f"{API}/match", image1=OBAMA, image2=OBAMA2)["similarity"], 0.8)
        self.assertLess(self.post(f"{API}/match", image1=OBAMA, image2=BIDEN)["similarity"], 0.5)

    def test_refusals_say_why(self):
        for path, fields, word in (
            ("/register", {"userid": "x"}, "image is missing"),
            ("/register", {"image": OBAMA}, "userid is missing"),
            ("/register", {"userid": "x", "image": GROUP}, "5 faces"),
            ("/recognize", {"image": b"not a photo"}, "text"),
            ("/recognize", {"image": OBAMA, "min_confidence": "2"}, "min_confidence"),
            ("/match", {"image1": OBAMA, "image2": GREY}, "face"),
        ):
            answer = self.post(API + path, 400, **fields)
            self.assertEqual((set(answer), answer["success"]), ({"success", "error"}, False))
            self.assertIn(word, answer["error"])
