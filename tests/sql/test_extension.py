"""The extension in another program: its own tables, transactions, connections side by side."""

import sqlite3
import unittest

from extension import ExtensionCase, by_force, by_search, connect, random_vector


class Searching(ExtensionCase):
    def test_a_search_finds_the_same_as_a_comparison_of_every_row(self):
        self.assert_sound(self.make(3000))

    def test_a_search_with_a_trained_quantizer_finds_the_same_too(self):
        connection = self.make(12000, dim=64, columns="v FLOAT[64], name TEXT, age INTEGER")
        self.assert_sound(connection, dim=64, k=10)

    def test_a_search_with_conditions_returns_k_rows_if_k_rows_meet_them(self):
        connection = self.make(3000)
        for where in (
            "age > 80",
            "age = 3 AND name LIKE '%1%'",
            "rowid IN (5, 6, 7, 2000, 9999)",
            "age BETWEEN 10 AND 60",
            "name IN ('name 5', 'name 7')",
            "age IN (1, 2, 3) AND rowid < 900",
            "name IS NOT NULL AND age <> 5",
        ):
            with self.subTest(where=where):
                self.assert_sound(connection, where)

    def test_a_long_list_of_ids_is_an_ordinary_condition(self):
        connection = self.make(3000)
        ids = ",".join(str(i) for i in range(1, 3000, 2))
        self.assert_sound(connection, f"rowid IN ({ids})")
        self.assert_sound(connection, "name IN (" + ",".join(f"'name {i}'" for i in range(0, 3000, 3)) + ")")

    def test_negative_and_huge_row_ids_work(self):
        connection = self.make(1500)
        connection.execute("UPDATE t SET rowid = -rowid WHERE rowid % 2")
        connection.execute("UPDATE t SET rowid = rowid + 9000000000000000000 WHERE rowid > 1400")
        self.assert_sound(connection)
        self.assert_sound(connection, "rowid < -3")

    def test_all_metrics(self):
        for metric, function, order in (
            ("dot", "VECTOR_DOT_PRODUCT", "DESC"),
            ("l2", "VECTOR_L2", "ASC"),
            ("cosine", "VECTOR_COSINE", "DESC"),
        ):
            with self.subTest(metric=metric):
                connection = self.open(self.folder / f"{metric}.db")
                connection.execute(f"CREATE VIRTUAL TABLE t USING semblance(v FLOAT[8] metric={metric})")
                connection.executemany(
                    "INSERT INTO t(v) VALUES (?)", [(random_vector(self.source, 8),) for _ in range(2000)]
                )
                for _ in range(5):
                    probe = random_vector(self.source, 8)
                    found = connection.execute("SELECT rowid FROM t WHERE v MATCH ? AND k = 10", (probe,)).fetchall()
                    expected = connection.execute(
                        f"SELECT rowid FROM t ORDER BY {function}(v, ?) {order} LIMIT 10", (probe,)
                    ).fetchall()
                    self.assertEqual(found, expected)

    def test_sqlite_vecs_blobs_and_pgvectors_text_are_vectors(self):
        connection = self.open()
        connection.execute("CREATE VIRTUAL TABLE t USING semblance(v FLOAT[2])")
        connection.execute("INSERT INTO t(v) VALUES (?), (?)", (bytes.fromhex("0000803f00000000"), "[0,1]"))
        self.assertEqual(connection.execute("SELECT FROM_VECTOR(v) FROM t").fetchall(), [("[1,0]",), ("[0,1]",)])


class SeveralColumns(ExtensionCase):
    """Two columns of vectors, each with rows where the vector is NULL."""

    def fill(self, rows=1500):
        connection = self.open()
        connection.execute(
            "CREATE VIRTUAL TABLE t USING semblance(v FLOAT[8], owner INTEGER PARTITION KEY, w FLOAT[8])"
        )
        connection.execute("BEGIN")
        for i in range(rows):
            v, w = (random_vector(self.source, 8) for _ in range(2))
            values = (None if i % 10 == 3 else v, i % 7, None if i % 4 == 1 else w)
            connection.execute("INSERT INTO t VALUES (?, ?, ?)", values)
        connection.execute("COMMIT")
        return connection

    def assert_both_sound(self, connection):
        connection.execute("INSERT INTO t(t) VALUES ('integrity-check')")
        for column in ("v", "w"):
            for where in ("1", "owner = 3", "owner IN (1, 5) AND rowid > 400"):
                probe = random_vector(self.source, 8)
                found = connection.execute(
                    f"SELECT rowid, similarity FROM t WHERE {column} MATCH ? AND k = 20 AND {where}", (probe,)
                ).fetchall()
                expected = connection.execute(
                    f"SELECT rowid, VECTOR_COSINE({column}, ?) AS s FROM t WHERE {where} AND {column} IS NOT NULL"
                    " ORDER BY s DESC, rowid LIMIT 20",
                    (probe,),
                ).fetchall()
                self.assert_same(found, expected)

    def test_each_column_is_searched_by_its_own_vectors(self):
        self.assert_both_sound(self.fill())

    def test_every_change_of_a_column_is_followed(self):
        connection = self.fill()
        self.assert_both_sound(connection)
        other = self.open()
        self.assert_both_sound(other)
        connection.execute("BEGIN")
        for change in (
            "UPDATE t SET w = NULL WHERE rowid % 9 = 2",
            "UPDATE t SET w = v WHERE rowid % 9 = 3 AND v IS NOT NULL",
            "UPDATE t SET v = NULL, w = v WHERE rowid % 9 = 4",
            "UPDATE t SET owner = 3 WHERE rowid % 9 = 5",
            "UPDATE t SET rowid = rowid + 5000 WHERE rowid % 9 = 6",
            "DELETE FROM t WHERE rowid % 9 = 7",
        ):
            connection.execute("SAVEPOINT s")
            connection.execute(change)
            self.assert_both_sound(connection)
        connection.execute("ROLLBACK TO s")
        self.assert_both_sound(connection)
        connection.execute("COMMIT")
        self.assert_both_sound(connection)
        self.assert_both_sound(other)

    def test_a_search_by_a_function_s_order_has_rows_with_null_last(self):
        connection = self.fill(60)
        ids = [
            row
            for (row,) in connection.execute(
                "SELECT rowid FROM t WHERE semblance_nearest_cosine(v, ?)", (random_vector(self.source, 8),)
            )
        ]
        self.assertEqual(sorted(ids), list(range(1, 61)))
        self.assertEqual(set(ids[-6:]), {4, 14, 24, 34, 44, 54})


