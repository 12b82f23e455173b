"""Writes DOCS/search-benchmarks.md and .json and DOCS/images/search.svg from the results of pieces.py.

usage: report.py RESULTS DOCS

Pieces that are not in RESULTS are taken from the existing DOCS/search-benchmarks.json.
"""

import json
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
import machine  # noqa: E402
import plot  # noqa: E402
from markdown_text import paragraph, table  # noqa: E402

RIVAL, OURS = "faiss rival x300", "fast, float16 kept"  # names in the results


class Results:
    def __init__(self, pieces):
        self.pieces = pieces

    def rows(self, piece, **wanted):
        """Returns the results of a piece that have all the given values."""
        found = self.pieces.get(piece, {"results": []})["results"]
        return [r for r in found if all(r.get(key) == value for key, value in wanted.items())]

    def one(self, piece, **wanted):
        found = self.rows(piece, **wanted)
        return found[0] if found else None

    def contenders(self, piece):
        """Returns (name, settings) of the contenders of a piece: Semblance first, then by the time of one query."""
        found = {}
        for r in self.rows(piece):
            if "p50_ms" not in r:  # of changes, not of searches
                continue
            key = (r["name"], r["settings"])
            found[key] = min(found.get(key, 1e9), r["p50_ms"] / r.get("batch", 1))
        return sorted(found, key=lambda key: (key[0] != "Semblance", found[key]))


def ms(result):
    return f"{result['p50_ms']:.2f} / {result['p99_ms']:.2f}" if result else "-"


def rate(result):
    return f"{result['qps']:,.0f}" if result else "-"


def recall(*results):
    """Returns the lowest recall of the given results."""
    values = [r["recall_at_10"] for r in results if r]
    return f"{min(values):.4f}" if values else "-"


def mates(*results):
    found = [r for r in results if r]
    return f"{sum(r['mates_found'] for r in found)} of {sum(r['mates'] for r in found)}"


def title(name, settings):
    settings = settings.replace("16 kept", "16 rows").replace("32 kept", "32 rows")
    return f"**{name}** ({settings})" if name == "Semblance" else f"{name} ({settings})"


def searches(results, piece, batch_piece=None):
    """Returns a table with times of single queries, rates of batches, and recall."""
    rows = []
    for name, settings in results.contenders(piece):
        key = {"name": name, "settings": settings}
        one, two = (results.one(piece, threads=t, batch=1, **key) for t in (1, 2))
        many = [results.one(batch_piece or piece, threads=t, batch=32, **key) for t in (1, 2)]
        rows.append(
            [
                title(name, settings),
                ms(one),
                ms(two),
                f"{rate(many[0])} / {rate(many[1])}",
                recall(one, two, *many),
                mates(one, two, *many),
            ]
        )
    return table(
        [
            "",
            "1 thread, p50 / p99 ms",
            "2 threads, p50 / p99 ms",
            "queries/s in batches of 32, 1 / 2 threads",
            "recall@10",
            "matches found",
        ],
        rows,
    )


def exact_section(results):
    rows = []
    for name, settings in results.contenders("exact"):
        key = {"name": name, "settings": settings}
        one, two, m1, m2 = (results.one("exact", threads=t, batch=b, **key) for b in (1, 32) for t in (1, 2))
        same = [r for r in (one, two, m1, m2) if r and r["compared_with_flat"]]
        rows.append(
            [
                title(name, settings),
                ms(one),
                ms(two),
                f"{rate(m1)} / {rate(m2)}",
                f"{min(r['same_as_flat'] for r in same):.4f} of {max(r['compared_with_flat'] for r in same)}"
                if same
                else "-",
                f"{min(r['same_answers'] for r in (one, two, m1, m2) if r):.4f}",
            ]
        )
    return table(
        [
            "",
            "1 thread, p50 / p99 ms",
            "2 threads, p50 / p99 ms",
            "queries/s in batches of 32, 1 / 2 threads",
            "queries with the ten ids of faiss Flat, in its order",
            "with the ten of float64",
        ],
        rows,
    )


