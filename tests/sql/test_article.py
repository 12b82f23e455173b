"""The article's two statements, word for word, on real photos."""

import atexit
import json
import os
import pathlib
import pty
import select
import shutil
import subprocess
import tempfile
import termios
import time
import unittest

from extension import connect
from program import FRIENDS, GROUPS, PROGRAM, ProgramCase

INSERT, SELECT = (pathlib.Path(__file__).parent / "article.sql").read_text().split(";\n")
PEOPLE = {"44": ("Barack Obama", "obama.jpg", "Man", "black"), "46": ("Joe Biden", "biden.jpg", "Man", "white")}


class ArticleCase(ProgramCase):
    prepared = None  # a gallery with both people, enrolled by the article's INSERT

    def setUp(self):
        super().setUp()
        if not FRIENDS.is_dir():
            self.skipTest("there are no photos")

    def take_both(self):
        """This test's gallery is a copy of one that is made once."""
        if ArticleCase.prepared is None:
            for ssn in PEOPLE:
                self.assertEqual(self.register(ssn), {"changes": 1})
            ArticleCase.prepared = tempfile.mkdtemp(prefix="semblance-")
            atexit.register(shutil.rmtree, ArticleCase.prepared, ignore_errors=True)
            shutil.copytree(self.data, ArticleCase.prepared, dirs_exist_ok=True)
        else:
            shutil.copytree(ArticleCase.prepared, self.data)

    def sql(self, statement, *flags, code=0, **options):
        done = self.run_program("sql", statement, "--json", *flags, **options)
        self.assertEqual(done.returncode, code, done.stderr.decode())
        return json.loads(done.stdout) if code == 0 else json.loads(done.stderr)["error"]["message"]

    def register(self, ssn, code=0):
        name, photo, gender, ethnicity = PEOPLE[ssn]
        values = [ssn, name, "60", gender, ethnicity, f"@{FRIENDS / photo}"]
        return self.sql(
            INSERT, "--write", *(f for i, v in enumerate(values, 1) for f in ("--param", f"{i}={v}")), code=code
        )


