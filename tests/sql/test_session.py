"""Statements in `semblance sql`: what is not meant must not look like an answer."""

import json
import sqlite3
import unittest

from program import ProgramCase


class Session(ProgramCase):
    def rows(self, statement, *flags):
        done = self.run_program("sql", statement, "--json", *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_an_unknown_name_in_double_quotes_is_not_a_text(self):
        self.refused("sql", 'SELECT "Namee", SSN FROM dc_facialmatching.FacialData', code=3, word="single quotes")
        self.refused("sql", "--write", 'UPDATE faces SET name = "text"', code=3, word="single quotes")
        self.refused(
            "sql", "--write", 'CREATE TEMP TABLE x(a DEFAULT 1 CHECK (a <> "b"))', code=3, word="no such column"
        )
        self.assertEqual(self.rows('SELECT "Name" FROM dc_facialmatching.FacialData'), [])

    def test_a_function_of_iris_is_not_a_parameter(self):
        for call in ("$LENGTH('abc')", "$LENGTH('a b')", "$piece(Name, '^', 1)", ":a('x')", "@a(1)", "#a(1)"):
            self.refused("sql", f"SELECT {call} FROM dc_facialmatching.FacialData", code=3, word="is not a function")
        self.assertEqual(self.rows("SELECT '$LENGTH(1)' AS a -- $LENGTH(1)"), [{"a": "$LENGTH(1)"}])

    def test_a_parameter_without_a_value_is_refused(self):
        for statement, word in (
            ("SELECT :x", "parameter :x has no value; use --param x=VALUE"),
            ("SELECT $x", "--param x="),
            ("SELECT @x, ?", "@x"),
            ("SELECT #x", "#x"),
            ("SELECT ?", "parameter 1 has no value; use --param 1=VALUE"),
            ("SELECT ?7", "parameter 7"),
            ("SELECT TOP :n name FROM faces", "parameter :n"),
            ("SELECT 1; SELECT :later", "parameter :later"),
        ):
            self.refused("sql", statement, code=3, word=word)
        self.refused("sql", "SELECT :name, :nmae", "--param", "name=1", code=3, word=":nmae")
        self.assertEqual(self.rows("SELECT ?2 AS a", "--param", "2=b"), [{"a": "b"}])
        self.assertTrue(self.rows("EXPLAIN QUERY PLAN SELECT name FROM faces WHERE id = :id"))

    def test_tables_of_ones_own_are_refused_over_the_gallery_and_never_lost(self):
        for statement in (
            "CREATE TABLE t(a)",
            "CREATE TABLE t AS SELECT id FROM faces",
            "CREATE TABLE dc_facialmatching.t(a)",
            "CREATE VIEW w AS SELECT id FROM faces",
            "CREATE VIRTUAL TABLE t USING semblance(v FLOAT[3])",
            "DROP TABLE faces",
            "DROP TABLE dc_facialmatching.FacialData",
            "ALTER TABLE faces RENAME TO people",
        ):
            with self.subTest(statement=statement):
                self.refused("sql", "--write", statement, code=3, word="--db FILE")
        own = self.folder / "own.db"
        done = self.run_program("sql", f"ATTACH '{own}' AS own; CREATE TABLE own.t AS SELECT 7 AS a", "--write")
        self.assertEqual(done.returncode, 0, done.stderr)
        connection = sqlite3.connect(own)
        self.addCleanup(connection.close)
        self.assertEqual(connection.execute("SELECT a FROM t").fetchall(), [(7,)])
        done = self.run_program("sql", "CREATE TEMP TABLE t(a); INSERT INTO t VALUES (1); SELECT a FROM t", "--write")
        self.assertEqual(done.stdout, b"a\n-\n1\n")

    def test_schemas_of_ones_own_are_kept_beside_the_file(self):
        own = ("--db", str(self.folder / "own.db"))

        def run(statement, *flags):
            done = self.run_program("sql", statement, "--json", *own, *flags, data=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout if flags else json.loads(done.stdout)

        run(
            "CREATE TABLE Sample.Demo (id INT, v VECTOR(DOUBLE, 2));"
            "INSERT INTO Sample.Demo VALUES (1, '1,0'), (2, '0,1');"
            "CREATE TABLE Other.Names (id INT, name TEXT); INSERT INTO Other.Names VALUES (2, 'two')",
            "--write",
        )
        found = run("SELECT TOP 1 Demo.id FROM sample.DEMO ORDER BY VECTOR_DOT_PRODUCT(Demo.v, '0,3') DESC")
        self.assertEqual(found, [{"id": 2}])
        found = run("SELECT name FROM Sample.Demo d JOIN Other.Names n ON n.id = d.id; ")
        self.assertEqual(found, [{"name": "two"}])
        columns = run("DESCRIBE Other.Names")
        self.assertEqual([row["column"] for row in columns], ["id", "name"])
        self.refused("sql", "SELECT * FROM Third.x", *own, code=3, word="no such table: Third.x", data=False)
        self.refused("sql", "CREATE TABLE Third.x(a)", *own, code=3, word="Third", data=False)
        self.refused("sql", "DELETE FROM Sample.Demo", *own, code=4, word="--write", data=False)
        self.assertEqual(
            sorted(p.name for p in self.folder.glob("own.db*")), ["own.db", "own.db.other", "own.db.sample"]
        )

    def test_the_tables_are_listed(self):
        tables = {(row["schema"], row["table"]) for row in self.rows(".tables")}
        self.assertEqual(tables, {("main", "faces"), ("dc_facialmatching", "FacialData")})
        [row] = [r for r in self.rows("DESCRIBE dc_facialmatching.FacialData") if r["column"] == "Age"]
        self.assertEqual(row["type"], "INTEGER")

    def test_k_counts_the_faces_within_the_bounds(self):
        dim = 512
        for i in range(5):
            vector = json.dumps([1.0, i / 4] + [0] * (dim - 2))
            values = [f"--param={n}={v}" for n, v in enumerate((f"p{i}", f"Person {i}", vector), 1)]
            done = self.run_program("sql", "--write", "INSERT INTO faces(id, name, vector) VALUES (?, ?, ?)", *values)
            self.assertEqual(done.returncode, 0, done.stderr)
        probe = "p=" + json.dumps([1.0] + [0] * (dim - 1))
        for where, expected in (
            ("k = 2 AND distance > 0.01", ["p1", "p2"]),
            ("k = 2 AND similarity < 0.95", ["p2", "p3"]),
            ("k = 9 AND distance > 0.01 AND distance < 0.15", ["p1", "p2"]),
            ("k = 2.0", ["p0", "p1"]),
        ):
            with self.subTest(where=where):
                found = self.rows(f"SELECT id FROM faces WHERE vector MATCH :p AND {where}", "--param", probe)
                self.assertEqual([row["id"] for row in found], expected)


if __name__ == "__main__":
    unittest.main()
