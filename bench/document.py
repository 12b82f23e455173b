"""Writes benchmarks.md and its plots from the raw figures of bench/run."""

import html
import math
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent / "search"))
import plot  # noqa: E402
from markdown_text import paragraph, table  # noqa: E402

HEAD = """# Benchmarks

Made by `bench/run`, which measures one piece after another and stores the raw figures in `benchmarks.json`. Each
section says when and on which machine it was measured, and how much of the machine other programs used meanwhile.
Comparisons with other programs: [search](search-benchmarks.md) (faiss, hnswlib, usearch, sqlite-vec),
[models](benchmarks-models.md) (DeepFace, face_recognition/dlib), [SQL](sql-benchmarks.md) (sqlite-vec); PostgreSQL with
pgvector is in [scale.md](scale.md).
"""
STAGE_COLOURS = {
    "decode": "#4c78a8",
    "detect": "#0b6e4f",
    "align": "#72b7b2",
    "embed": "#c8553d",
    "attributes": "#e9a23b",
    "search": "#7a5195",
    "store": "#8a94a6",
}


def measured(about):
    others = f"; other programs used {about['others']:.0%} of the machine" if about.get("others") is not None else ""
    return paragraph(
        f"Measured on {about['made'][:10]} from commit {about['commit']}: {about['machine']}, {about['cores']} cores, "
        f"{about['system']}{others}{'; ' + about['note'] if about.get('note') else ''}."
    )


def photo(p):
    def times(name, t, goal):
        return [name, f"{t['median_ms']:.1f} ms", f"{t['p10_ms']:.1f} .. {t['p90_ms']:.1f} ms", goal]

    start = p["start_s"]
    rows = [
        times("photo (640x480, one face) to answer, all faces searched, one thread", p["every_face"], "25 ms"),
        times("the same, only the largest face", p["largest_face"], "15 ms"),
        [
            "start of the server to its first answer about a photo, warm model cache",
            f"{start['median']:.2f} s",
            f"{start['least']:.2f} .. {start['most']:.2f} s",
            "0.6 s",
        ],
        ["resident memory of the server after 21 photos", f"{p['resident_mb']:.0f} MB", "", "300 MB"],
        ["`deps/` (runtime, models, photos for the tests)", f"{p['deps_mb']:.0f} MB", "", "300 MB"],
        [
            f"the program, stripped (with debug information: {p['program_mb']:.1f} MB)",
            f"{p['stripped_mb']:.2f} MB",
            "",
            "3 MB",
        ],
    ]
    return f"{p['rounds']} rounds after a warm-up; the two kinds of search alternate.\n\n" + table(
        ["what", "median", "p10 .. p90", "goal"], rows
    )


def shares(times):
    """Returns [(stage, milliseconds, share)]. Stages that take less than 1 % are summed up as "the rest"."""
    whole = sum(times.values())
    big = [(name, ms, ms / whole) for name, ms in times.items() if name != "other" and ms >= whole / 100]
    rest = whole - sum(ms for _, ms, _ in big)
    return big + [("the rest", rest, rest / whole)]


def stages(p):
    text = paragraph(
        f"One request with a photo (640x480, one face) to a server with one worker and {p['people']:,} people. The "
        f"times are from the server's own counters (`/metrics`); means of {p['rounds']} requests."
    )
    text += "\n![Time of a request by stage](images/stages.svg)\n\n"
    rows = [
        [request, name, f"{ms:.2f} ms", f"{share:.0%}"]
        for request, times in p["requests"].items()
        for name, ms, share in shares(times)
    ]
    return text + table(["request", "stage", "time", "share"], rows)


def galleries(p):
    rows = [
        [
            f"{g['people']:,}",
            f"{g['answer_s']['median']:.2f} s",
            f"{g['ready_s']['median']:.2f} s",
            f"{g['resident_mb']:,.0f} MB",
            f"{g['disk_mb']:,.0f} MB",
        ]
        for g in p["galleries"]
    ]
    text = paragraph(
        "One face for each person; the database is in the page cache, and the model cache is warm. A server answers "
        "while it is still loading its gallery, and says so."
    )
    text += "\n![Start and memory by the size of the gallery](images/galleries.svg)\n\n"
    return text + table(["people", "first answer after", "all searchable after", "memory", "disk"], rows)