class Article(ArticleCase):
    def test_insert_and_select_find_the_right_person(self):
        self.take_both()
        [found] = self.sql(SELECT, "--param", f"1=@{FRIENDS / 'obama2.jpg'}")
        self.assertEqual(
            {k: found[k] for k in ("SSN", "Name", "Age", "Gender", "Ethnicity")},
            {"SSN": "44", "Name": "Barack Obama", "Age": 60, "Gender": "Man", "Ethnicity": "Black"},
        )
        self.assertGreater(found["similarity"], 0.5)
        plan = self.sql("EXPLAIN QUERY PLAN " + SELECT)
        self.assertIn("nearest by dot", plan[0]["detail"])

    def test_people_enrolled_by_photo_are_found_by_sql_and_the_other_way_round(self):
        self.enroll("44", "Barack Obama", FRIENDS / "obama.jpg", FRIENDS / "obama3.jpg")
        self.register("46")
        found = self.sql(
            "SELECT TOP 3 SSN, VECTOR_COSINE(FaceVector, TO_VECTOR(:photo)) s FROM FacialData ORDER BY s DESC",
            "--param",
            f"photo=@{FRIENDS / 'obama2.jpg'}",
        )
        self.assertEqual([row["SSN"] for row in found], ["44", "44", "46"])
        slow = self.sql(
            "SELECT SSN, VECTOR_COSINE(FaceVector, TO_VECTOR(:photo)) s FROM FacialData ORDER BY s DESC, SSN LIMIT 3",
            "--param",
            f"photo=@{FRIENDS / 'obama2.jpg'}",
        )
        self.assertEqual(found, slow)
        answer = self.json_of("search", FRIENDS / "biden.jpg")
        self.assertEqual(answer["faces"][0]["candidates"][0]["id"], "46")

    def test_the_same_under_plain_names(self):
        self.take_both()
        self.assertEqual(
            self.sql("SELECT id, name FROM faces ORDER BY id"),
            [{"id": "44", "name": "Barack Obama"}, {"id": "46", "name": "Joe Biden"}],
        )
        [found] = self.sql(
            "SELECT id, gender FROM faces WHERE vector MATCH :p AND k = 1", "--param", f"p=@{FRIENDS / 'biden.jpg'}"
        )
        self.assertEqual(found, {"id": "46", "gender": "Man"})
        self.assertEqual(self.sql("SELECT name FROM faces WHERE id = '44'"), [{"name": "Barack Obama"}])
        self.assertEqual(
            self.sql(
                "SELECT count(*) n FROM faces WHERE vector MATCH :p AND name LIKE 'J%'",
                "--param",
                f"p=@{FRIENDS / 'obama.jpg'}",
            ),
            [{"n": 1}],
        )

    def test_the_same_with_limit_on_a_table_of_ones_own_from_python(self):
        database = self.folder / "own.db"
        connection = connect(database)
        self.addCleanup(connection.close)
        connection.execute(
            "CREATE VIRTUAL TABLE FacialData USING semblance(FaceVector FLOAT[512], SSN TEXT UNIQUE, Name TEXT, "
            "Age INTEGER, Gender TEXT, Ethnicity TEXT)"
        )
        embedding = {
            photo: json.dumps(self.json_of("represent", FRIENDS / photo)["faces"][0]["embedding"])
            for photo in ("obama.jpg", "biden.jpg", "obama2.jpg")
        }
        for ssn, (name, photo, gender, ethnicity) in PEOPLE.items():
            connection.execute(
                INSERT.replace("dc_facialmatching.", ""), (ssn, name, 60, gender, ethnicity, embedding[photo])
            )
        select = SELECT.replace("TOP 1 ", "").replace("dc_facialmatching.", "").rstrip() + " LIMIT 1"
        [row] = connection.execute(select, (embedding["obama2.jpg"],)).fetchall()
        self.assertEqual(row[:5], ("44", "Barack Obama", 60, "Man", "black"))
        [fast] = connection.execute(
            "SELECT SSN, similarity FROM FacialData WHERE FaceVector MATCH ? AND k = 1", (embedding["obama2.jpg"],)
        )
        self.assertEqual(fast[0], "44")
        self.assertAlmostEqual(fast[1], row[5], places=5)


