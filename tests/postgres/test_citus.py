"""What a server asks of Citus, as far as that can be tested without it. A stand-in extension of that name has
functions with Citus's signatures, enforces its documented rules about keys of distributed tables, and records how
they were called."""

import os
import unittest

import postgres
from program import FRIENDS
from server import Server

RULES = """
CREATE TABLE calls(number bigint GENERATED ALWAYS AS IDENTITY, what text);
CREATE TABLE spread(name regclass PRIMARY KEY, "column" text, beside regclass);
CREATE FUNCTION column_of(asked regclass) RETURNS smallint LANGUAGE sql AS
  'SELECT attnum FROM pg_attribute JOIN @extschema@.spread ON attrelid = name AND attname = "column"
    WHERE name = asked';
CREATE FUNCTION check_keys(asked regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE own smallint := @extschema@.column_of(asked); key record;
BEGIN
  IF own IS NOT NULL AND EXISTS(SELECT FROM pg_index WHERE indrelid = asked AND indisunique
      AND NOT own = ANY(indkey::smallint[])) THEN
    RAISE 'cannot create constraint on %: a distributed relation cannot have UNIQUE or PRIMARY KEY '
      'constraints without the partition column', asked;
  END IF;
  FOR key IN SELECT confrelid, conkey, confkey, s."column" AS other FROM pg_constraint
      LEFT JOIN @extschema@.spread s ON s.name = confrelid
             WHERE conrelid = asked AND contype = 'f' LOOP
    IF NOT EXISTS(SELECT FROM @extschema@.spread WHERE name = key.confrelid)
       OR (key.other IS NOT NULL AND (own IS NULL OR NOT own = ANY(key.conkey)
          OR NOT @extschema@.column_of(key.confrelid) = ANY(key.confkey))) THEN
      RAISE 'cannot create foreign key constraint since relations are not colocated or not referencing a '
        'reference table';
    END IF;
  END LOOP;
END $$;
CREATE TABLE pg_dist_node AS SELECT 0 AS groupid;
ALTER TABLE pg_dist_node SET SCHEMA pg_catalog;
CREATE FUNCTION pg_catalog.run_command_on_placements(table_name regclass, command text, OUT success bool,
  OUT result text) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
  success := true;
  EXECUTE format(command, table_name) INTO result;
  RETURN NEXT;
END $$;
CREATE FUNCTION pg_catalog.create_reference_table(table_name regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO @extschema@.calls(what) VALUES (format('reference %s', table_name));
  INSERT INTO @extschema@.spread VALUES (table_name, NULL, NULL);
  PERFORM @extschema@.check_keys(table_name);
END $$;
CREATE FUNCTION pg_catalog.create_distributed_table(table_name regclass, distribution_column text,
    distribution_type text DEFAULT 'hash',
  colocate_with text DEFAULT 'default', shard_count int DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO @extschema@.calls(what)
    VALUES (format('distributed %s by %s beside %s', table_name, distribution_column, colocate_with));
  INSERT INTO @extschema@.spread VALUES (table_name, distribution_column, NULL);
  PERFORM @extschema@.check_keys(table_name);
END $$;
"""


def setUpModule():
    if os.environ.get("SB_CITUS"):
        raise unittest.SkipTest("the stand-in for Citus is for a server without it")
    server = postgres.shared()
    folder = next((server.folder / "install").rglob("pginstall/**/vector.control")).parent
    (folder / "citus.control").write_text(
        "comment = 'stands in for Citus'\ndefault_version = '13.2'\nrelocatable = false\nschema = citus_calls\n"
    )
    (folder / "citus--13.2.sql").write_text(RULES)


