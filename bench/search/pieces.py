"""The benchmark, in pieces that take some minutes each. A piece is one process, in which all contenders take turns. It
writes results/PIECE.json in the work folder, where collections, exact answers and the other libraries' indexes are
stored, too."""

import argparse
import json
import pathlib
import statistics
import sys
import time

import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
import density  # noqa: E402
import machine  # noqa: E402
import peers  # noqa: E402
import semblance  # noqa: E402
from gallery import Gallery, best_rows  # noqa: E402
from measure import Contender, Lane, Truth, clients, interleave, spread  # noqa: E402

QUERIES = 600
FLOOR = 0.40  # lower scores are not a match at any threshold in use


class Setting:
    """The options of a piece: work folder, measuring time, and the factor for all numbers of rows."""

    def __init__(self, work, seconds, scale):
        self.work, self.seconds, self.scale = work, seconds, scale

    def count(self, rows):
        return max(min(rows, 20_000), int(rows * self.scale))

    def gallery(self, dim=512, tau=64):
        return Gallery(self.work / "data", dim, tau)

    def folder(self, gallery):
        return self.work / "peers" / gallery.folder.name


# ---- Semblance


def semblance_index(rows, threads=2, keep=16, query_tail=()):
    """Returns (index, facts); the index is loaded and trained."""
    start = time.monotonic()
    index = semblance.Index(rows.shape[1], threads, keep, query_tail)
    index.load(rows)
    stats = index.stats()
    return index, {
        "build_s": time.monotonic() - start,
        "bytes_per_face": stats["bytes"] / stats["rows"],
        "stats": stats,
    }


def semblance_contender(index, name="Semblance", settings="fast, float16 kept", **how):
    """how: options of index.search."""
    return Contender(
        name, settings, lambda queries: index.search(queries, **how)[0], index.use_threads, how.get("floor")
    )


# ---- Measuring a set of contenders


def measured(setting, contenders, probes, shapes, seconds=None):
    """Measures each contender with each (threads, batch) of `shapes`. probes: (queries, truth). Returns (results,
    lanes)."""
    queries, truth = probes
    lanes = [Lane(contender, threads, batch, queries) for contender in contenders for threads, batch in shapes]
    interleave(lanes, seconds or setting.seconds)
    return [lane.result(truth) for lane in lanes], lanes


def probes_of(gallery, count, limit=QUERIES):
    """Returns (queries, truth) for the first `count` rows of a collection."""
    queries, mates, picked = spread(*gallery.probes(), limit)
    numbers, scores = gallery.truth(count)
    return queries, Truth(numbers[picked], scores[picked], mates)


SINGLE, BATCH = [(1, 1), (2, 1)], [(1, 32), (2, 32)]


# ---- The pieces. Each returns {"rows", "dim", "results", ...}.


def million(setting):
    gallery, count = setting.gallery(), setting.count(1_000_000)
    return gallery, count, gallery.rows(count)


def scan(setting, shapes):
    gallery, count, rows = million(setting)
    index, facts = semblance_index(rows)
    contenders = [
        semblance_contender(index),
        semblance_contender(index, settings=f"fast, float16 kept, only scores of {FLOOR} or more", floor=FLOOR),
    ]
    contenders += peers.faiss_scans(setting.folder(gallery), rows)
    results, _ = measured(setting, contenders, probes_of(gallery, count), shapes)
    return {"rows": count, "dim": gallery.dim, "semblance": facts, "results": results}


def single(setting):
    return scan(setting, SINGLE)


def batch(setting):
    return scan(setting, BATCH)


def exact(setting):
    """Compares exact answers with brute force: the row numbers should be those of faiss Flat, in the same order."""
    gallery, count, rows = million(setting)
    half, half_facts = semblance_index(rows)
    whole, whole_facts = semblance_index(rows, keep=32)
    contenders = [
        semblance_contender(half, settings="exact, float16 kept", exact=True),
        semblance_contender(whole, settings="exact, float32 kept", exact=True),
        peers.faiss_contender("faiss Flat", "float32", peers.faiss_flat(rows)),
    ]
    results, lanes = measured(setting, contenders, probes_of(gallery, count), SINGLE + BATCH)
    flat = {}
    for lane in lanes:
        if lane.contender.name == "faiss Flat" and lane.batch == 1:
            flat.update(lane.answers)
    for result, lane in zip(results, lanes):
        both = [q for q in lane.answers if q in flat]
        equal = [bool(np.array_equal(lane.answers[q], flat[q])) for q in both]
        result["same_as_flat"] = statistics.fmean(equal) if both else None
        result["compared_with_flat"] = len(both)
    return {
        "rows": count,
        "dim": gallery.dim,
        "semblance": half_facts,
        "semblance_float32": whole_facts,
        "results": results,
    }


