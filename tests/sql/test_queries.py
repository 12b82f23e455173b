"""What a search with conditions finds, whatever the plan; what a conflict replaces; and errors that are no damage."""

import sqlite3
import unittest

from extension import ExtensionCase, connect

PROBE = "[1,2,3]"


class Errors(ExtensionCase):
    def test_a_locked_table_is_locked_not_damaged(self):
        writer = self.make(10)
        reader = connect(self.path)
        self.addCleanup(reader.close)
        reader.execute("PRAGMA busy_timeout = 0")
        reader.execute("SELECT * FROM sqlite_schema").fetchall()  # the schema is known before the lock
        writer.execute("BEGIN EXCLUSIVE")
        for statement in (
            "SELECT count(*) FROM t",
            "SELECT rowid FROM t WHERE v MATCH '[1,2,3,4,5,6,7,8]'",
            "INSERT INTO t(t) VALUES ('integrity-check')",
            "DELETE FROM t",
            "DROP TABLE t",
            "CREATE VIRTUAL TABLE u USING semblance(v FLOAT[2])",
            "PRAGMA integrity_check(t)",
        ):
            with self.subTest(statement=statement), self.assertRaisesRegex(sqlite3.OperationalError, "locked") as got:
                reader.execute(statement).fetchall()
            if hasattr(got.exception, "sqlite_errorcode"):
                self.assertEqual(got.exception.sqlite_errorcode & 0xFF, 5)  # SQLITE_BUSY
        writer.execute("COMMIT")
        self.assertEqual(reader.execute("SELECT count(*) FROM t").fetchone(), (10,))

    def test_a_connection_that_loses_the_lock_while_it_is_open_is_locked_too(self):
        writer, reader = self.make(10), self.open()
        reader.execute("PRAGMA busy_timeout = 0")
        self.assertEqual(reader.execute("SELECT count(*) FROM t").fetchone(), (10,))
        writer.execute("BEGIN EXCLUSIVE")
        for statement in ("SELECT count(*) FROM t", "SELECT rowid FROM t WHERE v MATCH '[1,2,3,4,5,6,7,8]' AND k = 1"):
            with self.subTest(statement=statement), self.assertRaisesRegex(sqlite3.OperationalError, "locked"):
                reader.execute(statement).fetchall()
        with self.assertRaisesRegex(sqlite3.OperationalError, "locked"):
            reader.execute("PRAGMA integrity_check(t)").fetchall()
        writer.execute("COMMIT")
        self.assertEqual(reader.execute("SELECT count(*) FROM t").fetchone(), (10,))

    def test_tables_that_could_not_be_created_change_nothing_in_a_transaction(self):
        connection = self.make(3)
        connection.execute("CREATE TABLE x_changes(a)")
        tables = connection.execute("SELECT name FROM sqlite_schema").fetchall()
        connection.execute("BEGIN")
        connection.execute("INSERT INTO t(v, name) VALUES ('[1,2,3,4,5,6,7,8]', 'in the transaction')")
        for refused in ("fts5(a, zzz = 8)", "semblance(v FLOAT[3])", "semblance(n TEXT)"):
            for _ in range(2):  # the second one finds the schema that the first one reset
                with self.assertRaises(sqlite3.Error):
                    connection.execute(f"CREATE VIRTUAL TABLE x USING {refused}")
            self.assertEqual(connection.execute("SELECT count(*) FROM t").fetchone(), (4,))
        self.assertEqual(connection.execute("SELECT name FROM sqlite_schema").fetchall(), tables)
        connection.execute("INSERT INTO t(v) VALUES ('[1,2,3,4,5,6,7,9]')")
        connection.execute("COMMIT")
        self.assertEqual(connection.execute("SELECT count(*) FROM t").fetchone(), (5,))
        self.assert_sound(connection, probes=1)

    def test_an_interrupted_search_is_interrupted(self):
        connection = self.make(3000)
        connection.set_progress_handler(lambda: 1, 200)
        for statement in (
            "SELECT rowid FROM t WHERE v MATCH '[1,2,3,4,5,6,7,8]'",
            "INSERT INTO t(t) VALUES ('integrity-check')",
        ):
            with self.subTest(statement=statement), self.assertRaisesRegex(sqlite3.OperationalError, "interrupted"):
                connection.execute(statement).fetchall()
        connection.set_progress_handler(None, 0)
        self.assert_sound(connection, probes=1)


