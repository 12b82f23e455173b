"""Runs pgvector's own regression tests in `semblance sql` and compares the results with those that pgvector expects.

pgvector is not part of this project: clone its repository, then run

    SEMBLANCE=build/semblance python3 tests/sql/peers/compare_pgvector.py PGVECTOR

where PGVECTOR is the clone. The score stands in docs/compatibility.md. Statements without a counterpart are counted
apart: arrays, sparsevec, the inner functions of aggregates, plans and settings of PostgreSQL's planner."""

import csv
import io
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile

FILES = (
    "vector_type",
    "halfvec",
    "bit",
    "cast",
    "btree",
    "hnsw_vector",
    "hnsw_halfvec",
    "hnsw_bit",
    "ivfflat_vector",
    "ivfflat_halfvec",
    "ivfflat_bit",
)
# No counterpart: SQLite has no arrays and no types of a column's result, and one kind of index.
LEFT_OUT = re.compile(
    r"\[\]|array_fill|array_agg|generate_series|_accum\(|_combine\(|vector_avg\('|halfvec_avg\('|sparsevec|'\{|^EXPLAIN|"
    r"^(SET|RESET|SHOW) (?!hnsw|ivfflat)|^\\|^COPY|pg_typeof|hnsw\.iterative|ivfflat\.iterative|_cmp\('\[.*halfvec|"
    r"halfvec_(cmp|norm)|^(BEGIN|COMMIT|ROLLBACK)|::varchar|RESET|SHOW",
    re.I | re.M,
)


def statements(folder, name):
    """Pairs of a statement and what pgvector answers: text that follows it in the expected output."""
    sql = (folder / "test/sql" / f"{name}.sql").read_text()
    expected = (folder / "test/expected" / f"{name}.out").read_text()
    texts = [s.strip() for s in re.split(r";\s*\n", sql) if s.strip()]
    texts = [re.sub(r"^(--.*\n+)+", "", s).strip() for s in texts]
    at, places = 0, []
    for text in texts:
        start = expected.index(text.split("\n")[0], at)
        at = expected.index(text + ";", start) + len(text) + 1 if text + ";" in expected[start:] else start + len(text)
        places.append((text, start, at))
    for i, (text, _, end) in enumerate(places):
        yield text, expected[end : places[i + 1][1] if i + 1 < len(places) else len(expected)]


def read_answer(text):
    """None: an error. Otherwise the rows, as lists of cells."""
    if re.search(r"^ERROR:", text, re.M):
        return None
    lines = text.strip("\n").split("\n")
    ruler = next((i for i, line in enumerate(lines) if re.fullmatch(r"-+(\+-+)*", line)), None)
    if ruler is None:
        return []
    rows = []
    for line in lines[ruler + 1 :]:
        if re.fullmatch(r"\(\d+ rows?\)", line):
            break
        rows.append([cell.strip() for cell in line.split("|")])
    return rows


def translate(statement):
    """An unnested array of vectors becomes a subquery, which is what SQLite has instead."""

    def rows(match):
        items = re.findall(r"'\[[^']*\]'|NULL", match.group(1))
        kind = re.search(r"::(\w+)", match.group(1))
        return "(" + " UNION ALL ".join(f"SELECT {item}::{kind.group(1)} AS v" for item in items) + ")"

    return re.sub(r"unnest\(ARRAY\[(('.*?'|NULL|::\w+|, )+)\]\)", rows, statement)


def ask(database, statement):
    done = subprocess.run(
        [
            os.environ.get("SEMBLANCE", "build/semblance"),
            "sql",
            "--write",
            "--db",
            database,
            "--format",
            "csv",
            statement,
        ],
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode:
        return None
    rows = [row or [""] for row in csv.reader(io.StringIO(done.stdout))]
    return [] if rows[:1] == [["notice"]] else rows[1:]


def without_nulls(rows):
    """An index of pgvector has no rows with NULL; here, as in pgvector without an index, they come last."""
    while rows and rows[-1] == [""]:
        rows = rows[:-1]
    return rows


def plain(cell):
    """A cell as something to compare: a list of numbers, a number, or text."""
    if cell in ("t", "f"):
        return float(cell == "t")
    try:
        value = json.loads(cell)
        return [float(x) for x in value] if isinstance(value, list) else float(value)
    except ValueError:
        return "" if cell == "NaN" else cell


def same_cell(ours, theirs):
    """PostgreSQL writes bits as 0110, which is [0,1,1,0] here."""
    bits = [float(bit) for bit in theirs] if re.fullmatch("[01]+", theirs) else None
    return near(plain(ours), plain(theirs)) or near(plain(ours), bits)


def near(a, b):
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(near(x, y) for x, y in zip(a, b))
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-6)
    return a == b


def same(ours, theirs):
    if ours is None or theirs is None:
        return ours is theirs
    if theirs == [] or len(ours) != len(theirs):
        return ours == theirs
    return all(len(a) == len(b) and all(map(same_cell, a, b)) for a, b in zip(ours, theirs))


def run(folder, name):
    equal = total = left_out = 0
    with tempfile.TemporaryDirectory() as place:
        database = str(pathlib.Path(place) / "own.db")
        for statement, text in statements(folder, name):
            if LEFT_OUT.search(statement):
                left_out += 1
                continue
            ours, theirs = ask(database, translate(statement)), read_answer(text)
            if name.startswith(("hnsw", "ivfflat")) and "ORDER BY" in statement:
                ours = without_nulls(ours)
            total += 1
            equal += same(ours, theirs)
            if not same(ours, theirs):
                print(f"{name}: {statement}: {ours} instead of {theirs}", file=sys.stderr)
    return equal, total, left_out


if __name__ == "__main__":
    everything = [0, 0, 0]
    for name in FILES:
        score = run(pathlib.Path(sys.argv[1]), name)
        everything = [a + b for a, b in zip(everything, score)]
        print("{}: {} of {} equal, {} without a counterpart".format(name, *score))
    print("all: {} of {} equal, {} without a counterpart".format(*everything))