def two_clients(setting):
    """Measures two clients at once, each sending one query at a time."""
    gallery, count, rows = million(setting)
    index, facts = semblance_index(rows)
    queries, truth = probes_of(gallery, count)
    helped = semblance_contender(index, settings="fast, float16 kept, with a helper thread")
    helped.threads = lambda n: index.use_threads(2)
    contenders = [semblance_contender(index), helped]
    contenders += [c for c in peers.faiss_scans(setting.folder(gallery), rows) if c.name != "faiss Flat"]
    recalls, _ = measured(setting, contenders, (queries, truth), [(1, 1)], setting.seconds / 3)
    taken = {id(c): ([], []) for c in contenders}
    end = time.monotonic() + setting.seconds
    while time.monotonic() < end:
        for contender in contenders:
            ms, rate = clients(contender, queries, 2, 0.5)
            taken[id(contender)][0].extend(ms)
            taken[id(contender)][1].append(rate)
    results = []
    for contender, recall in zip(contenders, recalls):
        ms, rates = taken[id(contender)]
        results.append(
            {
                "name": contender.name,
                "settings": contender.settings,
                "clients": 2,
                "p50_ms": float(np.percentile(ms, 50)),
                "p99_ms": float(np.percentile(ms, 99)),
                "qps": statistics.median(rates),
                "recall_at_10": recall["recall_at_10"],
                "calls": len(ms),
            }
        )
    return {"rows": count, "dim": gallery.dim, "semblance": facts, "results": results}


def filtered(setting):
    """Measures a filter that allows one row in a hundred."""
    gallery, count, rows = million(setting)
    queries, mates, _ = spread(*gallery.probes(), 200)
    allowed = np.flatnonzero(np.random.default_rng(3).random(count) < 0.01)
    truth = Truth(*best_rows(rows, queries, allowed), mates)
    index, facts = semblance_index(rows)
    bits = semblance.bitmap(allowed, count)
    flat = peers.faiss_flat(rows)
    eight = peers.eight_bits(setting.folder(gallery), rows)
    contenders = [
        semblance_contender(index, settings="fast, a bitmap", bitmap=bits),
        semblance_contender(index, settings="exact, a bitmap", bitmap=bits, exact=True),
        peers.faiss_contender("faiss SQ8", "IDSelectorBitmap", eight, peers.bit_selector(allowed, count)),
        peers.faiss_contender("faiss Flat", "IDSelectorBitmap", flat, peers.bit_selector(allowed, count)),
        peers.faiss_contender(
            "faiss Flat", "IDSelectorArray: reads only these rows", flat, peers.list_selector(allowed)
        ),
    ]
    results, _ = measured(setting, contenders, (queries, truth), SINGLE)
    whole, _ = measured(
        setting, [semblance_contender(index)], probes_of(gallery, count, 200), SINGLE, setting.seconds / 6
    )
    for result in whole:
        result["settings"] = "fast, no filter"
    return {"rows": count, "dim": gallery.dim, "allowed": len(allowed), "semblance": facts, "results": results + whole}


def writes(setting):
    """Measures the microseconds to put and to remove one row. Graphs and sqlite-vec use the smaller collection of the
    piece `graphs`."""
    gallery, count, rows = million(setting)
    index, facts = semblance_index(rows)
    new = np.array(gallery.rows(count + 2000)[count:])
    results = []

    def note(name, settings, rows, put, remove):
        for what, us in (("put", put), ("remove", remove)):
            if len(us):
                results.append(
                    {
                        "name": name,
                        "settings": settings,
                        "rows": rows,
                        "what": what,
                        "calls": len(us),
                        "p50_us": float(np.percentile(us, 50)),
                        "p99_us": float(np.percentile(us, 99)),
                    }
                )

    note("Semblance", "float16 kept", count, index.put_timed(count, new), index.remove_timed(count, len(new)))
    index.close()
    writers = peers.writers(setting.folder(gallery), gallery, count, setting.count(200_000), setting.count(160_000))
    for name, settings, size, put, remove, calls in writers:
        put_us = [timed(put, count + i, new[i : i + 1]) for i in range(calls)]
        remove_us = [timed(remove, count + i) for i in range(calls)] if remove else []
        note(name, settings, size, put_us, remove_us)
        del put, remove  # they refer to the peer's index, whose memory must be free before the next one is loaded
    return {"rows": count, "dim": gallery.dim, "semblance": facts, "results": results}


def timed(call, *arguments):
    start = time.perf_counter()
    call(*arguments)
    return 1e6 * (time.perf_counter() - start)


