"""What a server asks of Citus, as far as that can be tested without it. A stand-in extension of that name has
functions with Citus's signatures, enforces its documented rules about keys of distributed tables, and records how
they were called."""

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
                "reference collection",
                "distributed person by id beside default",
                "distributed face by person beside person",
            ],
        )

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
