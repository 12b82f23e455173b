"""Python's own sqlite3 with the extension loaded, as any program may use it."""

import json
import math
import os
import pathlib
import random
import shutil
import sqlite3
import tempfile
import unittest

EXTENSION = os.environ.get("SB_EXTENSION", "build/semblance.so")


def connect(path, **options):
    connection = sqlite3.connect(str(path), isolation_level=None, timeout=60, **options)
    connection.enable_load_extension(True)
    connection.load_extension(EXTENSION)
    connection.enable_load_extension(False)
    connection.execute("PRAGMA synchronous = OFF")  # the tests kill processes, never the machine
    return connection


def random_vector(source, dim):
    return json.dumps([source.gauss(0, 1) for _ in range(dim)])


def by_search(connection, probe, k, where="1"):
    return connection.execute(
        f"SELECT rowid, similarity FROM t WHERE v MATCH ? AND k = ? AND {where} ORDER BY similarity DESC, rowid",
        (probe, k),
    ).fetchall()


def by_force(connection, probe, k, where="1", function="VECTOR_COSINE"):
    """The expected result: SQLite compares every row."""
    return connection.execute(
        f"SELECT rowid, {function}(v, ?) AS s FROM t WHERE {where} ORDER BY s DESC, rowid LIMIT ?", (probe, k)
    ).fetchall()


@unittest.skipUnless(hasattr(sqlite3.Connection, "enable_load_extension"), "this Python's sqlite3 loads no extensions")
class ExtensionCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.path = self.folder / "own.db"
        self.source = random.Random(7)

    def open(self, path=None):
        connection = connect(path or self.path)
        self.addCleanup(connection.close)
        return connection

    def make(self, rows, dim=8, columns="v FLOAT[8], name TEXT, age INTEGER"):
        connection = self.open()
        connection.execute(f"CREATE VIRTUAL TABLE t USING semblance({columns})")
        connection.execute("BEGIN")
        for i in range(rows):
            connection.execute(
                "INSERT INTO t(v, name, age) VALUES (TO_VECTOR(?), ?, ?)",
                (random_vector(self.source, dim), f"name {i}", i % 90),
            )
        connection.execute("COMMIT")
        return connection

    def assert_same(self, found, expected):
        self.assertEqual([row for row, _ in found], [row for row, _ in expected])
        for (_, a), (_, b) in zip(found, expected):
            self.assertTrue(math.isclose(a, b, abs_tol=1e-6), (a, b))

    def assert_sound(self, connection, where="1", probes=5, k=20, dim=8):
        """The table reports no damage, and a search finds what a comparison of every row finds."""
        connection.execute("INSERT INTO t(t) VALUES ('integrity-check')")
        self.assertEqual(connection.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.assert_found(connection, where, probes, k, dim)

    def assert_found(self, connection, where="1", probes=5, k=20, dim=8):
        for _ in range(probes):
            probe = random_vector(self.source, dim)
            self.assert_same(by_search(connection, probe, k, where), by_force(connection, probe, k, where))