def dense(setting, faces):
    """Compares a search by cosine for 5 people with a search by normalised score for the candidate and the 31 people
    from whom the query's own density is estimated; and the insertion of one row without and with the search for its
    neighbours."""
    gallery, count = setting.gallery(), setting.count(faces)
    rows, new = gallery.rows(count), np.array(gallery.rows(count + 500)[count:])
    dense_rows = density.DenseRows(rows)
    queries, mates, _ = spread(*gallery.probes(), 200)
    facts, puts, lanes = [], [], []
    for words, these, asked, k, certain in (
        ("by cosine", rows, queries, density.K_PLAIN, 0),
        ("by normalised score", dense_rows, density.queries(queries), density.K, density.CERTAIN),
    ):
        index, fact = semblance_index(these, query_tail=density.TAIL if these is dense_rows else ())
        facts.append(fact)
        truth = Truth(*density.truth(gallery, these, asked, k), mates)
        for mode in ("fast", "exact"):
            contender = semblance_contender(
                index,
                settings=f"{mode}, {words}, k = {k}",
                k=k,
                by_label=True,
                certain=certain,
                exact=mode == "exact",
            )
            lanes += [(Lane(contender, threads, batch, asked), truth) for threads, batch in SINGLE + BATCH]
        puts.append((index, words, these is dense_rows))
    interleave([lane for lane, _ in lanes], setting.seconds)
    results = [lane.result(truth) for lane, truth in lanes]
    for index, words, is_dense in puts:
        if is_dense:
            more = density.rows(new)
            us = index.put_timed(count, more, density.neighbour_queries(new), density.NEIGHBOURS)
        else:
            us = index.put_timed(count, new)
        results.append(
            {
                "name": "Semblance",
                "settings": words,
                "what": "put",
                "calls": len(us),
                "p50_us": float(np.percentile(us, 50)),
                "p99_us": float(np.percentile(us, 99)),
            }
        )
    return {"rows": count, "dim": gallery.dim, "semblance": facts[0], "semblance_dense": facts[1], "results": results}


def graphs(setting):
    """Measures graphs and sqlite-vec. The collection is smaller, because building a graph of a million rows takes too
    long on two cores."""
    gallery, count = setting.gallery(), setting.count(200_000)
    rows, folder = gallery.rows(count), setting.folder(gallery)
    index, facts = semblance_index(rows)
    efforts = (128, 512, 1024)
    contenders = [semblance_contender(index)] + peers.faiss_scans(folder, rows, factors=(300,))
    contenders += peers.faiss_graphs(folder, rows, efforts) + peers.hnswlib_contenders(folder, rows, efforts)
    contenders += [peers.sqlite_contender(folder, rows)]
    results, _ = measured(setting, contenders, probes_of(gallery, count), [(1, 1), (2, 32)])
    return {
        "rows": count,
        "dim": gallery.dim,
        "semblance": facts,
        "peers": peers.sizes(folder, count),
        "results": results,
    }


def usearch_graph(setting):
    """Measures usearch. The collection is smaller still, because building its graph takes even longer."""
    gallery, count = setting.gallery(), setting.count(160_000)
    rows, folder = gallery.rows(count), setting.folder(gallery)
    index, facts = semblance_index(rows)
    contenders = [semblance_contender(index)] + peers.usearch_contenders(folder, rows, (128, 512, 1024))
    results, _ = measured(setting, contenders, probes_of(gallery, count), [(1, 1), (2, 32)])
    return {
        "rows": count,
        "dim": gallery.dim,
        "semblance": facts,
        "peers": peers.sizes(folder, count),
        "results": results,
    }


def dimensions(setting, dim, faces=100_000):
    gallery, count = setting.gallery(dim), setting.count(faces)
    rows = gallery.rows(count)
    index, facts = semblance_index(rows)
    contenders = [semblance_contender(index), semblance_contender(index, settings="exact, float16 kept", exact=True)]
    contenders += peers.faiss_scans(setting.folder(gallery), rows, factors=(100, 300))
    results, _ = measured(setting, contenders, probes_of(gallery, count), SINGLE + BATCH)
    return {"rows": count, "dim": dim, "semblance": facts, "results": results}


def flatter(setting):
    """Measures a collection whose spectrum falls more slowly: participation ratio about 280."""
    gallery, count = setting.gallery(tau=150), setting.count(1_000_000)
    rows = gallery.rows(count)
    index, facts = semblance_index(rows)
    contenders = [semblance_contender(index), semblance_contender(index, settings="exact, float16 kept", exact=True)]
    contenders += [
        c for c in peers.faiss_scans(setting.folder(gallery), rows, factors=(300, 1000)) if "rival" in c.name
    ]
    results, _ = measured(setting, contenders, probes_of(gallery, count), SINGLE + BATCH)
    return {"rows": count, "dim": gallery.dim, "tau": 150, "semblance": facts, "results": results}