class Transactions(ExtensionCase):
    def test_rolled_back_changes_leave_no_trace(self):
        connection = self.make(2000)
        probe = random_vector(self.source, 8)
        before = by_search(connection, probe, 10)
        connection.execute("BEGIN")
        connection.execute("DELETE FROM t WHERE rowid IN (SELECT rowid FROM t WHERE v MATCH ? AND k = 5)", (probe,))
        connection.execute("UPDATE t SET v = ? WHERE rowid % 7 = 0", (random_vector(self.source, 8),))
        self.assert_sound(connection)
        connection.execute("ROLLBACK")
        self.assert_same(by_search(connection, probe, 10), before)
        self.assert_sound(connection)

    def test_savepoints_are_followed_in_and_out(self):
        connection = self.make(1500)
        connection.execute("BEGIN")
        for depth in range(4):
            connection.execute(f"SAVEPOINT s{depth}")
            connection.execute("DELETE FROM t WHERE rowid % 11 = ?", (depth,))
            connection.execute("INSERT INTO t(v) VALUES (?)", (random_vector(self.source, 8),))
            self.assert_sound(connection, probes=1)
        connection.execute("ROLLBACK TO s2")
        self.assert_sound(connection, probes=1)
        connection.execute("RELEASE s1")
        connection.execute("COMMIT")
        self.assert_sound(connection)

    def test_a_statement_that_fails_half_way_changes_nothing(self):
        connection = self.make(1500)
        with self.assertRaises(sqlite3.Error):
            connection.execute("UPDATE t SET v = CASE WHEN rowid = 700 THEN '1' ELSE v END")
        with self.assertRaises(sqlite3.Error):
            connection.execute("INSERT INTO t(rowid, v) SELECT rowid + 800, v FROM t")
        self.assertEqual(connection.execute("SELECT count(*) FROM t").fetchone(), (1500,))
        self.assert_sound(connection)

    def test_python_s_own_transactions_work_too(self):
        self.make(1200)
        connection = sqlite3.connect(str(self.path))
        self.addCleanup(connection.close)
        connection.enable_load_extension(True)
        connection.load_extension(__import__("extension").EXTENSION)
        connection.execute("DELETE FROM t WHERE rowid < 50")
        probe = random_vector(self.source, 8)
        self.assert_same(by_search(connection, probe, 10), by_force(connection, probe, 10))
        connection.rollback()
        self.assert_sound(connection)

    def test_vacuum_and_backup_keep_everything(self):
        connection = self.make(1500)
        connection.execute("DELETE FROM t WHERE rowid % 3 = 0")
        connection.execute("VACUUM")
        self.assert_sound(connection)
        copy = self.open(self.folder / "copy.db")
        connection.backup(copy)
        self.assert_sound(copy)

    def test_a_restored_older_file_is_noticed(self):
        connection = self.make(1500)
        copy = self.open(self.folder / "copy.db")
        connection.backup(copy)
        for source in (connection, copy):  # from here on two different histories of the same length
            for _ in range(20):
                source.execute("INSERT INTO t(v) VALUES (?)", (random_vector(self.source, 8),))
            self.assert_sound(source)
        copy.backup(connection)
        self.assert_sound(connection)
        self.make_older(connection, copy)

    def make_older(self, connection, copy):
        connection.execute("DELETE FROM t WHERE rowid > 1000")
        self.assert_sound(connection)
        copy.backup(connection)
        self.assertEqual(connection.execute("SELECT count(*) FROM t").fetchone(), (1520,))
        self.assert_sound(connection)


