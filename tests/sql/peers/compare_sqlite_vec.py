"""Compares the answers of sqlite-vec with those of the extension, statement by statement.

sqlite-vec is not part of this project: install the package `sqlite-vec` of PyPI, then run

    SB_EXTENSION=build/src/sql/semblance.so python3 tests/sql/peers/compare_sqlite_vec.py

Both get the same table and the same statements; only the name of the module differs. The score stands in
docs/compatibility.md."""

import itertools
import json
import os
import pathlib
import random
import sqlite3
import sys

ROWS, DIM, PROBES, K = 1500, 8, 10, 12
DECLARATION = (
    "embedding float[{dim}] distance_metric={metric}, owner integer partition key, age integer, name text, +note text"
)
CONDITIONS = (
    "1",
    "age > 40",
    "age <= 12",
    "age BETWEEN 10 AND 60",
    "age = 33",
    "age <> 33",
    "name = 'name 7'",
    "owner = 3",
    "owner = 3 AND age < 50",
    "rowid IN (5, 6, 7, 700, 9999)",
    "rowid IN (SELECT rowid FROM other WHERE rowid % 7 = 0)",
)
BOUNDS = ("1", "distance > {low}", "distance < {high}", "distance > {low} AND distance < {high}")
FUNCTIONS = (
    "vec_length(vec_f32('[1, 2, 3]'))",
    "vec_type(vec_f32('[1, 2]'))",
    "hex(vec_f32('[1, 2.5]'))",
    "hex(vec_add('[1, 2, 3]', '[4, 5, 6]'))",
    "hex(vec_sub('[1, 2, 3]', '[4, 5, 6]'))",
    "hex(vec_slice('[1, 2, 3, 4]', 1, 3))",
    "hex(vec_slice('[1, 2, 3, 4]', 0, 4))",
    "round(vec_distance_l2('[1, 2]', '[4, 6]'), 6)",
    "round(vec_distance_l1('[1, 2]', '[4, 6]'), 6)",
    "round(vec_distance_cosine('[1, 2]', '[4, 6]'), 6)",
    "hex(vec_normalize('[3, 4]'))",
    "json(vec_to_json('[1, 2]')) IN ('[1,2]', '[1.000000,2.000000]')",
    "(SELECT sum(value) FROM vec_each('[1, 2, 3]'))",
    "(SELECT group_concat(rowid) FROM vec_each(vec_f32('[5, 6, 7]')))",
    "(SELECT count(*) FROM vec_each(x''))",
    "vec_add('[1]', '[1, 2]')",
    "vec_slice('[1, 2]', 1, 1)",
    "vec_slice('[1, 2]', 0, 3)",
    "vec_slice('[1, 2]', -1, 2)",
    "vec_length('[]')",
    "vec_length('text')",
    "vec_length(x'010203')",
    "vec_f32('[1, null]')",
    "hex(vec_int8('[1, -2, 127]'))",
    "hex(vec_bit(x'0f'))",
    "vec_type(vec_int8('[1, 2]'))",
    "vec_type(vec_bit(x'0f'))",
    "vec_length(vec_int8('[1, 2]'))",
    "vec_length(vec_bit(x'0f00'))",
    "hex(vec_quantize_int8('[-1, -0.5, 0, 0.3, 1, 2, -7]', 'unit'))",
    "hex(vec_quantize_int8(vec_normalize('[1, 2, 3, -4]'), 'unit'))",
    "vec_quantize_int8('[1]', 'other')",
    "hex(vec_quantize_binary('[1, -1, 0, 2, -3, 0.5, 0, 3]'))",
    "hex(vec_quantize_binary(vec_int8('[1, -1, 0, 2, -3, 5, 0, 3]')))",
    "vec_quantize_binary('[1, 2]')",
    "hex(vec_slice(vec_int8('[1, 2, 3]'), 1, 3))",
    "hex(vec_slice(vec_bit(x'010203'), 8, 24))",
    "vec_slice(vec_bit(x'010203'), 4, 8)",
    "hex(vec_add(vec_int8('[1, 2]'), vec_int8('[3, -4]')))",
    "hex(vec_sub(vec_int8('[1, 2]'), vec_int8('[3, -4]')))",
    "vec_add(vec_bit(x'01'), vec_bit(x'02'))",
    "vec_distance_hamming(vec_bit(x'ff01'), vec_bit(x'0f00'))",
    "vec_distance_hamming('[1, 2]', '[1, 2]')",
    "round(vec_distance_l2(vec_int8('[1, 2]'), vec_int8('[4, 6]')), 6)",
    "round(vec_distance_l1(vec_int8('[1, 2]'), vec_int8('[4, 6]')), 6)",
    "round(vec_distance_cosine(vec_int8('[1, 2]'), vec_int8('[4, 6]')), 6)",
    "vec_distance_l2(vec_bit(x'01'), vec_bit(x'02'))",
    "vec_to_json(vec_int8('[1, -2]'))",
    "vec_to_json(vec_bit(x'05'))",
    "(SELECT group_concat(value) FROM vec_each(vec_int8('[5, -6]')))",
    "(SELECT group_concat(value) FROM vec_each(vec_bit(x'05')))",
    "vec_int8('[200]')",
    "vec_int8('[]')",
    "vec_bit(x'')",
)
# Tables of other elements, of several columns, with text keys: (declaration, how a row of floats is inserted, probes).
TABLES = (
    ("v int8[8] distance_metric=l2", "vec_quantize_int8(?1, 'unit')"),
    ("v int8[8] distance_metric=l1", "vec_quantize_int8(?1, 'unit')"),
    ("v int8[8] distance_metric=cosine", "vec_quantize_int8(?1, 'unit')"),
    ("v bit[8]", "vec_quantize_binary(?1)"),
    ("w float[2] distance_metric=l2, v float[8] distance_metric=l2", "vec_f32(?1)"),
    ("id text primary key, v float[8] distance_metric=l2, chunk_size=8", "?1"),
)