def server(p):
    rows = []
    for r in p["rows"]:
        full = r["statuses"].get("503", 0)
        other = sum(n for status, n in r["statuses"].items() if status not in ("200", "503"))
        rows.append(
            [
                f"{r['connections']}" + (f", `--workers {r['workers']}`" if r["workers"] else ""),
                f"{r['statuses']['200']:,}",
                f"{full:,}",
                f"{other:,}",
                f"{r['a_second']:.1f}",
                f"{r['p50_ms']:.1f} ms, {r['p99_ms']:.1f} ms",
                f"{r['p50_of_503_ms']} ms, {r['p99_of_503_ms']} ms" if full else "-",
                f"{r['server_cpu_ms_a_search']:.1f} ms",
                f"{r['memory_warm_mb']:,.0f} MB, {r['memory_end_mb']:,.0f} MB",
            ]
        )
    could = p["cores"] * 1000 / p["alone_ms"]
    retried = all(r["retry_after"] == r["statuses"].get("503", 0) for r in p["rows"])
    text = paragraph(
        f"`bench/load.py` searches with a 640x480 photo (`faces=largest`, k = 5) over loopback in a gallery of "
        f"{p['faces']:,} people with one template each. Each connection sends the next request as soon as it has its "
        "answer; after a 503 it waits a tenth of a second, which is less than `Retry-After` asks for. The search "
        f"alone, in a process with one thread on the same gallery, took {p['alone_ms']:.1f} ms (median), so "
        f"{p['cores']} cores could do {could:.1f} a second. All people were searchable {p['ready_after_s']} s after "
        "the start."
    )
    text += "\n" + table(
        [
            "connections",
            "answers",
            "503",
            "other errors",
            "answers/s",
            "median, p99",
            "503 after (median, p99)",
            "CPU for a search",
            "memory after a quarter of the time, at the end",
        ],
        rows,
    )
    shares_of = ", ".join(f"{r['a_second'] / could:.0%}" for r in p["rows"])
    closing = paragraph(
        f"The rows reach {shares_of} of what the search alone would allow. A worker waits while the audit entry of its "
        "search is written to disk; the default of one worker more than there are cores uses that time, and costs the "
        f"memory of one more set of model buffers. {'Every' if retried else '**Not every**'} 503 had a `Retry-After`."
    )
    return f"{text}\n{closing}"


def postgres(p):
    rows = [
        ["the index in memory (`--search local`)", p["local"]],
        ["pgvector, all rows compared (`--search sql`)", p["sql"]],
    ]
    rows += [
        [f"pgvector's HNSW (m 16, built with 64, {p['hnsw_build_s']:.0f} s), ef {name.removeprefix('hnsw_ef')}", found]
        for name, found in p.items()
        if name.startswith("hnsw_ef")
    ]
    text = paragraph(
        f"{' '.join(p['database'].split()[:2])}, {p['rows']:,} faces of {p['dim']} numbers, made as in "
        "[search-benchmarks.md](search-benchmarks.md). Recall is the share of the true ten best; mates is the share "
        f"of probes whose own face was among the ten. The index of a server was ready after {p['start_s']:.1f} s and "
        f"takes {p['index_bytes'] / 1e6:,.0f} MB."
    )
    return (
        text
        + "\n"
        + table(
            ["", "median / p99", "recall", "mates"],
            [
                [name, f"{r['median_ms']:.2f} / {r['p99_ms']:.2f} ms", f"{r['recall']:.4f}", f"{r['mates']:.3f}"]
                for name, r in rows
            ],
        )
    )


SECTIONS = [
    ("photo", "A photo to its answer; start, memory and size", photo),
    ("stages", "Stages", stages),
    ("galleries", "Start, memory and disk by people", galleries),
    ("server", "The server under load", server),
    ("postgres", "PostgreSQL with pgvector", postgres),
]


