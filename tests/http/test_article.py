"""The article's API, exactly as its clients know it."""

from test_native import BIDEN, GREY, OBAMA, OBAMA2, SharedServerCase


class Article(SharedServerCase):
    def test_register_verify_and_people(self):
        made = self.post("/api/register", ssn="44", name="Barack Obama", image=OBAMA)
        self.assertEqual((made["status"], made["person"]["Gender"]), ("success", "Man"))
        self.assertIsInstance(made["person"]["Age"], int)
        self.assertTrue(made["person"]["Ethnicity"][0].isupper())
        found = self.post("/api/verify", image=OBAMA2)
        self.assertEqual(
            (found["match"], found["person"]["ssn"], found["person"]["name"]), (True, "44", "Barack Obama")
        )
        self.assertEqual(set(found["person"]), {"ssn", "name", "age", "gender", "ethnicity"})
        self.assertTrue(0.5 < found["confidence"] <= 1)
        people = self.get("/api/people")["people"]
        self.assertEqual([(p["ssn"], p["name"], p["gender"]) for p in people], [("44", "Barack Obama", "Man")])

    def test_a_stranger_and_an_empty_gallery_are_404_unknown_person(self):
        empty = self.post("/api/verify", 404, image=BIDEN)
        self.assertEqual((empty["match"], empty["message"]), (False, "Unknown person"))
        self.post("/api/register", ssn="44", name="Barack Obama", image=OBAMA)
        stranger = self.post("/api/verify", 404, image=BIDEN)
        self.assertEqual(set(stranger), {"match", "confidence", "message"})

    def test_family_resemblance_in_percent(self):
        answer = self.post("/api/verify_family", father_image=OBAMA, child_image=OBAMA2, mother_image=BIDEN)
        self.assertGreater(answer["resemblance_to_father"], 70)
        self.assertLess(answer["resemblance_to_mother"], 20)

    def test_refusals_are_an_error_text(self):
        for path, status, fields in (
            ("/api/register", 400, {"ssn": "1", "name": "A"}),
            ("/api/verify", 400, {"x": "y"}),
            ("/api/verify_family", 400, {"father_image": OBAMA}),
            ("/api/register", 400, {"image": OBAMA}),
            ("/api/register", 422, {"ssn": "1", "name": "A", "image": GREY}),
            ("/api/verify", 422, {"image": GREY}),
        ):
            with self.subTest(path=path, fields=list(fields)):
                self.assertIsInstance(self.post(path, status, **fields)["error"], str)

    def test_the_same_ssn_twice_is_409(self):
        self.post("/api/register", ssn="44", name="Barack Obama", image=OBAMA)
        self.assertIn("id", self.post("/api/register", 409, ssn="44", name="Other", image=BIDEN)["error"])

    def test_status_is_loading_or_ready(self):
        self.assertIn(self.get("/api/status")["status"], ("loading", "ready"))
        self.post("/api/verify", 404, image=OBAMA)
        self.assertEqual(self.get("/api/status")["status"], "ready")