class Replacing(ExtensionCase):
    def rows(self, connection):
        return connection.execute("SELECT rowid, name, age, FROM_VECTOR(v) FROM t ORDER BY rowid").fetchall()

    def two(self):
        connection = self.make(0, columns="v FLOAT[2], name TEXT UNIQUE COLLATE NOCASE, age INTEGER NOT NULL UNIQUE")
        connection.execute("INSERT INTO t(v, name, age) VALUES ('1,0', 'ann', 1), ('0,1', 'bob', 2), ('1,1', NULL, 3)")
        return connection

    def test_or_replace_replaces_the_rows_in_the_way_of_any_unique_column(self):
        connection = self.two()
        connection.execute("INSERT OR REPLACE INTO t(v, name, age) VALUES ('2,2', 'ANN', 9)")
        self.assertEqual([row[:3] for row in self.rows(connection)], [(2, "bob", 2), (3, None, 3), (4, "ANN", 9)])
        connection.execute("REPLACE INTO t(rowid, v, name, age) VALUES (4, '3,3', 'bob', 3)")
        self.assertEqual(self.rows(connection), [(4, "bob", 3, "[3,3]")])
        connection.execute("INSERT OR REPLACE INTO t(v, name, age) VALUES ('1,0', NULL, 4), ('0,1', NULL, 5)")
        connection.execute("UPDATE OR REPLACE t SET age = 5 WHERE age = 4")
        self.assertEqual([row[1:3] for row in self.rows(connection)], [("bob", 3), (None, 5)])
        self.assertEqual(
            connection.execute("SELECT rowid FROM t WHERE v MATCH '1,0'").fetchall(), [(5,), (4,)]
        )  # nothing of the replaced rows is left in the index
        connection.execute("INSERT INTO t(t) VALUES ('integrity-check')")

    def test_a_replacement_that_fails_deletes_nothing(self):
        connection = self.two()
        before = self.rows(connection)
        connection.execute("BEGIN")
        with self.assertRaisesRegex(sqlite3.IntegrityError, "NOT NULL constraint failed: t.age"):
            connection.execute("INSERT OR REPLACE INTO t(rowid, v, name, age) VALUES (2, '1,0', 'ann', NULL)")
        connection.execute("COMMIT")
        self.assertEqual(self.rows(connection), before)

    def test_other_conflicts_name_the_table_and_its_column(self):
        connection = self.two()
        before = self.rows(connection)
        connection.execute("INSERT OR IGNORE INTO t(v, name, age) VALUES ('1,0', 'Bob', 8)")
        connection.execute("UPDATE OR IGNORE t SET name = 'bob' WHERE name = 'ann'")
        for statement, column in (
            ("INSERT INTO t(v, name, age) VALUES ('1,0', 'Bob', 8)", "t.name"),
            ("INSERT INTO t(rowid, v, age) VALUES (2, '1,0', 8)", "t.rowid"),
            ("UPDATE t SET age = 3 WHERE age = 2", "t.age"),
        ):
            with self.assertRaisesRegex(sqlite3.IntegrityError, f"^UNIQUE constraint failed: {column}$"):
                connection.execute(statement)
        self.assertEqual(self.rows(connection), before)