# ---- Plots


def page(title, height, parts):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {plot.WIDTH} {height:.0f}" role="img" '
        f'aria-label="{html.escape(title)}"><style>{plot.STYLE}</style><rect width="100%" height="100%" fill="#fff"/>'
        + plot.text(16, 24, title, "t")
        + "".join(parts)
        + "</svg>\n"
    )


def stages_plot(p):
    """Draws one bar for each request, on the same scale, divided into stages."""
    parts, left, right = [], 90, plot.WIDTH - 90
    longest = max(sum(times.values()) for times in p["requests"].values())
    for row, (request, times) in enumerate(p["requests"].items()):
        x, y = left, 44 + 66 * row
        parts.append(plot.text(left - 8, y + 19, request, "r"))
        for name, ms, share in shares(times):
            width, fill = (right - left) * ms / longest, STAGE_COLOURS.get(name, "#c9ced8")
            parts.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="28" fill="{fill}"/>')
            if width > 44:  # narrower ones have no label; the table has their times
                parts.append(
                    plot.text(x + width / 2, y + 43, name, "s m")
                    + plot.text(x + width / 2, y + 55, f"{ms:.1f} ms, {share:.0%}", "s m")
                )
            x += width
        parts.append(plot.text(x + 6, y + 19, f"{sum(times.values()):.1f} ms"))
    return page("Where the time of a photo goes", 50 + 66 * len(p["requests"]), parts)


def curve(title, top, points, unit):
    """Draws a curve with logarithmic axes. points: [(people, value)]."""
    xs, ys = (plot.powers(min(v), max(v)) for v in zip(*points))
    x, y = (
        plot.scale(xs[0], xs[-1], 90, plot.WIDTH - 70),
        plot.scale(ys[0], ys[-1] if len(ys) > 1 else ys[0] * 10, top + 150, top + 14),
    )
    parts = [plot.text(16, top, title, "t")]
    for tick in xs:
        parts.append(
            f'<path class="g" d="M{x(tick):.0f} {top + 14}V{top + 150}"/>'
            + plot.text(x(tick), top + 166, f"{plot.number(tick)} people", "s m")
        )
    for tick in ys:
        parts.append(
            f'<path class="g" d="M90 {y(tick):.0f}H{plot.WIDTH - 70}"/>'
            + plot.text(82, y(tick) + 4, f"{plot.number(tick)} {unit}", "s r")
        )
    way = " ".join(f"{x(n):.1f},{y(v):.1f}" for n, v in points)
    parts.append(f'<polyline points="{way}" fill="none" stroke="#0b6e4f" stroke-width="2"/>')
    for n, v in points:
        digits = max(0, 1 - math.floor(math.log10(v)))
        parts.append(
            f'<circle cx="{x(n):.1f}" cy="{y(v):.1f}" r="3" fill="#0b6e4f"/>'
            + plot.text(x(n), y(v) - 7, f"{v:,.{digits}f} {unit}", "s m")
        )
    return parts


def galleries_plot(p):
    rows = p["galleries"]
    parts = curve(
        "Seconds from the start until everybody is searchable",
        60,
        [(g["people"], g["ready_s"]["median"]) for g in rows],
        "s",
    )
    parts += curve("Memory", 270, [(g["people"], g["resident_mb"]) for g in rows], "MB")
    return page("A server by the size of its gallery", 450, parts)


PLOTS = {"stages": stages_plot, "galleries": galleries_plot}


def write(results, docs):
    text = HEAD
    for name, heading, section in SECTIONS:
        if name in results:
            text += f"\n## {heading}\n\n{measured(results[name])}\n{section(results[name])}"
    (docs / "benchmarks.md").write_text(text)
    (docs / "images").mkdir(parents=True, exist_ok=True)
    for name, draw in PLOTS.items():
        if name in results:
            (docs / f"images/{name}.svg").write_text(draw(results[name]))