def clients_section(results):
    return table(
        ["", "queries/s in total", "p50 / p99 ms", "recall@10"],
        [
            [title(r["name"], r["settings"]), rate(r), ms(r), recall(r)]
            for name, settings in results.contenders("clients")
            for r in results.rows("clients", name=name, settings=settings)
        ],
    )


def filter_section(results):
    rows = []
    for name, settings in results.contenders("filter"):
        one, two = (results.one("filter", threads=t, name=name, settings=settings) for t in (1, 2))
        rows.append([title(name, settings), ms(one), ms(two), recall(one, two)])
    return table(["", "1 thread, p50 / p99 ms", "2 threads, p50 / p99 ms", "recall@10"], rows)


def writes_section(results):
    rows = []
    for r in results.rows("writes", what="put"):
        out = results.one("writes", what="remove", name=r["name"], settings=r["settings"])
        rows.append(
            [title(r["name"], r["settings"]), f"{r['rows']:,}"]
            + [f"{x['p50_us']:,.1f} / {x['p99_us']:,.1f}" if x else "-" for x in (r, out)]
        )
    return table(["", "faces", "put one, p50 / p99 microseconds", "remove one, p50 / p99 microseconds"], rows)


DENSE = """A search by normalised score asks for 32 people instead of 5: a candidate, and the 31 others from whom the
query's own density is estimated. Only the five best must be found with the usual certainty. Rows have two coordinates
more, a bias and a deviation, drawn independently of the vectors from their distribution on real embeddings. Processor
time is that of the calling thread, which other programs disturb less than the time that passes. Recall is that of all
hits, 5 or 32. Putting one row, in the second case with the search for its 31 nearest people: {puts}."""


def dense_section(results, piece):
    rows = []
    for name, settings in results.contenders(piece):
        one, two, m1, m2 = (results.one(piece, settings=settings, threads=t, batch=b) for b in (1, 32) for t in (1, 2))
        rows.append(
            [
                title(name, settings),
                f"{one['cpu_ms']:.2f}",
                ms(one),
                ms(two),
                f"{m1['cpu_ms'] / 32:.2f}",
                recall(one, two, m1, m2),
                mates(one, two, m1, m2),
            ]
        )
    puts = [f"{r['settings']} {r['p50_us']:,.0f} microseconds" for r in results.rows(piece, what="put")]
    text = " ".join(DENSE.format(puts=", ".join(puts)).split())
    return (
        paragraph(text)
        + "\n"
        + table(
            [
                "",
                "processor ms",
                "1 thread, p50 / p99 ms",
                "2 threads, p50 / p99 ms",
                "processor ms a query in batches of 32",
                "recall",
                "matches found",
            ],
            rows,
        )
    )


GROWTH = [("small", "small"), ("dim512", "dim512"), ("single", "single"), ("three", "three"), ("ten", "ten_rival")]


def growth(results):
    """Returns {name: [(rows, ms, recall)]} of Semblance and the rival, by size of the collection."""
    found = {}
    for ours, theirs in GROWTH:
        for name, piece, wanted in (
            ("Semblance", ours, {"name": "Semblance", "settings": OURS}),
            (RIVAL, theirs, {"name": RIVAL}),
        ):
            for threads, words in ((1, "one thread"), (2, "two threads")):
                r = results.one(piece, threads=threads, batch=1, **wanted)
                if r:
                    sizes = found.setdefault(f"{name}, {words}", [])
                    sizes.append((results.pieces[piece]["rows"], r["p50_ms"], r["recall_at_10"]))
    return found


def growth_section(results):
    rows = [
        [name, f"{count:,}", f"{took:.2f}", f"{1e6 * took / count:.2f}", f"{kept:.4f}"]
        for name, line in growth(results).items()
        for count, took, kept in line
    ]
    return table(["", "faces", "p50 ms", "ns per face", "recall@10"], rows)