class Connections(ExtensionCase):
    def test_every_connection_sees_its_own_state(self):
        writer = self.make(2000)
        writer.execute("PRAGMA journal_mode = WAL")
        reader, late = self.open(), self.open()
        reader.execute("BEGIN")
        self.assert_found(reader)
        writer.execute("BEGIN")
        writer.execute("DELETE FROM t WHERE rowid % 5 = 0")
        writer.execute("INSERT INTO t(rowid, v) VALUES (50000, ?)", (random_vector(self.source, 8),))
        self.assert_sound(writer)  # only the writer sees what is not committed
        self.assertEqual(late.execute("SELECT count(*) FROM t").fetchone(), (2000,))
        self.assert_found(late)
        writer.execute("COMMIT")
        self.assert_sound(late)
        self.assertEqual(late.execute("SELECT count(*) FROM t").fetchone(), (1601,))
        self.assertEqual(reader.execute("SELECT count(*) FROM t").fetchone(), (2000,))
        self.assert_found(reader)  # still its old state, with the index ahead of it
        reader.execute("COMMIT")
        self.assert_sound(reader)

    def test_threads_search_while_another_writes(self):
        import threading

        self.make(1500).execute("PRAGMA journal_mode = WAL")
        wrong, done = [], threading.Event()

        def search(seed):
            connection = connect(self.path)
            try:
                import random

                source = random.Random(seed)
                while not done.is_set():
                    connection.execute("BEGIN")
                    probe = random_vector(source, 8)
                    if by_search(connection, probe, 10) != by_force(connection, probe, 10):
                        wrong.append(probe)
                    connection.execute("COMMIT")
            finally:
                connection.close()

        threads = [threading.Thread(target=search, args=(seed,)) for seed in range(3)]
        for thread in threads:
            thread.start()
        writer = self.open()
        for i in range(150):
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("DELETE FROM t WHERE rowid = ?", (i * 7 % 1500,))
            writer.execute("INSERT INTO t(v) VALUES (?)", (random_vector(self.source, 8),))
            writer.execute("ROLLBACK" if i % 3 == 0 else "COMMIT")
        done.set()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assert_sound(writer)

    def test_tables_in_memory_and_attached_ones(self):
        connection = self.make(1200)
        connection.execute("ATTACH ':memory:' AS side")
        connection.execute("CREATE VIRTUAL TABLE side.t USING semblance(v FLOAT[2])")
        connection.execute("INSERT INTO side.t(v) VALUES ('1,0'), ('0,1')")
        self.assertEqual(
            connection.execute("SELECT rowid FROM side.t WHERE v MATCH '0,2' AND k = 1").fetchall(), [(2,)]
        )
        other = self.open(":memory:")
        other.execute("CREATE VIRTUAL TABLE t USING semblance(v FLOAT[2])")
        self.assertEqual(other.execute("SELECT count(*) FROM t WHERE v MATCH '1,1'").fetchone(), (0,))


class Files(ExtensionCase):
    def test_a_table_of_the_first_version_opens(self):
        import pathlib

        connection = self.open()
        connection.executescript((pathlib.Path(__file__).parent / "schema-1.sql").read_text())
        connection.close()
        connection = self.open()
        self.assertEqual(
            connection.execute("SELECT rowid, name, similarity FROM t WHERE v MATCH '1,0' AND k = 2").fetchall(),
            [(1, "first", 1.0), (3, "third", 0.0)],
        )
        connection.execute("INSERT INTO t(v, name) VALUES ('1,1', 'new')")
        with self.assertRaisesRegex(sqlite3.OperationalError, "older Semblance"):
            connection.execute("INSERT INTO t(v, name) VALUES (NULL, 'none')")
        connection.execute("INSERT INTO t(t) VALUES ('integrity-check')")

    def test_a_table_of_a_newer_version_is_refused(self):
        self.make(1)
        plain = sqlite3.connect(str(self.path))
        plain.execute("UPDATE t_meta SET value = 3 WHERE key = 'version'")
        plain.commit()
        plain.close()
        with self.assertRaisesRegex(sqlite3.Error, "newer Semblance"):
            self.open().execute("SELECT * FROM t")

    def test_damage_is_reported(self):
        for damage, word in (
            ("UPDATE t_vectors SET vector = x'0101ffff' WHERE id = 3", "damaged"),
            ("DELETE FROM t_vectors WHERE id = 3", "have no vector"),
            ("DELETE FROM t_rows WHERE id = 3", "no row"),
            ("DELETE FROM t_meta", "not complete"),
        ):
            with self.subTest(damage=damage):
                self.path = self.folder / f"{word}.db"
                self.make(10).close()
                plain = sqlite3.connect(str(self.path))
                plain.execute(damage)
                plain.commit()
                plain.close()
                with self.assertRaisesRegex(sqlite3.Error, word):
                    self.open().execute("INSERT INTO t(t) VALUES ('integrity-check')")

    def test_the_extension_cannot_read_a_gallery(self):
        connection = self.open()
        with self.assertRaises(sqlite3.Error):
            connection.execute("SELECT * FROM FacialData")
        with self.assertRaises(sqlite3.Error):
            connection.execute("CREATE VIRTUAL TABLE g USING semblance_gallery(article)")


if __name__ == "__main__":
    unittest.main()
