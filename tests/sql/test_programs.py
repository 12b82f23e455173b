"""Libraries and programs of others load the extension and search with it, each with its own copy of SQLite or the
system's. What is not installed is skipped: script/setup --tests installs the Python packages; `npm install
better-sqlite3` in a folder that NODE_PATH names, `go mod download github.com/mattn/go-sqlite3`, and
`mvn dependency:get -Dartifact=org.xerial:sqlite-jdbc:VERSION` install the others."""

import glob
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

from extension import EXTENSION, ExtensionCase

SOURCE = pathlib.Path(os.environ.get("SB_SOURCE", "."))
PACKAGES = SOURCE / "deps/sql-clients"
FILE = str(pathlib.Path(EXTENSION).resolve())
STATEMENTS = (
    "CREATE VIRTUAL TABLE faces USING semblance(id INTEGER PRIMARY KEY, v FLOAT[3] metric=l2, b BIT[8], name TEXT)",
    "INSERT INTO faces VALUES (1, '[0,0,0]', vec_bit(x'0f'), 'Ann'), (2, '[3,4,0]', NULL, 'Bob'),"
    " (3, '[9,9,9]', vec_bit(x'ff'), 'Cid')",
)
SEARCH = "SELECT name, distance FROM faces WHERE v MATCH ? AND k = ? ORDER BY distance"
ROWS = [["Bob", 0.0], ["Ann", 5.0]]

APSW = """
import apsw, json, sys
db = apsw.Connection(":memory:")
db.enable_load_extension(True)
db.load_extension(sys.argv[1])
for statement in json.loads(sys.argv[2]):
    db.execute(statement)
print(json.dumps([list(row) for row in db.execute(sys.argv[3], ("[3,4,0]", 2))]))
"""
SQLALCHEMY = """
import json, sys
from sqlalchemy import create_engine, event, text
engine = create_engine("sqlite://")
@event.listens_for(engine, "connect")
def load(connection, record):
    connection.enable_load_extension(True)
    connection.load_extension(sys.argv[1])
with engine.begin() as db:
    for statement in json.loads(sys.argv[2]):
        db.exec_driver_sql(statement)
    search = text(sys.argv[3].replace("?", ":v", 1).replace("?", ":k", 1))
    print(json.dumps([list(row) for row in db.execute(search, {"v": "[3,4,0]", "k": 2})]))
"""
# Datasette opens the file for each request in threads of its own, read only.
DATASETTE = """
import asyncio, json, os, sqlite3, sys, tempfile
from datasette.app import Datasette
folder = tempfile.TemporaryDirectory()
path = os.path.join(folder.name, "own.db")
db = sqlite3.connect(path)
db.enable_load_extension(True)
db.load_extension(sys.argv[1])
for statement in json.loads(sys.argv[2]):
    db.execute(statement)
db.commit()
db.close()
async def ask():
    datasette = Datasette([path], sqlite_extensions=[sys.argv[1]])
    await datasette.invoke_startup()
    sql = sys.argv[3].replace("?", ":v", 1).replace("?", ":k", 1)
    return await datasette.client.get("/own.json", params={"sql": sql, "v": "[3,4,0]", "k": "2", "_shape": "arrays"})
print(json.dumps(asyncio.run(ask()).json()["rows"]))
"""
BETTER_SQLITE3 = """
const [file, statements, search] = process.argv.slice(1);
const db = new (require("better-sqlite3"))(":memory:");
db.loadExtension(file);
for (const statement of JSON.parse(statements)) db.exec(statement);
console.log(JSON.stringify(db.prepare(search).raw().all("[3,4,0]", 2)));
"""
JDBC = """
import java.sql.*;
public class Probe {
  public static void main(String[] arguments) throws Exception {
    org.sqlite.SQLiteConfig config = new org.sqlite.SQLiteConfig();
    config.enableLoadExtension(true);
    try (Connection db = DriverManager.getConnection("jdbc:sqlite::memory:", config.toProperties());
         Statement s = db.createStatement()) {
      s.execute("SELECT load_extension('" + arguments[0] + "')");
      for (int i = 2; i < arguments.length; i++) s.execute(arguments[i]);
      PreparedStatement search = db.prepareStatement(arguments[1]);
      search.setString(1, "[3,4,0]");
      search.setInt(2, 2);
      ResultSet rows = search.executeQuery();
      StringBuilder out = new StringBuilder();
      while (rows.next())
        out.append(out.length() > 0 ? "," : "").append("[\\"" + rows.getString(1) + "\\"," + rows.getDouble(2) + "]");
      System.out.println("[" + out + "]");
    }
  }
}
"""
GO = """
package main

import (
	"database/sql"
	"encoding/json"
	"os"

	"github.com/mattn/go-sqlite3"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	sql.Register("extended", &sqlite3.SQLiteDriver{Extensions: []string{os.Args[1]}})
	db, err := sql.Open("extended", ":memory:")
	check(err)
	db.SetMaxOpenConns(1)
	var statements []string
	check(json.Unmarshal([]byte(os.Args[2]), &statements))
	for _, statement := range statements {
		_, err = db.Exec(statement)
		check(err)
	}
	rows, err := db.Query(os.Args[3], "[3,4,0]", 2)
	check(err)
	found := [][]any{}
	for rows.Next() {
		var name string
		var distance float64
		check(rows.Scan(&name, &distance))
		found = append(found, []any{name, distance})
	}
	check(json.NewEncoder(os.Stdout).Encode(found))
}
"""