def extrapolation(results):
    """Returns what a search of a hundred million faces would take, extrapolated from the largest measured
    collection."""
    piece = next((p for p in ("ten", "three") if p in results.pieces), None)
    two = piece and results.one(piece, threads=2, batch=1, name="Semblance", settings=OURS)
    if not two:
        return ""
    facts, count = results.pieces[piece]["semblance"], results.pieces[piece]["rows"]
    factor = 100_000_000 / count
    stats = facts["stats"]
    codes = stats["code_bytes"] * 1e8 / 1e9
    ms_each, memory = two["p50_ms"] * factor, facts["bytes_per_face"] * 1e8 / 1e9
    minutes = facts["build_s"] * factor / 60
    return paragraph(
        f"Extrapolated to 100,000,000 faces at the cost per face of {count:,}: {ms_each:,.0f} ms a query on two cores "
        f"of this machine, {memory:,.0f} GB of memory, of which {codes:,.1f} GB are the codes that every query reads, "
        f"and {minutes:,.0f} minutes to load. The scan can be divided among cores and machines without loss (each "
        f"returns its ten best): sixteen such cores, each with the same bandwidth, would answer in about "
        f"{ms_each / 8:,.0f} ms."
    )


def memory_section(results):
    rows = []
    for piece in ("single", "exact", "three", "ten", "dim128", "dim4096"):
        found = results.pieces.get(piece, {})
        for key, words in (("semblance", "float16 rows"), ("semblance_float32", "float32 rows")):
            if key in found and (piece != "exact" or key == "semblance_float32"):
                facts, limit = found[key], (88 + (4 if "32" in key else 2) * found["dim"]) * 1.05
                rows.append(
                    [
                        f"**Semblance** ({words})",
                        f"{found['rows']:,} x {found['dim']}",
                        f"{facts['bytes_per_face']:,.0f}",
                        f"{limit:,.0f}",
                        f"{facts['build_s']:.1f}",
                    ]
                )
    for found in (results.pieces.get(piece, {}) for piece in ("graphs", "usearch")):
        for name, facts in found.get("peers", {}).items():
            more = 4 * found["dim"] if name.endswith("codes") else 0
            rows.append(
                [
                    name + (" and float32 rows" if more else ""),
                    f"{found['rows']:,} x {found['dim']}",
                    f"{facts['bytes_per_face'] + more:,.0f}",
                    "",
                    f"{facts['build_s']:.1f}",
                ]
            )
    return table(["", "faces", "bytes per face", "limit", "seconds to build"], rows)


# ---- Goals