def open_module(module):
    connection = sqlite3.connect(":memory:")
    connection.enable_load_extension(True)
    if module == "vec0":
        import sqlite_vec

        sqlite_vec.load(connection)
    else:
        connection.load_extension(os.environ["SB_EXTENSION"])
    return connection


def connect(module, metric):
    connection = open_module(module)
    source = random.Random(5)
    connection.execute(f"CREATE VIRTUAL TABLE t USING {module}({DECLARATION.format(dim=DIM, metric=metric)})")
    connection.execute("CREATE TABLE other(a)")
    connection.executemany("INSERT INTO other(rowid, a) VALUES (?, 1)", [(i,) for i in range(1, ROWS)])
    connection.executemany(
        "INSERT INTO t(rowid, embedding, owner, age, name, note) VALUES (?, ?, ?, ?, ?, 'x')",
        [
            (i, json.dumps([source.gauss(0, 1) for _ in range(DIM)]), i % 5, i % 90, f"name {i % 50}")
            for i in range(1, ROWS)
        ],
    )
    return connection


def answer(connection, statement, values=()):
    try:
        return connection.execute(statement, values).fetchall()
    except sqlite3.Error:
        return "an error"


def same(ours, theirs):
    """Rows in the same order, but for rows at the same distance, and distances equal to five digits."""
    if isinstance(ours, str) or isinstance(theirs, str):
        return ours == theirs
    return len(ours) == len(theirs) and all(
        a[0] == b[0] and abs(a[1] - b[1]) < 1e-5 or abs(a[1] - b[1]) < 1e-6 for a, b in zip(ours, theirs)
    )


def agree(both, statement, values, about):
    """Do both give the same answer? Says what differs."""
    ours, theirs = (answer(connection, statement, values) for connection in both)
    if same(ours, theirs):
        return True
    print(f"{about}: {ours} instead of {theirs}", file=sys.stderr)
    return False


def searches(metric):
    source = random.Random(9)
    both = [connect("semblance", metric), connect("vec0", metric)]
    equal = total = 0
    for _, where, bound in itertools.product(range(PROBES), CONDITIONS, BOUNDS):
        probe = json.dumps([source.gauss(0, 1) for _ in range(DIM)])
        low, high = sorted(source.uniform(*((0, 1.2) if metric == "cosine" else (1, 6))) for _ in range(2))
        statement = (
            f"SELECT rowid, distance FROM t WHERE embedding MATCH ? AND k = {K} AND {where}"
            f" AND {bound.format(low=low, high=high)} ORDER BY distance"
        )
        total += 1
        equal += agree(both, statement, (probe,), f"{metric}: {where} AND {bound}")
    return equal, total


def fill(module, declaration, value):
    connection = open_module(module)
    source = random.Random(3)
    connection.execute(f"CREATE VIRTUAL TABLE t USING {module}({declaration})")
    for i in range(1, 300):
        vector = json.dumps([source.gauss(0, 0.5) for _ in range(8)])
        columns, values = ["rowid", "v"], ["?2", value]
        if "id text" in declaration:
            columns[0], values[0] = "id", "'key ' || ?2"
        if "w float" in declaration:
            columns.append("w")
            values.append("vec_slice(?1, 0, 2)")
        connection.execute(f"INSERT INTO t({', '.join(columns)}) VALUES ({', '.join(values)})", (vector, i))
    return connection


def tables():
    """Searches with k from 0 on; of rows at the same distance any may be first."""
    equal = total = 0
    for declaration, value in TABLES:
        both = [fill(module, declaration, value) for module in ("semblance", "vec0")]
        key = "id" if "id text" in declaration else "rowid"
        source = random.Random(4)
        for number in range(20):
            probe = json.dumps([source.gauss(0, 0.5) for _ in range(8)])
            for column, query in (("v", value), ("w", "vec_slice(?1, 0, 2)"))[: 2 if "w float" in declaration else 1]:
                statement = (
                    f"SELECT {key}, distance FROM t WHERE {column} MATCH {query} AND k = {number} ORDER BY distance"
                )
                total += 1
                equal += agree(both, statement, (probe,), f"{declaration}, k = {number}")
    return equal, total


def functions():
    both = [connect("semblance", "l2"), connect("vec0", "l2")]
    equal = 0
    for function in FUNCTIONS:
        ours, theirs = (answer(connection, f"SELECT {function}") for connection in both)
        equal += ours == theirs
        if ours != theirs:
            print(f"{function}: {ours} instead of {theirs}", file=sys.stderr)
    return equal, len(FUNCTIONS)


if __name__ == "__main__":
    os.environ.setdefault("SB_EXTENSION", str(pathlib.Path("build/src/sql/semblance.so").resolve()))
    for metric in ("l2", "cosine", "l1"):
        print("searches by {}: {} of {} equal".format(metric, *searches(metric)))
    print("searches of other tables: {} of {} equal".format(*tables()))
    print("functions: {} of {} equal".format(*functions()))