class Conditions(ExtensionCase):
    def line(self, rows=6):
        """Rows 1, 2, ... at distances 0, 1, ... from PROBE, owned by 1 and 0 in turn."""
        connection = self.make(0, columns="v FLOAT[3] metric=l2, owner INTEGER")
        connection.executemany(
            "INSERT INTO t(rowid, v, owner) VALUES (?, ?, ?)", [(i, f"[{i},2,3]", i % 2) for i in range(1, rows + 1)]
        )
        connection.execute("CREATE TABLE images(name, eid, owner)")
        connection.executemany("INSERT INTO images VALUES (?, ?, ?)", [(f"f{i}", i, i % 2) for i in range(1, rows + 1)])
        return connection

    def ids(self, connection, where, *values):
        found = connection.execute(f"SELECT rowid FROM t WHERE v MATCH ? AND {where}", (PROBE, *values)).fetchall()
        return [row for (row,) in found]

    def test_bounds_of_distance_and_similarity_are_met_before_the_k_rows_are_counted(self):
        connection = self.line()
        for where, values, expected in (
            ("k = 2 AND distance > 1.0", (), [3, 4]),
            ("k = 2 AND distance >= ?", (1,), [2, 3]),
            ("k = 3 AND distance <> 0", (), [2, 3, 4]),
            ("k = 2 AND distance = 3", (), [4]),
            ("k = 2 AND distance BETWEEN 2 AND 9", (), [3, 4]),
            ("k = 9 AND distance > 1 AND distance < 4", (), [3, 4]),
            ("k = 2 AND similarity < -2", (), [4, 5]),
            ("k = 2 AND distance < 1", (), [1]),
            ("k = 2 AND distance > '2'", (), [4, 5]),
            ("k = 2 AND distance > 'text'", (), []),
            ("k = 2 AND distance > ?", (None,), []),
            ("k = 2 AND distance > 0 AND owner = 1", (), [3, 5]),
            ("k = 2 AND distance IN (0, 1, 5)", (), [1, 2]),
        ):
            with self.subTest(where=where):
                self.assertEqual(self.ids(connection, where, *values), expected)

    def test_paging_by_distance_reaches_every_row_once(self):
        connection, seen, last = self.line(rows=3000), [], -1.0
        while page := connection.execute(
            "SELECT rowid, distance FROM t WHERE v MATCH ? AND k = 500 AND distance > ? ORDER BY distance",
            (PROBE, last),
        ).fetchall():
            seen += [row for row, _ in page]
            last = page[-1][1]
        self.assertEqual(seen, list(range(1, 3001)))

    def test_a_join_finds_the_same_in_every_order_of_its_tables(self):
        connection = self.line()
        for condition, values, expected in (
            ("t.rowid = images.eid", (), ["f1", "f2"]),
            ("t.rowid = images.eid AND t.owner = ?", (1,), ["f1", "f3"]),
            ("t.rowid = images.eid AND t.owner = 1", (), ["f1", "f3"]),
            ("t.owner = images.owner AND t.rowid = images.eid", (), ["f1", "f2"]),
            ("t.owner = images.owner AND images.eid < 3", (), ["f1", "f2"]),
            ("t.rowid = images.eid AND t.owner = abs(-1)", (), ["f1"]),
            ("t.distance > images.eid AND images.eid = 0.5", (), []),
            ("t.rowid = images.eid AND t.rowid IN (2, 3, 4)", (), ["f2", "f3"]),
        ):
            for probe in ("?", "TO_VECTOR(?)"):
                search = f"t.v MATCH {probe} AND k = 2"
                for tables in ("images CROSS JOIN t", "images JOIN t", "t JOIN images", "t CROSS JOIN images"):
                    with self.subTest(condition=condition, tables=tables):
                        found = connection.execute(
                            f"SELECT name FROM {tables} ON {condition} WHERE {search} ORDER BY name", (*values, PROBE)
                        ).fetchall()
                        self.assertEqual([name for (name,) in found], expected)
                found = connection.execute(
                    f"SELECT name FROM images LEFT JOIN t ON {condition} AND {search}"
                    " WHERE t.owner IS NOT NULL ORDER BY name",
                    (*values, PROBE),
                ).fetchall()
                self.assertEqual([name for (name,) in found], expected)

    def test_a_correlated_query_finds_k_rows_for_each_row_of_the_outer_one(self):
        connection = self.line()
        for statement, values, expected in (
            (
                "SELECT owner, (SELECT group_concat(rowid) FROM t WHERE v MATCH ? AND k = 2 AND t.owner = o.owner)"
                " FROM (SELECT DISTINCT owner FROM images) o ORDER BY owner",
                (PROBE,),
                [(0, "2,4"), (1, "1,3")],
            ),
            (
                "SELECT i.name FROM images i WHERE EXISTS"
                " (SELECT 1 FROM t WHERE v MATCH ? AND k = 1 AND rowid = i.eid AND distance > i.eid - 2)",
                (PROBE,),
                [(f"f{i}",) for i in range(1, 7)],
            ),
            (
                "SELECT i.eid, t.rowid FROM images i JOIN t WHERE t.v MATCH '[' || i.eid || ',2,3]' AND k = 1",
                (),
                [(i, i) for i in range(1, 7)],
            ),
        ):
            self.assertEqual(connection.execute(statement, values).fetchall(), expected)

    def test_match_where_it_cannot_be_answered_says_where_it_belongs(self):
        connection = self.line()
        for statement in (
            "SELECT 1 FROM images LEFT JOIN t ON t.rowid = images.eid WHERE v MATCH '[1,2,3]' AND k = 2",
            "SELECT v MATCH '[1,2,3]' FROM t",
        ):
            with self.assertRaisesRegex(sqlite3.OperationalError, "ON clause"):
                connection.execute(statement).fetchall()

    def test_whole_numbers_may_be_bound_as_real(self):
        connection = self.line()
        self.assertEqual(self.ids(connection, "k = ?", 2.0), [1, 2])
        self.assertEqual(self.ids(connection, "k = ?", 0.0), [])
        self.assertEqual(self.ids(connection, "k = ? AND rowid > ?", 2.0, 3.0), [4, 5])
        self.assertEqual(
            connection.execute("SELECT FROM_VECTOR(TO_VECTOR('1,2', 'float', 2.0))").fetchone(), ("[1,2]",)
        )
        for wrong in (2.5, -1.0, 1e300, float("inf"), "two", None):
            with self.subTest(wrong=wrong), self.assertRaisesRegex(sqlite3.OperationalError, "whole number"):
                self.ids(connection, "k = ?", wrong)

    def test_vectors_of_two_types_are_compared_as_a_search_compares_them(self):
        connection = self.line()
        for probe in ("TO_VECTOR(?, 'double')", "TO_VECTOR(?, 'integer')", "TO_VECTOR(?, 'decimal')", "TO_VECTOR(?)"):
            for function in ("VECTOR_COSINE", "VECTOR_DOT_PRODUCT", "VECTOR_L2"):
                found = connection.execute(f"SELECT {function}(v, {probe}) FROM t", (PROBE,)).fetchall()
                expected = connection.execute(f"SELECT {function}(v, ?) FROM t", (PROBE,)).fetchall()
                self.assertEqual(found, expected)


if __name__ == "__main__":
    unittest.main()