class Citus(postgres.DatabaseCase):
    def setUp(self):
        super().setUp()
        self.server.sql("CREATE EXTENSION citus", self.database)
        self.store = ("--store", self.url)

    def test_people_are_spread_by_person_and_faces_lie_beside_them(self):
        self.json_of("list", *self.store)
        calls = self.server.sql("SELECT what FROM citus_calls.calls ORDER BY number", self.database).splitlines()
        self.assertEqual(
            [c.replace("semblance.", "") for c in calls],
            [
                "reference writer_turn",
                "reference collection",
                "distributed person by id beside default",
                "distributed face by person beside person",
            ],
        )

    def test_every_write_takes_a_turn_so_that_its_commit_is_one_over_all_nodes(self):
        turn = "SELECT turn FROM semblance.writer_turn"
        self.enroll("a1", "Ann", FRIENDS / "obama.jpg", flags=self.store)
        before = int(self.server.sql(turn, self.database))
        self.json_of("rename", "a1", "Anna", *self.store)
        self.assertGreater(int(self.server.sql(turn, self.database)), before)

    def test_a_change_that_a_node_does_not_show_yet_is_followed_when_it_does(self):
        self.enroll("a1", "Ann", FRIENDS / "obama.jpg", flags=self.store)
        self.enroll("a2", "Ann", FRIENDS / "obama2.jpg", flags=self.store)
        change = (
            "INSERT INTO semblance.change(kind, collection, face, person) SELECT {}, collection, id, person FROM late"
        )
        with Server(self.data, *self.store) as server:
            self.assertEqual(self.found(server), {"a1", "a2"})
            self.server.sql(
                "CREATE TABLE late AS SELECT * FROM semblance.face ORDER BY id DESC LIMIT 1;"
                f"DELETE FROM semblance.face WHERE id IN (SELECT id FROM late); {change.format(2)}",
                self.database,
            )
            self.assertEqual(self.found(server), {"a1"})
            # The coordinator has committed; a node still shows the turn and the faces of before.
            self.server.sql(
                "CREATE OR REPLACE FUNCTION pg_catalog.run_command_on_placements(table_name regclass, command text,"
                " OUT success bool, OUT result text) RETURNS SETOF record LANGUAGE sql AS $$SELECT true, '-1'$$;"
                + change.format(1),
                self.database,
            )
            self.assertEqual(self.found(server), {"a1"})
            self.server.sql("INSERT INTO semblance.face SELECT * FROM late", self.database)
            self.assertEqual(self.found(server), {"a1", "a2"})

    def found(self, server):
        answer = server.post_photo("/v1/search", (FRIENDS / "obama3.jpg").read_bytes())
        return {c["id"] for c in answer["faces"][0]["candidates"]}

    def test_an_id_is_one_person_s_though_no_index_over_all_can_say_so(self):
        self.enroll("a1", "Ann", FRIENDS / "obama.jpg", flags=self.store)
        unique = "SELECT count(*) FROM pg_index WHERE indrelid = 'semblance.person'::regclass AND indisunique"
        self.assertEqual(self.server.sql(unique, self.database), "1")
        self.refused(
            "enroll", "--id", "a1", "--name", "Bob", FRIENDS / "biden.jpg", *self.store, code=3, word="already"
        )

    def test_faces_move_to_another_person_without_a_change_of_the_column_that_spreads_them(self):
        self.enroll("a1", "Ann", FRIENDS / "obama.jpg", flags=self.store)
        self.enroll("a2", "Ann", FRIENDS / "obama2.jpg", flags=self.store)
        # Citus refuses an UPDATE of that column; so does the stand-in.
        self.server.sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN RAISE ''modifying the partition value''; END';"
            "CREATE TRIGGER refuse BEFORE UPDATE OF person ON semblance.face FOR EACH ROW EXECUTE FUNCTION refuse()",
            self.database,
        )
        with Server(self.data, *self.store) as server:
            status, _, text = server.request(
                "POST", "/v1/people/a1/merge", '{"from":"a2"}', {"Content-Type": "application/json"}
            )
        self.assertEqual(status, 200, text)
        self.assertEqual([p["faces"] for p in self.json_of("list", *self.store)["people"]], [2])


if __name__ == "__main__":
    unittest.main()
