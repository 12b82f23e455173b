"""pgvector's HNSW index: built by a command, used by --hnsw, measured; a search still gives as many candidates as
requested."""

import json
import re
import unittest

import postgres
from program import FRIENDS
from server import Server

# A random template of 512 numbers, of unit length; `i` is a column of the row, so that each row gets its own.
BY_CHANCE = (
    "(SELECT l2_normalize(array_agg(random() - .5)::real[]::vector(512)::halfvec(512))"
    " FROM generate_series(1, 512 + i * 0))"
)


def setUpModule():
    postgres.shared()


class Hnsw(postgres.DatabaseCase):
    def setUp(self):
        super().setUp()
        self.there = ("--store", self.url)
        self.enroll("a1", "Ann", FRIENDS / "obama.jpg", flags=self.there)
        self.enroll("b1", "Bob", FRIENDS / "biden.jpg", flags=self.there)

    def sql(self, text):
        return self.server.sql(text, self.database)

    def add_faces(self, count, template=BY_CHANCE):
        """Adds faces of the first person that resemble nobody, or are as `template` says."""
        self.sql(
            "SET search_path = semblance, public; "
            "INSERT INTO face(id, person, collection, template, quality, source, created) "
            f"SELECT nextval('face_id'), 1, 1, {template}, 1, '', 0 FROM generate_series(1, {count}) i; ANALYZE face"
        )

    def scans(self):
        """How often the index was used; None if there is none. A connection reports its statistics when it ends,
        which may be after its program has."""
        self.wait_for(
            "the end of the others",
            lambda: (
                self.sql(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid()"
                )
                == "0"
            ),
        )
        used = self.sql(
            "SELECT pg_stat_clear_snapshot(); SELECT idx_scan FROM pg_stat_all_indexes"
            " WHERE indexrelname = 'face_hnsw_1'"
        )
        return int(used) if used else None

    def found(self, *flags, code=0):
        answer = self.json_of("search", FRIENDS / "obama2.jpg", "--search", "sql", *flags, *self.there, code=code)
        return [c["id"] for c in answer["faces"][0]["candidates"]]

    def shown(self, collection="default"):
        shown = {one["collection"]: one for one in self.json_of("hnsw", *self.there)["collections"]}
        return shown.get(collection)

    def indexes(self):
        return self.sql(
            "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relname LIKE 'face_hnsw_%'"
        ).split()

    def build(self, collection):
        """An index of a collection that also has what was measured of it."""
        self.json_of("hnsw", "build", "--collection", collection, *self.there)
        self.sql(
            "INSERT INTO semblance.meta SELECT 'hnsw/' || id || '/40', '20 0.9 0.9 1' FROM semblance.collection "
            f"WHERE name = '{collection}' ON CONFLICT DO NOTHING"
        )
        self.assertEqual(len(self.shown(collection)["measured"]), 1)

    def other(self, name):
        self.json_of("collections", "add", name, *self.there)
        self.enroll("c1", "Cat", FRIENDS / "obama.jpg", flags=("--collection", name, *self.there))
        self.build(name)

    def test_it_is_made_by_the_command_alone_measured_used_and_dropped(self):
        self.add_faces(2000)
        self.assertEqual(self.found("--hnsw", "100"), ["a1", "b1"])
        self.assertEqual((self.scans(), self.shown()["there"]), (None, False))
        self.refused("hnsw", "measure", *self.there, code=1, word="hnsw build")

        built = self.json_of("hnsw", "build", "--probes", "20", "--hnsw", "200", *self.there)["collections"][0]
        self.assertTrue(built["whole"] and built["bytes"] > 0)
        self.assertEqual([m["ef"] for m in built["measured"]], [40, 100, 400, 1000, 200])
        for measured in built["measured"]:
            self.assertEqual(measured["probes"], 20)
            self.assertTrue(0 < measured["recall"] <= 1 and 0 <= measured["mates"] <= 1, measured)
        self.assertGreaterEqual(built["measured"][3]["recall"], built["measured"][0]["recall"])
        self.refused("hnsw", "build", *self.there, code=3, word="already")

        before = self.scans()
        self.assertGreater(before, 0)
        self.assertEqual(self.found(), ["a1", "b1"])
        self.assertEqual(self.scans(), before, "exact is the default")
        self.assertEqual(self.found("--hnsw", "100"), ["a1", "b1"])
        self.assertGreater(self.scans(), before)

        with Server(self.data, *self.there, "--search", "sql", "--hnsw", "200") as server:
            text = server.request("GET", "/metrics")[2].decode()
            search = json.loads(server.request("GET", "/v1/stats")[2])["search"]
        self.assertIn("semblance_hnsw_collections 1\n", text)
        self.assertAlmostEqual(
            float(re.search(r"^semblance_hnsw_recall (\S+)$", text, re.MULTILINE).group(1)),
            built["measured"][4]["recall"],
            places=5,
        )
        self.assertAlmostEqual(search.pop("hnsw_recall"), built["measured"][4]["recall"], places=5)
        self.assertEqual(search, {"by": "database", "hnsw": 200, "hnsw_collections": 1})
        self.json_of("hnsw", "drop", *self.there)
        self.assertEqual((self.scans(), self.shown()["there"]), (None, False))
        self.assertEqual(self.found("--hnsw", "100"), ["a1", "b1"])

    def test_as_many_people_as_were_asked_for_come_also_from_behind_thousands_of_faces_of_one(self):
        self.add_faces(3000, f"l2_normalize((SELECT template::halfvec(512) FROM face WHERE id = 1) + {BY_CHANCE})")
        self.json_of("hnsw", "build", "--probes", "1", *self.there)
        self.assertEqual(self.found("-k", "2", "--hnsw", "40"), ["a1", "b1"])

    def test_a_small_gallery_is_built_and_not_measured(self):
        done = self.run_program("hnsw", "build", *self.there)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"too few", done.stderr)
        self.assertEqual(self.shown()["measured"], [])
        self.assertEqual(self.found("--hnsw", "100"), ["a1", "b1"])

    def test_a_collection_that_is_deleted_takes_its_index_along_and_no_other(self):
        self.build("default")
        self.other("other")
        self.assertEqual(self.indexes(), ["face_hnsw_1", "face_hnsw_2"])
        self.json_of("collections", "delete", "other", *self.there)
        self.assertEqual((self.indexes(), self.shown("other")), (["face_hnsw_1"], None))
        self.assertTrue(self.shown()["whole"] and self.shown()["measured"])
        self.json_of("collections", "delete", "default", *self.there)
        self.assertEqual((self.indexes(), self.shown()["there"]), ([], False))
        self.assertEqual(self.sql("SELECT count(*) FROM semblance.meta WHERE key LIKE 'hnsw/%'"), "0")

    def test_an_index_that_could_not_be_dropped_with_its_collection_harms_nobody_and_goes_later(self):
        self.other("other")
        with self.held("SELECT count(*) FROM semblance.face"):
            self.json_of("collections", "delete", "other", *self.there)
        self.assertEqual((self.indexes(), self.shown("other"), self.shown()["there"]), (["face_hnsw_2"], None, False))
        self.assertEqual(self.found("--hnsw", "100"), ["a1", "b1"])
        self.build("default")
        self.assertEqual(self.indexes(), ["face_hnsw_1"])

    def test_it_wants_a_database_and_a_search_there(self):
        self.refused("hnsw", "show", code=3, word="--store postgresql://")
        self.refused("serve", "--port", "0", "--hnsw", "100", *self.there, code=3, word="--search sql")


if __name__ == "__main__":
    unittest.main()