class Gallery(ArticleCase):
    def test_an_id_cannot_be_used_twice(self):
        self.take_both()
        self.assertIn("registered already", self.register("44", code=3))
        self.assertEqual(self.json_of("list")["total"], 2)

    def test_without_write_nothing_is_changed(self):
        done = self.run_program("sql", "DELETE FROM faces")
        self.assertEqual(done.returncode, 4)
        self.assertIn(b"--write", done.stderr)
        for statement in ("ATTACH 'x.db' AS x", "CREATE TABLE t(a)", "PRAGMA user_version = 3", "VACUUM INTO 'x.db'"):
            self.refused("sql", statement, code=4, word="--write")
        self.assertFalse((self.folder / "x.db").exists())

    def test_a_rollback_enrols_nobody_and_a_savepoint_a_part(self):
        self.take_both()
        script = (
            "BEGIN; DELETE FROM faces WHERE id = '44'; ROLLBACK; "
            "BEGIN; UPDATE faces SET name = 'New' WHERE id = '44'; SAVEPOINT s; "
            "DELETE FROM faces; ROLLBACK TO s; COMMIT"
        )
        done = self.run_program("sql", "--write", script)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.json_of("show", "44")["name"], "New")
        self.assertEqual(self.json_of("show", "46")["name"], "Joe Biden")

    def test_delete_and_change_reach_the_gallery(self):
        self.take_both()
        self.sql("UPDATE faces SET id = '47' WHERE id = '46'", "--write")
        self.sql("DELETE FROM dc_facialmatching.FacialData WHERE SSN = '44'", "--write")
        self.assertEqual([p["id"] for p in self.json_of("list")["people"]], ["47"])

    def test_an_update_replaces_the_template_of_a_face(self):
        self.take_both()
        probe = ("--param", f"p=@{FRIENDS / 'biden.jpg'}")
        nearest = "SELECT id, similarity FROM faces WHERE vector MATCH EMBEDDING(:p) AND k = 1"
        [before] = self.sql(nearest, *probe)
        self.assertEqual(before["id"], "46")
        done = self.run_program(
            "sql",
            "BEGIN; UPDATE faces SET vector = :p, name = 'B' WHERE id = '44'; ROLLBACK; "
            "UPDATE dc_facialmatching.FacialData SET FaceVector = TO_VECTOR(:p), Name = 'Exchanged' WHERE SSN = '44'; "
            "DELETE FROM faces WHERE id = '46'",
            "--write",
            *probe,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        [after] = self.sql(nearest, *probe)
        self.assertEqual(after["id"], "44")
        self.assertAlmostEqual(after["similarity"], 1.0, places=5)
        self.assertEqual(self.sql("SELECT id, name FROM faces"), [{"id": "44", "name": "Exchanged"}])
        answer = self.json_of("search", FRIENDS / "biden.jpg")
        self.assertEqual(answer["faces"][0]["candidates"][0]["id"], "44")

    def test_the_data_of_a_person_can_be_changed(self):
        self.enroll("44", "Barack Obama", FRIENDS / "obama.jpg", FRIENDS / "obama3.jpg")
        self.sql("UPDATE dc_facialmatching.FacialData SET Age = 61, Name = 'B. Obama' WHERE SSN = '44'", "--write")
        columns = "SELECT DISTINCT id, name, age, gender, ethnicity FROM faces"
        known = {"id": "44", "name": "B. Obama", "age": 61, "gender": None, "ethnicity": None}
        self.assertEqual(self.sql(columns), [known])
        self.sql(
            "UPDATE faces SET gender = 'man', ethnicity = 'latino hispanic', age = age + 1 WHERE id = '44'", "--write"
        )
        self.assertEqual(self.sql(columns), [{**known, "age": 62, "gender": "Man", "ethnicity": "Latino hispanic"}])
        self.sql("UPDATE faces SET age = NULL WHERE id = '44'", "--write")
        self.assertEqual(self.sql(columns), [{**known, "age": None, "gender": "Man", "ethnicity": "Latino hispanic"}])
        for change, word in (
            ("age = 200", "age"),
            ("gender = 'x'", "gender"),
            ("ethnicity = 'x'", "ethnicity"),
            ("name = NULL", "name"),
            ("vector = '[1]'", "vector length"),
            ("vector = NULL", "NULL is not a vector"),
        ):
            self.assertIn(word, self.sql(f"UPDATE faces SET {change}", "--write", code=3))
        self.assertIn(b"describe", self.run_program("audit", "show").stdout)

    def test_values_that_cannot_be_stored_are_refused(self):
        photo = "6=" + json.dumps([1] * 512)
        for values, word in (
            (("", "N", "1", "Man", "white"), "id"),
            (("1", "", "1", "Man", "white"), "name"),
            (("1", "N", "-1", "Man", "white"), "age"),
            (("1", "N", "1", "Robot", "white"), "gender"),
            (("1", "N", "1", "Man", "martian"), "ethnicity"),
        ):
            with self.subTest(word=word):
                flags = [f for i, v in enumerate(values, 1) for f in ("--param", f"{i}={v}")]
                self.assertIn(word, self.sql(INSERT, "--write", *flags, "--param", photo, code=3))
        for vector, word in (
            ("[1,2]", "vector length"),
            ("[1,", "vector element"),
            (json.dumps([0] * 512), "vector element"),
        ):
            flags = [
                f for i, v in enumerate(("1", "N", "1", "Man", "white", vector), 1) for f in ("--param", f"{i}={v}")
            ]
            self.assertIn(word, self.sql(INSERT, "--write", *flags, code=3))
        self.assertEqual(self.json_of("list")["total"], 0)

    def test_an_empty_gallery_answers_with_no_row(self):
        self.assertEqual(self.sql(SELECT, "--param", "1=" + json.dumps([1] * 512)), [])
        self.assertEqual(self.sql("SELECT count(*) n FROM faces"), [{"n": 0}])

    def test_photos_without_a_face_or_with_several_are_refused(self):
        self.assertIn("faces", self.sql(SELECT, "--param", f"1=@{GROUPS / 'sample5.jpg'}", code=3))
        self.assertIn("no file", self.sql(SELECT, "--param", "1=@nowhere.jpg", code=3))
        self.assertIn("no parameter", self.sql(SELECT, "--param", "photo=x", code=3))

    def test_iris_index_exists_already(self):
        [row] = self.sql(
            "CREATE INDEX HNSWIndex ON TABLE dc_facialmatching.FacialData (FaceVector) AS HNSW(Distance='DotProduct')"
        )
        self.assertIn("exists already", row["notice"])

    def test_without_the_key_no_name_can_be_read(self):
        self.take_both()
        self.refused("sql", "SELECT * FROM faces", code=4, word="key", environment={"SEMBLANCE_KEY": "0" * 64})
        connection = connect(self.data / "semblance.db")
        self.addCleanup(connection.close)
        everything = "".join(
            str(row)
            for [table] in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
            for row in connection.execute(f'SELECT * FROM "{table}"')
        )
        self.assertNotIn("Barack", everything)


class Shell(ProgramCase):
    def test_table_and_csv(self):
        done = self.run_program("sql", "SELECT 1 AS a, 'x,\"y\"' AS b, NULL AS c, 2.5 AS d, x'00ff' AS e, '[1,2]' AS f")
        self.assertEqual(done.stdout.decode().splitlines()[0].split(), ["a", "b", "c", "d", "e", "f"])
        done = self.run_program(
            "sql", "SELECT 1 AS a, 'x,\"y\"' AS b, NULL AS c, TO_VECTOR('1,2') AS v", "--format", "csv"
        )
        self.assertEqual(done.stdout.decode(), 'a,b,c,v\r\n1,"x,""y""",,"[1,2]"\r\n')

    def test_control_characters_do_not_reach_the_terminal(self):
        done = self.run_program("sql", "SELECT 'a' || char(27) || '[2J' || char(10) || 'b' AS x")
        self.assertNotIn(b"\x1b", done.stdout)
        self.assertIn(b"\\x1b", done.stdout)

    def test_files_standard_input_and_several_statements(self):
        script = self.folder / "s.sql"
        script.write_text("SELECT 1 AS a; -- one\nSELECT :x AS b;")
        self.assertEqual(
            self.run_program("sql", "--file", script, "--json", "--param", "x=@@two").stdout,
            b'[{"a":1}]\n[{"b":"@two"}]\n',
        )
        self.assertEqual(self.run_program("sql", "--json", stdin=b"SELECT 3 AS c").stdout, b'[{"c":3}]\n')

    def test_wrong_usage(self):
        for words in (["--format", "xml"], ["SELECT 1", "--file", "x"], ["--param", "x"], ["--param", "=x"]):
            self.refused("sql", *words, code=2, word="usage")
        self.refused("sql", "SELEC 1", code=3, word="syntax")
        self.refused("sql", "SELECT 1 FROM people", code=3, word="the gallery's are faces")
        self.refused("sql", "--db", self.folder / "nowhere.db", "SELECT 1", code=3, word="no file", data=False)
        (self.folder / "no.db").write_bytes(b"this is no database at all, only text" * 50)
        self.refused(
            "sql", "--db", self.folder / "no.db", "SELECT 1", code=4, word="not an SQLite database", data=False
        )

    def test_the_prompt_edits_lines_and_remembers_them(self):
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            [PROGRAM, "sql", "--data", str(self.data)], stdin=follower, stdout=follower, stderr=follower
        )
        os.close(follower)
        typed = [
            b"SELECT 40 +\r",
            b"3x\x7f;\r",
            b"\x1b[A\x01\x1b[3~4\r",
            b"SELEC;\r",
            b".format csv\r",
            b"SELECT 7 AS seven;\r",
            b".quit\r",
        ]
        os.write(leader, b"".join(typed))
        shown = b""
        try:
            while chunk := os.read(leader, 65536):
                shown += chunk
        except OSError:
            pass
        os.close(leader)
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertIn(b"43", shown)
        self.assertIn(b"syntax error", shown)
        self.assertRegex(shown, rb"seven[\r\n]+7[\r\n]")

    def read_until(self, leader, awaited):
        """The output of the program up to the awaited text; b"": up to its end."""
        shown = b""
        while not awaited or awaited not in shown:
            self.assertTrue(select.select([leader], [], [], 60)[0], shown)
            try:
                chunk = os.read(leader, 65536)
            except OSError:  # the program has ended
                chunk = b""
            if not chunk:
                break
            shown += chunk
        self.assertIn(awaited, shown)
        return shown

    def type_at_prompt(self, *steps):
        """Types each text when its prompt appears; returns the whole output."""
        home = self.folder / "home"
        home.mkdir()
        (home / ".editrc").write_text(
            "bind -v\n"
        )  # the prompt must not read it: with vi's keys the tests below would fail
        leader, follower = pty.openpty()
        self.addCleanup(os.close, leader)
        sanitizers = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        # Leaks are off for Python, which loads the extension. This is the program alone.
        sanitizers = {name: value.replace("detect_leaks=0", "detect_leaks=1") for name, value in sanitizers.items()}
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "xterm", "LANG": "C", **sanitizers}
        process = subprocess.Popen(
            [PROGRAM, "sql", "--db", str(self.folder / "own.db"), "--write"],
            stdin=follower,
            stdout=follower,
            stderr=follower,
            env=environment,
            start_new_session=True,
        )
        self.addCleanup(process.kill)
        os.close(follower)
        shown = b""
        for prompt, text in steps:
            shown += self.read_until(leader, prompt)
            while termios.tcgetattr(leader)[3] & termios.ICANON:  # until the editor reads keys, the kernel edits lines
                time.sleep(0.01)
            os.write(leader, text)
        shown += self.read_until(leader, b"")
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual(list(home.iterdir()), [home / ".editrc"])  # the history is written nowhere
        return shown

    def test_ctrl_c_cancels_a_statement_and_ctrl_d_ends_the_prompt(self):
        shown = self.type_at_prompt(
            (b"semblance> ", b"SELECT 'never',\r"),
            (b"...> ", b"'done'\x03"),
            (b"semblance> ", b"SELECT 6 * 7;\r"),
            (b"semblance> ", b"\x04"),
        )
        self.assertIn(b"42", shown)
        self.assertNotIn(b"error", shown)

    def test_the_prompt_edits_utf_8_in_every_locale(self):
        # Three steps to the left; erase the character of four bytes; insert one before the character of three bytes.
        keys = "SELECT hex('a\u00e9\u20ac\U0001f600');\x1b[D\x1b[D\x1b[D\x7f\x1b[D\u00fc\x1b[F\r"
        shown = self.type_at_prompt((b"semblance> ", keys.encode()), (b"semblance> ", b".quit\r"))
        self.assertIn(b"61C3A9C3BCE282AC", shown)

    def test_no_key_runs_a_command_of_the_editor(self):
        shown = self.type_at_prompt((b"semblance> ", b"\x1bx\x1bX\x15SELECT 6 * 7;\r"), (b"semblance> ", b".quit\r"))
        self.assertIn(b"42", shown)


if __name__ == "__main__":
    unittest.main()