def three_million(setting):
    """Measures three million rows, whose codes do not fit into the L3 cache of this machine."""
    gallery, count = setting.gallery(), setting.count(3_000_000)
    rows = gallery.rows(count)
    index, facts = semblance_index(rows)
    contenders = [semblance_contender(index)]
    contenders += [c for c in peers.faiss_scans(setting.folder(gallery), rows, factors=(300,)) if "rival" in c.name]
    results, _ = measured(setting, contenders, probes_of(gallery, count), SINGLE + BATCH)
    return {"rows": count, "dim": gallery.dim, "semblance": facts, "results": results}


def ten_million(setting):
    gallery, count = setting.gallery(), setting.count(10_000_000)
    index, facts = semblance_index(gallery.rows(count))
    results, _ = measured(setting, [semblance_contender(index)], probes_of(gallery, count), SINGLE + BATCH)
    return {"rows": count, "dim": gallery.dim, "semblance": facts, "results": results}


def ten_million_rival(setting):
    """Measures the rival with ten million rows. Its float32 rows do not fit into 24 GB, so float16 rows rerank its
    candidates."""
    gallery, count = setting.gallery(), setting.count(10_000_000)
    contenders = peers.rival_with_half_rows(setting.folder(gallery), gallery.rows(count), (100, 300))
    results, _ = measured(setting, contenders, probes_of(gallery, count), SINGLE + BATCH)
    return {"rows": count, "dim": gallery.dim, "results": results}


PIECES = {
    "single": single,
    "batch": batch,
    "exact": exact,
    "clients": two_clients,
    "filter": filtered,
    "writes": writes,
    "dense": lambda s: dense(s, 1_000_000),
    "dense200": lambda s: dense(s, 200_000),
    "graphs": graphs,
    "usearch": usearch_graph,
    "small": lambda s: dimensions(s, 512, 10_000),
    "dim128": lambda s: dimensions(s, 128),
    "dim512": lambda s: dimensions(s, 512),
    "dim4096": lambda s: dimensions(s, 4096),
    "flatter": flatter,
    "three": three_million,
    "ten": ten_million,
    "ten_rival": ten_million_rival,
}

MILLION = {"rows": 1_000_000, "build": ("scans",)}
NEEDS = {
    **dict.fromkeys(("single", "batch", "exact", "clients", "filter"), [MILLION]),
    "writes": [MILLION, {"rows": 200_000, "build": ("graphs",)}, {"rows": 160_000, "build": ("usearch",)}],
    "dense": [{"rows": 1_000_000, "build": ()}],
    "dense200": [{"rows": 200_000, "build": ()}],
    "usearch": [{"rows": 160_000, "build": ("usearch",)}],
    "graphs": [{"rows": 200_000, "build": ("scans", "graphs")}],
    "small": [{"rows": 10_000, "build": ("scans",)}],
    **{f"dim{dim}": [{"dim": dim, "rows": 100_000, "build": ("scans",)}] for dim in (128, 512, 4096)},
    "flatter": [{"tau": 150, "rows": 1_000_000, "build": ("scans",)}],
    "three": [{"rows": 3_000_000, "build": ("scans",)}],
    "ten": [{"rows": 10_000_000, "build": ()}],
    "ten_rival": [{"rows": 10_000_000, "build": ("rival",)}],
}


def prepare(setting, name):
    """Builds and stores everything that a piece needs, without measuring."""
    for need in NEEDS[name]:
        gallery, count = setting.gallery(need.get("dim", 512), need.get("tau", 64)), setting.count(need["rows"])
        rows = gallery.rows(count)
        gallery.truth(count)
        peers.prepare(setting.folder(gallery), rows, need["build"])


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--work", type=pathlib.Path, required=True)
    options.add_argument("--seconds", type=float, required=True)
    options.add_argument("--scale", type=float, required=True)
    options.add_argument("--prepare", action="store_true")
    options.add_argument("pieces", nargs="+", choices=PIECES)
    chosen = options.parse_args()
    setting = Setting(chosen.work, chosen.seconds, chosen.scale)
    for name in chosen.pieces if chosen.prepare else ():
        prepare(setting, name)
    if chosen.prepare:
        return
    (chosen.work / "results").mkdir(parents=True, exist_ok=True)
    for name in chosen.pieces:
        watch = machine.Watch()
        found = PIECES[name](setting)
        found.update(piece=name, versions={**peers.VERSIONS, "numpy": np.__version__}, **watch.about())
        (chosen.work / "results" / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
        print(f"{name}: {found['seconds']} s, other programs used {found['others']:.1%} of the machine", flush=True)


if __name__ == "__main__":
    main()
