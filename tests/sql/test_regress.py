"""Regression tests: SQL and its expected output.

Each part of a .sql file, up to an empty line, is one call of `semblance sql` on the same file; the .out file beside it
is the transcript. SB_SQL_RECORD=1 writes the transcripts again."""

import os
import pathlib
import re
import unittest

from program import ProgramCase

# The numbers of a plan's steps change with the versions of SQLite.
PLAN_IDS = re.compile(
    r"^(id|--|[ \d]+) +(parent|------|\d+) +(notused|-------|\d+)  (?=detail|-|SCAN|SEARCH|USE)", re.M
)
FOLDER = pathlib.Path(__file__).parent / "regress"


class Regress(ProgramCase):
    def transcript(self, path):
        text = ""
        for part in path.read_text().strip().split("\n\n"):
            done = self.run_program(
                "sql", "--write", "--db", self.folder / "regress.db", stdin=part.encode(), data=False
            )
            self.assertIn(done.returncode, (0, 3, 4), part)
            text += part + "\n" + done.stdout.decode()
            text += "".join(f"! {line}\n" for line in done.stderr.decode().splitlines()) + "\n"
        return PLAN_IDS.sub("", text)

    def compare(self, name):
        expected = FOLDER / f"{name}.out"
        text = self.transcript(FOLDER / f"{name}.sql")
        if os.environ.get("SB_SQL_RECORD"):
            expected.write_text(text)
        self.maxDiff = None
        self.assertEqual(text, expected.read_text())

    def test_functions_and_what_they_refuse(self):
        self.compare("functions")

    def test_tables_of_vectors(self):
        self.compare("table")

    def test_declarations(self):
        self.compare("declare")

    def test_several_columns_null_and_small_elements(self):
        self.compare("columns")

    def test_the_sql_dialect_of_iris(self):
        self.compare("dialect")

    def test_the_tables_and_statements_of_iris(self):
        self.compare("iris")

    def test_the_operators_and_statements_of_pgvector(self):
        self.compare("pgvector")


if __name__ == "__main__":
    unittest.main()
