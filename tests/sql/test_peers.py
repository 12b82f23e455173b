"""Tables and functions as programs for sqlite-vec write them. peers/ compares the answers with those of sqlite-vec."""

import sqlite3
import struct
import unittest

from extension import ExtensionCase


def floats(*values):
    return struct.pack(f"{len(values)}f", *values)


class SqliteVec(ExtensionCase):
    def one(self, expression, *values):
        return self.open(":memory:").execute(f"SELECT {expression}", values).fetchone()[0]

    def test_its_functions_give_untyped_blobs_of_float32(self):
        for expression, values, expected in (
            ("vec_f32('[1, 2.5]')", (), floats(1, 2.5)),
            ("vec_f32(?)", (floats(1, 2),), floats(1, 2)),
            ("vec_add('[1, 2]', ?)", (floats(4, 5),), floats(5, 7)),
            ("vec_sub('[1, 2]', TO_VECTOR('4,5'))", (), floats(-3, -3)),
            ("vec_slice('[1, 2, 3, 4]', 1, 3.0)", (), floats(2, 3)),
            ("vec_normalize('[3, 4]')", (), floats(0.6, 0.8)),
            ("vec_normalize('[0, 0]')", (), None),
            ("vec_add('[1]', NULL)", (), None),
            ("vec_length(?)", (floats(1, 2, 3),), 3),
            ("vec_type('[1]')", (), "float32"),
            ("vec_to_json(?)", (floats(1, 2.5),), "[1,2.5]"),
            ("vec_distance_l2('[1, 2]', '[4, 6]')", (), 5.0),
            ("vec_distance_l1('[1, 2]', '[4, 6]')", (), 7.0),
            ("vec_distance_cosine('[1, 0]', '[0, 2]')", (), 1.0),
            ("vec_int8('[1, -2, 127]')", (), b"\x01\xfe\x7f"),
            ("vec_int8(?)", (b"\x01\x02",), b"\x01\x02"),
            ("vec_bit(?)", (b"\x0f",), b"\x0f"),
            ("vec_type(vec_bit(?))", (b"\x0f",), "bit"),
            ("vec_type(vec_int8('[1]'))", (), "int8"),
            ("vec_length(vec_bit(?))", (b"\x0f\x00",), 16),
            ("vec_length(vec_int8('[1, 2]'))", (), 2),
            ("vec_to_json(vec_bit(?))", (b"\x05",), "[1,0,1,0,0,0,0,0]"),
            ("vec_to_json(vec_int8('[1, -2]'))", (), "[1,-2]"),
            ("vec_quantize_int8('[-1, 0, 1, 9]', 'unit')", (), b"\x80\x00\x7e\x7f"),
            ("vec_quantize_binary('[1, -1, 0, 2, 0, 0, 0, 3]')", (), b"\x89"),
            ("vec_slice(vec_int8('[1, 2, 3]'), 1, 3)", (), b"\x02\x03"),
            ("vec_slice(vec_bit(?), 8, 16)", (b"\x01\x02\x03",), b"\x02"),
            ("vec_add(vec_int8('[1, 2]'), vec_int8('[3, -4]'))", (), b"\x04\xfe"),
            ("vec_sub(vec_int8('[1, 2]'), '[0.5, 0]')", (), floats(0.5, 2)),
            ("vec_distance_hamming(vec_bit(?), vec_bit(?))", (b"\xff\x01", b"\x0f\x00"), 5.0),
            ("vec_distance_l2(vec_int8('[1, 2]'), vec_int8('[4, 6]'))", (), 5.0),
            ("vec_to_json(vec_f32(vec_int8('[1, 2]')))", (), "[1,2]"),
        ):
            with self.subTest(expression=expression):
                self.assertEqual(self.one(expression, *values), expected)
        for expression, word in (
            ("vec_add('[1]', '[1, 2]')", "vector length"),
            ("vec_add('[3e38]', '[3e38]')", "too large"),
            ("vec_slice('[1, 2]', 1, 1)", "slice"),
            ("vec_slice('[1, 2]', -1, 1)", "slice"),
            ("vec_slice('[1, 2]', 0, 3)", "slice"),
            ("vec_slice('[1, 2]', 0.5, 1)", "slice"),
            ("vec_length('text')", "vector element"),
            ("vec_int8('[1.5]')", "whole number"),
            ("vec_int8('[200]')", "too large"),
            ("vec_add(vec_int8('[100]'), vec_int8('[100]'))", "too large"),
            ("vec_add(vec_bit(x'01'), vec_bit(x'01'))", "bits"),
            ("vec_slice(vec_bit(x'0102'), 4, 8)", "multiple of 8"),
            ("vec_quantize_binary('[1, 2]')", "multiple of 8"),
            ("vec_quantize_int8('[1]', 'other')", "'unit'"),
            ("vec_distance_hamming('[1, 0]', '[0, 2]')", "0 or 1"),
            ("vec_distance_l2(vec_bit(x'01'), vec_bit(x'01'))", "Hamming"),
            ("vec_bit(x'')", "no element"),
            ("hamming_distance(x'01', x'02')", "vector blob"),
        ):
            with self.subTest(expression=expression), self.assertRaisesRegex(sqlite3.OperationalError, word):
                self.one(expression)

    def test_vec_each_has_a_row_for_each_element(self):
        connection = self.open(":memory:")
        self.assertEqual(
            connection.execute("SELECT rowid, value FROM vec_each('[5, 6.5]')").fetchall(), [(0, 5.0), (1, 6.5)]
        )
        self.assertEqual(connection.execute("SELECT count(*) FROM vec_each(NULL)").fetchone(), (0,))
        for vector, values in (("vec_int8('[5, -6]')", [5, -6]), ("vec_bit(x'05')", [1, 0, 1, 0, 0, 0, 0, 0])):
            rows = connection.execute(f"SELECT value FROM vec_each({vector})").fetchall()
            self.assertEqual(rows, [(value,) for value in values])
        connection.execute("CREATE VIRTUAL TABLE t USING semblance(v FLOAT[2], n TEXT)")
        connection.execute("INSERT INTO t VALUES ('1,2', 'a'), ('3,4', 'b')")
        self.assertEqual(
            connection.execute("SELECT n, sum(value) FROM t JOIN vec_each(t.v) GROUP BY n").fetchall(),
            [("a", 3.0), ("b", 7.0)],
        )
        for wrong, word in (("vec_each", "takes one vector"), ("vec_each('x')", "vector element")):
            with self.assertRaisesRegex(sqlite3.OperationalError, word):
                connection.execute(f"SELECT * FROM {wrong}").fetchall()

    def test_its_declarations_are_understood(self):
        connection = self.open(":memory:")
        connection.execute(
            "CREATE VIRTUAL TABLE t USING semblance(id integer primary key, owner integer partition key, "
            "v float[2] distance_metric=L1, +note text, name text)"
        )
        connection.execute("INSERT INTO t(id, owner, v, note, name) VALUES (10, 1, '[1, 1]', 'x', 'a')")
        connection.execute("INSERT INTO t(id, owner, v, note) VALUES (20, 2, '[2, 3]', 'y'), (30, 1, '[9, 9]', 'z')")
        self.assertEqual(
            connection.execute("SELECT id, distance, note FROM t WHERE v MATCH '[0, 0]' AND k = 2").fetchall(),
            [(10, 2.0, "x"), (20, 5.0, "y")],
        )
        self.assertEqual(
            connection.execute("SELECT id FROM t WHERE v MATCH '[0, 0]' AND k = 2 AND owner = 1").fetchall(),
            [(10,), (30,)],
        )
        self.assertEqual(connection.execute("SELECT v, rowid FROM t WHERE id = 20").fetchone()[1], 20)
        connection.execute("CREATE VIRTUAL TABLE named USING semblance(code text primary key, v float[1])")
        connection.execute("INSERT INTO named VALUES ('a', '[1]')")
        connection.execute("INSERT OR REPLACE INTO named VALUES ('a', '[2]')")
        self.assertEqual(connection.execute("SELECT code, FROM_VECTOR(v) FROM named").fetchall(), [("a", "[2]")])
        with self.assertRaisesRegex(sqlite3.IntegrityError, "named.code"):
            connection.execute("INSERT INTO named VALUES ('a', '[2]')")

    def test_a_search_by_l1_finds_the_same_as_a_comparison_of_every_row(self):
        connection = self.make(3000, columns="v FLOAT[8] metric=l1, name TEXT, age INTEGER")
        probe = "[1,2,3,4,5,6,7,8]"
        for where in ("1", "age > 30", "rowid IN (3, 4, 5)"):
            found = connection.execute(f"SELECT rowid, distance FROM t WHERE v MATCH ? AND k = 9 AND {where}", (probe,))
            expected = connection.execute(
                f"SELECT rowid, VECTOR_L1(v, ?) d FROM t WHERE {where} ORDER BY d, rowid LIMIT 9", (probe,)
            )
            self.assertEqual(found.fetchall(), expected.fetchall())
        connection.execute("INSERT INTO t(t) VALUES ('integrity-check')")


if __name__ == "__main__":
    unittest.main()
