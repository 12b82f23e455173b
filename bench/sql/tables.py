"""Measures one size of bench/sql/run: fills both databases, searches them in turns and prints JSON."""

import argparse
import json
import pathlib
import sqlite3
import sys
import time

import numpy as np
import sqlite_vec

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "search"))
from gallery import Gallery  # noqa: E402

DIM, K, BLOCK, OURS_A_TURN = 512, 10, 20_000, 5


def connect(path, load):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.enable_load_extension(True)
    load(connection)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def fill(connection, create, rows):
    """Fills the table in transactions of BLOCK rows. Returns the microseconds for a row, or None if the table exists
    already."""
    if connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 't'").fetchone()[0]:
        return None
    start = time.perf_counter()
    connection.execute(create)
    for first in range(0, len(rows), BLOCK):
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO t(rowid, v) VALUES (?, ?)",
            ((first + i, row.tobytes()) for i, row in enumerate(rows[first : first + BLOCK])),
        )
        connection.execute("COMMIT")
    return (time.perf_counter() - start) / len(rows) * 1e6


def search(connection, probe):
    start = time.perf_counter()
    found = connection.execute(f"SELECT rowid, distance FROM t WHERE v MATCH ? AND k = {K}", (probe,)).fetchall()
    return (time.perf_counter() - start) * 1e3, [row for row, _ in found]


def settle():
    """Waits until this process has been idle for two seconds: the index is trained in a thread."""
    quiet = 0
    while quiet < 4:
        before = time.process_time()
        time.sleep(0.5)
        quiet = quiet + 1 if time.process_time() - before < 0.05 else 0


def percentiles(times):
    return {"p50_ms": float(np.percentile(times, 50)), "p99_ms": float(np.percentile(times, 99)), "count": len(times)}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--work", type=pathlib.Path)
    options.add_argument("--rows", type=int)
    options.add_argument("--seconds", type=float)
    options.add_argument("--extension")
    options.add_argument("--prepare", action="store_true")
    chosen = options.parse_args()
    folder = chosen.work / "sql"
    folder.mkdir(parents=True, exist_ok=True)
    gallery = Gallery(chosen.work / "data", DIM, 64)
    rows = gallery.rows(chosen.rows)
    (probes, _), (truth, _) = gallery.probes(), gallery.truth(chosen.rows)
    np.ascontiguousarray(probes, dtype="<f4").tofile(folder / "probes.f32")
    ours = connect(folder / f"semblance-{chosen.rows}.db", lambda c: c.load_extension(chosen.extension))
    theirs = connect(folder / f"vec-{chosen.rows}.db", sqlite_vec.load)
    notes = folder / f"inserts-{chosen.rows}.json"
    inserted = [
        fill(ours, f"CREATE VIRTUAL TABLE t USING semblance(v FLOAT[{DIM}] metric=cosine)", rows),
        fill(theirs, f"CREATE VIRTUAL TABLE t USING vec0(v float[{DIM}] distance_metric=cosine)", rows),
    ]
    if None not in inserted:
        notes.write_text(json.dumps(inserted))
    if chosen.prepare:
        return
    blobs = [np.ascontiguousarray(p, dtype="<f4").tobytes() for p in probes]
    first, _ = search(ours, blobs[0])
    search(theirs, blobs[0])
    settle()
    times, hits = ([], []), [0, 0]
    asked = [0, 0]
    end = time.monotonic() + chosen.seconds
    while time.monotonic() < end:
        for which, connection, count in ((0, ours, OURS_A_TURN), (1, theirs, 1)):
            for _ in range(count):
                i = asked[which] % len(blobs)
                spent, found = search(connection, blobs[i])
                times[which].append(spent)
                hits[which] += len(set(found) & set(truth[i].tolist()))
                asked[which] += 1
    print(
        json.dumps(
            {
                "rows": chosen.rows,
                "ours": percentiles(times[0]),
                "theirs": percentiles(times[1]),
                "first_s": first / 1e3,
                "recall": hits[0] / K / asked[0],
                "their_recall": hits[1] / K / asked[1],
                "insert_us": json.loads(notes.read_text()),
                "sqlite_vec": sqlite_vec.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
