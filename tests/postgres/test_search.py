"""--search sql: the database searches, with the same results as the index in memory."""

import unittest

import postgres
from program import FRIENDS, LFW, ProgramCase


def setUpModule():
    postgres.shared()


class SearchBySql(ProgramCase):
    def setUp(self):
        super().setUp()
        self.store = ("--store", postgres.shared().url(postgres.shared().database()))

    def candidates(self, how, code=0):
        answer = self.json_of("search", FRIENDS / "obama2.jpg", "--search", how, *self.store, code=code)
        return [(c["id"], c["match"]) for c in answer["faces"][0]["candidates"]], [
            c["similarity"] for c in answer["faces"][0]["candidates"]
        ]

    def test_both_ways_name_the_same_people_with_the_same_scores(self):
        self.assertEqual(self.candidates("sql", code=1), ([], []))
        self.enroll("a1", "Ann", FRIENDS / "obama.jpg", FRIENDS / "obama3.jpg", flags=self.store)
        self.enroll("b1", "Bob", FRIENDS / "biden.jpg", flags=self.store)
        (local, scores), (sql, others) = self.candidates("local"), self.candidates("sql")
        self.assertEqual(local, [("a1", True), ("b1", False)])
        self.assertEqual(sql, local)
        for one, other in zip(scores, others):
            self.assertAlmostEqual(one, other, delta=1e-3)

    def test_both_ways_normalise_scores_alike(self):
        if not LFW.is_dir():
            self.skipTest("no photos of lfw10 here")
        people = sorted(folder for folder in LFW.iterdir() if folder.is_dir())
        for number, person in enumerate(people):
            photo = sorted(person.iterdir())[0]
            self.enroll(f"p{number}", person.name, photo, flags=("--largest", *self.store))
        probe = sorted(people[0].iterdir())[1]
        answers = [self.json_of("search", probe, "--search", how, *self.store) for how in ("local", "sql")]
        local, sql = ({c["id"]: c for c in answer["faces"][0]["candidates"]} for answer in answers)
        self.assertEqual(list(local), list(sql))
        self.assertNotAlmostEqual(local["p0"]["score"], local["p0"]["similarity"], delta=0.005)
        for one, other in zip(local.values(), sql.values()):
            self.assertEqual(one["verdict"], other["verdict"])
            self.assertAlmostEqual(one["score"], other["score"], delta=0.005)

    def test_what_needs_the_index_says_so(self):
        self.json_of("list", *self.store)
        self.refused("search", FRIENDS / "obama2.jpg", "--search", "sql", code=3, word="--store")
        self.refused("search", FRIENDS / "obama2.jpg", "--search", "magic", code=3, word="local or sql")


if __name__ == "__main__":
    unittest.main()
