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
)


def connect(module, metric):
    connection = sqlite3.connect(":memory:")
    connection.enable_load_extension(True)
    if module == "vec0":
        import sqlite_vec

        sqlite_vec.load(connection)
    else:
        connection.load_extension(os.environ["SB_EXTENSION"])
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
        ours, theirs = (answer(connection, statement, (probe,)) for connection in both)
        total += 1
        equal += same(ours, theirs)
        if not same(ours, theirs):
            print(f"{metric}: {where} AND {bound}: {ours} instead of {theirs}", file=sys.stderr)
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
    print("functions: {} of {} equal".format(*functions()))