def goal_rows(results):
    """Returns rows of [what, goal, measured, whether it is met]."""
    rows = []

    def note(words, wanted, measured, met):
        rows.append([words, wanted, measured, "yes" if met else "**no**"])

    def ratio(words, wanted, mine, theirs, of):
        if mine and theirs:
            got = theirs[of] / mine[of] if of == "p50_ms" else mine[of] / theirs[of]
            note(words, f"{wanted:g} times", f"{got:.1f} times", got >= wanted)

    def best(piece, **key):
        return results.one(piece, name="Semblance", **key)

    def quickest(rows):
        return min(rows, key=lambda row: row["p50_ms"], default=None)

    for threads, wanted in ((1, 2.3), (2, 4.5)):
        ratio(
            f"one query, {threads} thread{'s' * (threads > 1)}: speed against the rival x300",
            wanted,
            best("single", settings=OURS, threads=threads),
            results.one("single", name=RIVAL, threads=threads),
            "p50_ms",
        )
    for threads in (1, 2):
        ratio(
            f"batch of 32, {threads} thread{'s' * (threads > 1)}: queries/s against the rival x300",
            3.3,
            best("batch", settings=OURS, threads=threads),
            results.one("batch", name=RIVAL, threads=threads),
            "qps",
        )
    ratio(
        "two clients: queries/s against the rival x300",
        1,
        best("clients", settings=OURS),
        results.one("clients", name=RIVAL),
        "qps",
    )
    for keep, words in (
        ("float32", "exact answers with Flat's own ids (float32 rows)"),
        ("float16", "exact answers, float16 rows"),
    ):
        ours = f"exact, {keep} kept"
        for threads in (1, 2):
            ratio(
                f"{words}, {threads} thread{'s' * (threads > 1)}: speed against faiss Flat",
                15,
                best("exact", settings=ours, threads=threads, batch=1),
                results.one("exact", name="faiss Flat", threads=threads, batch=1),
                "p50_ms",
            )
        ratio(
            f"{words}, each with its best number of threads: speed against faiss Flat",
            15,
            quickest(results.rows("exact", name="Semblance", settings=ours, batch=1)),
            quickest(results.rows("exact", name="faiss Flat", batch=1)),
            "p50_ms",
        )
    for threads in (1, 2):
        ratio(
            f"1 % allowed, {threads} thread{'s' * (threads > 1)}: speed against faiss SQ8 with a selector",
            5,
            best("filter", settings="fast, a bitmap", threads=threads),
            results.one("filter", name="faiss SQ8", threads=threads),
            "p50_ms",
        )
    for what in ("put", "remove"):
        r = best("writes", what=what)
        if r:
            note(
                f"{what} one at {r['rows']:,}",
                "under 50 microseconds",
                f"{r['p50_us']:.1f} (p99 {r['p99_us']:.1f})",
                r["p50_us"] < 50,
            )
    singles = [r for piece in ("single", "batch") for r in results.rows(piece, name="Semblance", settings=OURS)]
    if singles:
        note(
            "recall@10, the lowest of all runs",
            "0.999",
            recall(*singles),
            min(r["recall_at_10"] for r in singles) >= 0.999,
        )
        note(
            "matches found of those that exact search finds, all runs",
            "all",
            mates(*singles),
            all(r["mates_found"] == r["mates"] for r in singles),
        )
    return rows


HEAD = """# Search benchmarks

The vector index beside faiss, hnswlib, usearch and sqlite-vec. Measured by `bench/search/run` on {made}.

- commits: {commits}
- machine: {machine}, {cores} cores; other programs used {others} of its time
- {versions}

In each section all libraries run in one process and take turns, in blocks of about 50 ms and in random order. Times are
medians and 99th percentiles of one call from Python. Queries alternate between faces that have a match in the
collection and faces that have none. Recall is measured against exact answers in float64; where a row covers several
runs (one and two threads, single queries and batches), it is the lowest of them, and matches are summed over them.

Vectors are synthetic: normally distributed with eigenvalues exp(-i/64) under a random rotation, scaled to unit length,
which is how the spectra of real face embeddings fall. A match has a cosine of 0.6 on average. The **rival** is faiss
`PCAR128,PQ64x4fs`, whose best 10 x factor rows are reranked with float32 rows. Waiting threads of OpenMP sleep. Graphs
have M 32 and efConstruction 200; they are built for fewer faces, because a million take too long on this machine.

![Milliseconds of one search among 1,000,000 faces, and growth](images/search.svg)

## Goals

{goals}"""

EXACT = """An exact search proves by upper bounds that no other row can be among the ten best. With float16 rows the
scores are those of the rounded rows, so two rows that differ by less than the rounding may be in another order than in
float32.

"""
BUILDING = "\nThe other libraries were built while other programs ran: their seconds say little.\n"


def others(results):
    shares = sorted(p["others"] for p in results.pieces.values())
    return f"{shares[0]:.0%} to {shares[-1]:.0%}" if shares[0] != shares[-1] else f"{shares[0]:.0%}"


def chosen(results, piece):
    s = results.pieces[piece]["semblance"]["stats"]
    return (
        paragraph(
            f"The index chose PQ codes of {s['code_bytes']:.0f} bytes over {s['code_dims']:.0f} axes and refinement "
            f"codes over {s['line_dims']:.0f} axes. {s['survivors']:,.0f} rows pass the scan on average, and at most "
            f"{s['reranked']:,.0f} are reranked. Participation ratio {s['participation']:.0f}, estimated recall "
            f"{s['recall_estimate']:.4f}; training took {s['learn_seconds']:.1f} s."
        )
        + "\n"
    )


