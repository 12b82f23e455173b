"""The child rule on the command line: a face that looks like a child's names nobody, unless the user accepts it."""

import json
import shutil

from ages import Ages
from program import FRIENDS, ProgramCase

OBAMA, OBAMA2, BIDEN = FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg", FRIENDS / "biden.jpg"


class Children(ProgramCase):
    def setUp(self):
        super().setUp()
        self.ages = Ages(self.folder / "models")
        self.setting("SEMBLANCE_MODELS", self.ages.path)

    def best(self, *arguments, code=0):
        return self.json_of("search", *arguments, OBAMA, code=code)["faces"][0]

    def actions(self):
        """The verbs of the audit."""
        return [line.split("\t")[3] for line in self.run_program("audit", "show").stdout.decode().splitlines()]

    def test_adults_are_matched_as_before(self):
        self.ages.all(40)
        self.enroll("44", "Barack Obama", OBAMA2)
        face = self.best()
        self.assertEqual((face["verdict"], face["reason"], face["candidates"][0]["match"]), ("match", "", True))
        self.assertTrue(self.json_of("verify", OBAMA, OBAMA2)["match"])

    def test_a_photo_of_a_child_names_nobody_in_a_search(self):
        self.ages.all(8)
        self.enroll("44", "Barack Obama", OBAMA2)
        face = self.best(code=1)
        self.assertEqual((face["verdict"], face["reason"]), ("unsure", "child"))
        self.assertEqual([(c["match"], c["verdict"]) for c in face["candidates"]], [(False, "unsure")])
        words = self.run_program("search", OBAMA).stdout.decode()
        self.assertIn("not sure: a face looks like a child's", words)

    def test_a_child_in_either_photo_makes_a_comparison_not_sure(self):
        for ages in ((8, 40), (40, 8)):
            self.ages.two(OBAMA, ages[0], OBAMA2, ages[1])
            answer = self.json_of("verify", OBAMA, OBAMA2, code=1)
            self.assertEqual((answer["match"], answer["verdict"], answer["reason"]), (False, "unsure", "child"), ages)
        self.assertIn("looks like a child's", self.run_program("verify", OBAMA, OBAMA2).stdout.decode())

    def test_different_people_stay_no_match_also_when_they_are_children(self):
        self.ages.all(8)
        answer = self.json_of("verify", OBAMA, BIDEN, code=1)
        self.assertEqual((answer["verdict"], answer["reason"]), ("none", ""))

    def test_the_age_that_is_stored_with_a_person_counts_too(self):
        self.ages.all(8)
        self.enroll("44", "Barack Obama", OBAMA2, flags=["--attributes"])
        self.ages.all(40)
        face = self.best(code=1)
        self.assertEqual((face["verdict"], face["reason"]), ("unsure", "child"))

    def test_who_accepts_the_risk_gets_matches_and_the_audit_says_so(self):
        self.ages.all(8)
        self.enroll("44", "Barack Obama", OBAMA2)
        self.best(code=1)
        self.assertEqual(self.best("--children", "match")["verdict"], "match")
        self.assertTrue(self.json_of("verify", "--children", "match", OBAMA, OBAMA2)["match"])
        self.assertEqual(self.actions()[-2:], ["search", "search children=match"])
        self.refused("search", "--children", "perhaps", OBAMA, code=3, word="--children is unsure or match")

    def test_without_an_age_model_children_are_matched_and_the_doctor_says_so(self):
        self.ages.attributes()
        self.assertTrue(self.json_of("verify", OBAMA, OBAMA2)["match"])
        done = self.run_program("doctor", "--port", "0", "--json")
        found = [f for f in json.loads(done.stdout)["findings"] if "estimates ages" in f["message"]]
        self.assertEqual([(f["check"], f["state"]) for f in found], [("models", "warning")])

    def test_a_group_of_photos_of_a_child_gets_no_name(self):
        self.ages.all(40)
        self.enroll("44", "Barack Obama", OBAMA2)
        photos = self.folder / "photos"
        photos.mkdir()
        shutil.copy(OBAMA, photos)
        named = self.json_of("cluster", photos, "--quiet")["groups"][0]
        self.assertEqual((named["person"]["id"], named["reason"]), ("44", ""))
        self.ages.all(8)
        held = self.json_of("cluster", photos, "--quiet")["groups"][0]
        self.assertEqual((held["person"], held["reason"], len(held["faces"])), (None, "child", 1))
        words = self.run_program("cluster", photos, "--quiet").stdout.decode()
        self.assertIn("not sure, looks like a child: 1 face", words)
        accepted = self.json_of("cluster", photos, "--quiet", "--children", "match")["groups"][0]
        self.assertEqual(accepted["person"]["id"], "44")

    def test_a_child_is_not_refused_as_a_duplicate_but_the_look_alike_is_named(self):
        self.ages.all(8)
        self.enroll("44", "Barack Obama", OBAMA2, flags=["--attributes"])
        refuse = ("enroll", "--id", "45", "--name", "Another", "--refuse-duplicate", OBAMA)
        self.refused(*refuse, "--children", "match", code=3, word="another id")
        done = self.run_program(*refuse)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("looks like Barack Obama (44)", done.stderr.decode())
        self.assertIn("not sure, because one of the faces looks like a child's", done.stderr.decode())
        self.assertEqual([pair["child"] for pair in self.json_of("dedup")["pairs"]], [True])
        self.assertIn("one looks like a child", self.run_program("dedup").stdout.decode())
