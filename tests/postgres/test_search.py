"""--search sql: the database searches, with the same results as the index in memory."""

import unittest

import postgres
from program import FRIENDS, ProgramCase


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

    def test_what_needs_the_index_says_so(self):
        self.json_of("list", *self.store)
        self.refused("search", FRIENDS / "obama2.jpg", "--search", "sql", code=3, word="--store")
        self.refused("search", FRIENDS / "obama2.jpg", "--search", "magic", code=3, word="local or sql")


if __name__ == "__main__":
    unittest.main()