def picture(results):
    rows = []
    for name, settings in results.contenders("single"):
        if "only scores" in settings:
            continue
        one, two = (results.one("single", threads=t, name=name, settings=settings) for t in (1, 2))
        rows.append((name, one["p50_ms"], two["p50_ms"], recall(one, two)))
    proven = [results.one("exact", threads=t, batch=1, settings="exact, float16 kept") for t in (1, 2)]
    if all(proven):
        rows.append(("Semblance, exact", proven[0]["p50_ms"], proven[1]["p50_ms"], recall(*proven)))
    rows.sort(key=lambda row: row[1])
    series = {name: [(n, took) for n, took, _ in line] for name, line in growth(results).items() if len(line) > 1}
    return plot.svg("Milliseconds of one search among 1,000,000 faces of 512 dimensions", rows, "Growth", series)


def sections(results):
    """Yields (piece that must be measured, heading, function that returns the text)."""
    yield (
        "single",
        "1,000,000 x 512, the ten best",
        lambda: chosen(results, "single") + searches(results, "single", "batch"),
    )
    yield "exact", "Exact answers, 1,000,000 x 512", lambda: EXACT + exact_section(results)
    yield "clients", "Two clients at once, 1,000,000 x 512", lambda: clients_section(results)
    yield "filter", "Filter: one face in a hundred allowed, 1,000,000 x 512", lambda: filter_section(results)
    yield "writes", "Writes", lambda: writes_section(results)
    for piece, count in (("dense", "1,000,000"), ("dense200", "200,000")):
        yield piece, f"Normalised scores, {count} x 512", lambda piece=piece: dense_section(results, piece)
    yield "graphs", "Graphs and sqlite-vec, 200,000 x 512", lambda: searches(results, "graphs")
    yield "usearch", "usearch, 160,000 x 512", lambda: searches(results, "usearch")
    yield "small", "10,000 x 512", lambda: searches(results, "small")
    for dim in (128, 512, 4096):
        yield f"dim{dim}", f"100,000 x {dim:,}", lambda piece=f"dim{dim}": searches(results, piece)
    yield (
        "flatter",
        "A flatter spectrum, exp(-i/150), 1,000,000 x 512",
        lambda: chosen(results, "flatter") + searches(results, "flatter"),
    )
    yield "single", "Growth, 512 dimensions", lambda: growth_section(results) + "\n" + extrapolation(results)
    yield (
        "single",
        "Memory and building",
        lambda: memory_section(results) + (BUILDING if "graphs" in results.pieces else ""),
    )


def main():
    docs = pathlib.Path(sys.argv[2])
    results = Results(dict(sorted(machine.merged(docs / "search-benchmarks.json", sys.argv[1]).items())))
    if "single" not in results.pieces:
        sys.exit("report.py: the piece `single` has not been measured; run bench/search/run single")
    head = results.pieces["single"]
    text = HEAD.format(
        made=max(p["made"][:10] for p in results.pieces.values()),
        machine=head["machine"],
        cores=head["cores"],
        others=others(results),
        versions=", ".join(f"{name} {version}" for name, version in head["versions"].items()),
        commits=", ".join(sorted({p["commit"] for p in results.pieces.values()})),
        goals=table(["", "goal", "measured", "met"], goal_rows(results)),
    )
    for piece, heading, write in sections(results):
        if piece in results.pieces:
            text += f"\n## {heading}\n\n{write()}"
    (docs / "search-benchmarks.md").write_text(text)
    (docs / "search-benchmarks.json").write_text(json.dumps(results.pieces, separators=(",", ":")) + "\n")
    (docs / "images/search.svg").write_text(picture(results))


if __name__ == "__main__":
    main()
