"""Thumbnails in PostgreSQL: stored, moved, resealed and erased as in a file; an older database gets the column for
them."""

import postgres
from program import FRIENDS
from server import Server

ON = ("--thumbnails",)


def setUpModule():
    postgres.shared()


class Thumbnails(postgres.DatabaseCase):
    def setUp(self):
        super().setUp()
        self.there = ("--store", self.url)

    def exported(self, identity, *where):
        return [face.get("thumbnail") for face in self.json_of("export", "--person", identity, *where)["faces"]]

    def test_they_come_along_from_a_file_and_outlive_a_merge_and_new_keys(self):
        for identity, photo in (("1", "obama"), ("2", "biden"), ("3", "obama2")):
            self.enroll(identity, f"Name {identity}", FRIENDS / f"{photo}.jpg", flags=ON)
        before = [self.exported(identity) for identity in "123"]
        self.assertTrue(all(pictures[0] for pictures in before))
        self.json_of("migrate", "--from", f"sqlite:{self.data}", "--to", self.there[1])
        self.assertEqual([self.exported(identity, *self.there) for identity in "123"], before)
        with Server(self.data, *self.there, *ON) as server:
            status = server.request("POST", "/v1/people/1/merge", '{"from":"3"}', {"Content-Type": "application/json"})[
                0
            ]
            self.assertEqual(
                (status, server.request("GET", "/v1/people?thumbnails=true")[2].count(b'"thumbnail"')), (200, 2)
            )
        self.json_of("keys", "rotate", *self.there)
        self.json_of("keys", "revoke", *self.there)
        self.assertEqual(
            (self.exported("1", *self.there), self.exported("2", *self.there)), (before[0] + before[2], before[1])
        )
        self.assertEqual(self.json_of("thumbnails", "erase", *self.there), {"erased": 3})
        self.assertEqual(self.exported("1", *self.there), [None, None])

    def test_a_database_of_schema_1_gets_room_for_them(self):
        self.enroll("1", "Ann", FRIENDS / "obama.jpg", flags=self.there)
        self.server.sql(
            "ALTER TABLE semblance.face DROP COLUMN thumbnail, DROP COLUMN density, DROP COLUMN density_people;"
            " SET search_path = semblance; DROP TABLE event, camera, receiver, dead_letter;"
            " DROP SEQUENCE event_id, camera_id, receiver_id, dead_letter_id;"
            " UPDATE semblance.meta SET value = '\\x01000000' WHERE key = 'schema';",
            self.database,
        )
        self.enroll("2", "Ben", FRIENDS / "biden.jpg", flags=(*self.there, *ON))
        self.assertEqual((self.exported("1", *self.there), len(self.exported("2", *self.there))), ([None], 1))
        self.assertTrue(self.exported("2", *self.there)[0])