@unittest.skipIf(os.environ.get("LD_PRELOAD"), "other programs are not run in a sanitizer build")
class Programs(ExtensionCase):
    def ask(self, *command, **options):
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout), ROWS)

    def python(self, package, script):
        environment = {**os.environ, "PYTHONPATH": f"{PACKAGES}:{os.environ.get('PYTHONPATH', '')}"}
        probe = [sys.executable, "-c", f"import {package}"]
        if subprocess.run(probe, capture_output=True, env=environment).returncode:
            self.skipTest(f"the Python package {package} is not installed (script/setup --tests)")
        self.ask(sys.executable, "-c", script, FILE, json.dumps(STATEMENTS), SEARCH, env=environment)

    def test_python_s_sqlite3(self):
        connection = self.open(":memory:")
        for statement in STATEMENTS:
            connection.execute(statement)
        self.assertEqual([list(row) for row in connection.execute(SEARCH, ("[3,4,0]", 2))], ROWS)

    def test_apsw(self):
        self.python("apsw", APSW)

    def test_sqlalchemy(self):
        self.python("sqlalchemy", SQLALCHEMY)

    def test_datasette(self):
        self.python("datasette", DATASETTE)

    def test_the_shell_of_sqlite(self):
        shell = shutil.which("sqlite3")
        if not shell:
            self.skipTest("the program sqlite3 is not installed")
        search = SEARCH.replace("?", "'[3,4,0]'", 1).replace("?", "2", 1)
        script = "\n".join((f".load {FILE}", *(f"{s};" for s in STATEMENTS), ".mode json", f"{search};"))
        done = subprocess.run([shell, ":memory:"], input=script, capture_output=True, text=True)
        self.assertEqual([list(row.values()) for row in json.loads(done.stdout)], ROWS, done.stderr)

    def test_better_sqlite3(self):
        node = shutil.which("node")
        if (
            not node
            or subprocess.run([node, "-e", "require('better-sqlite3')(':memory:')"], capture_output=True).returncode
        ):
            self.skipTest("Node.js with better-sqlite3 is not installed")
        self.ask(node, "-e", BETTER_SQLITE3, FILE, json.dumps(STATEMENTS), SEARCH)

    def test_sqlite_jdbc(self):
        repository = pathlib.Path.home() / ".m2/repository"
        jars = sorted(glob.glob(str(repository / "org/xerial/sqlite-jdbc/*/sqlite-jdbc-*.jar")))
        if not jars or not shutil.which("java"):
            self.skipTest("Java with sqlite-jdbc is not installed")
        logging = glob.glob(str(repository / "org/slf4j/slf4j-api/*/*.jar"))
        (self.folder / "Probe.java").write_text(JDBC)
        path = ":".join([jars[-1], *logging])
        self.ask("java", "-cp", path, str(self.folder / "Probe.java"), FILE, SEARCH, *STATEMENTS)

    def test_mattn_go_sqlite3(self):
        go = shutil.which("go") or "/usr/local/go/bin/go"
        if not os.access(go, os.X_OK):
            self.skipTest("Go is not installed")
        cache = subprocess.run([go, "env", "GOMODCACHE"], capture_output=True, text=True).stdout.strip()
        versions = sorted(glob.glob(f"{cache}/github.com/mattn/go-sqlite3@*"))
        if not versions:
            self.skipTest("the Go module github.com/mattn/go-sqlite3 is not installed")
        version = versions[-1].rpartition("@")[2]
        (self.folder / "go.mod").write_text(f"module probe\ngo 1.20\nrequire github.com/mattn/go-sqlite3 {version}\n")
        (self.folder / "main.go").write_text(GO)
        offline = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOSUMDB": "off", "CGO_ENABLED": "1"}
        self.ask(go, "run", ".", FILE, json.dumps(STATEMENTS), SEARCH, cwd=self.folder, env=offline)


if __name__ == "__main__":
    unittest.main()
