"""The other libraries, each with its own best settings. An index is built once for a collection and stored in a
file."""

import pathlib
import time

import apsw
import faiss
import hnswlib
import numpy as np
import sqlite_vec
import usearch.index
from gallery import CHUNK
from measure import Contender

RIVAL = "PCAR128,PQ64x4fs"
TRAIN_ROWS = 100_000
LINKS, BUILD_EFFORT = 32, 200  # of the graphs
VERSIONS = {
    "faiss-cpu": faiss.__version__,
    "hnswlib": "0.8.0",
    "usearch": usearch.__version__,
    "sqlite-vec": sqlite_vec.__version__,
    f"apsw (SQLite {apsw.sqlite_lib_version()})": apsw.apsw_version(),
}


def chunks(rows):
    for start in range(0, len(rows), CHUNK):
        yield start, np.ascontiguousarray(rows[start : start + CHUNK])


def cached(path, build, load):
    """Returns load(path), after build(path) if the file is missing. The time to build is stored in a file next to
    it."""
    took = path.with_suffix(".seconds")
    if not took.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        build(path)
        took.write_text(f"{time.monotonic() - start:.1f}")
    return load(path)


def build_seconds(path):
    return float(path.with_suffix(".seconds").read_text())


# ---- faiss


def faiss_threads(n):
    faiss.omp_set_num_threads(n)


def faiss_cached(path, description, rows):
    def build(path):
        faiss.omp_set_num_threads(2)
        index = faiss.index_factory(rows.shape[1], description, faiss.METRIC_INNER_PRODUCT)
        if "HNSW" in description:
            index.hnsw.efConstruction = BUILD_EFFORT
        index.train(np.ascontiguousarray(rows[:TRAIN_ROWS]))
        for _, part in chunks(rows):
            index.add(part)
        faiss.write_index(index, str(path))

    return cached(path, build, lambda path: faiss.read_index(str(path)))


def faiss_flat(rows):
    """Builds the index each time: a file of it would be a copy of the collection."""
    index = faiss.IndexFlatIP(rows.shape[1])
    for _, part in chunks(rows):
        index.add(part)
    return index


def faiss_search(index, parameters=None):
    if parameters is None:
        return lambda queries: index.search(queries, 10)[1]
    return lambda queries: index.search(queries, 10, params=parameters)[1]


def faiss_contender(name, settings, index, parameters=None):
    return Contender(name, settings, faiss_search(index, parameters), faiss_threads)


def rival_codes(folder, rows):
    return faiss_cached(pathlib.Path(folder) / f"rival-{len(rows)}.faiss", RIVAL, rows)


def eight_bits(folder, rows):
    return faiss_cached(pathlib.Path(folder) / f"sq8-{len(rows)}.faiss", "SQ8", rows)


def rival_index(folder, rows, flat, factor):
    """RIVAL's codes; the best 10 * factor rows are reranked by `flat`, which holds the same rows (or float16 of
    them)."""
    codes = rival_codes(folder, rows)
    index = faiss.IndexRefine(codes, flat)
    index.k_factor = factor
    return index


def faiss_scans(folder, rows, factors=(30, 100, 300)):
    flat = faiss_flat(rows)
    eight = eight_bits(folder, rows)
    found = [faiss_contender("faiss Flat", "float32", flat), faiss_contender("faiss SQ8", "8 bit", eight)]
    for factor in factors:
        found.append(
            faiss_contender(
                f"faiss rival x{factor}",
                f"{RIVAL} + IndexRefineFlat, k_factor {factor}",
                rival_index(folder, rows, flat, factor),
            )
        )
    return found


def bit_selector(numbers, count):
    bits = np.zeros(-(-count // 8) * 8, np.uint8)
    bits[numbers] = 1
    return faiss.SearchParameters(sel=faiss.IDSelectorBitmap(np.packbits(bits, bitorder="little")))


def list_selector(numbers):
    return faiss.SearchParameters(sel=faiss.IDSelectorArray(numbers))


# ---- Graphs


def faiss_graphs(folder, rows, efforts):
    index = faiss_cached(pathlib.Path(folder) / f"hnsw-{len(rows)}.faiss", f"HNSW{LINKS}", rows)
    return [
        faiss_contender(
            f"faiss HNSW{LINKS}",
            f"efConstruction {BUILD_EFFORT}, efSearch {effort}",
            index,
            faiss.SearchParametersHNSW(efSearch=effort),
        )
        for effort in efforts
    ]


def hnswlib_index(folder, rows):
    def build(path):
        index = hnswlib.Index("ip", rows.shape[1])
        index.init_index(len(rows) + 1000, M=LINKS, ef_construction=BUILD_EFFORT)
        index.set_num_threads(2)
        for start, part in chunks(rows):
            index.add_items(part, np.arange(start, start + len(part)))
        index.save_index(str(path))

    def load(path):
        index = hnswlib.Index("ip", rows.shape[1])
        index.load_index(str(path), max_elements=len(rows) + 1000)
        return index

    return cached(pathlib.Path(folder) / f"hnswlib-{len(rows)}.bin", build, load)


def hnswlib_contenders(folder, rows, efforts):
    index = hnswlib_index(folder, rows)

    def search(effort):
        def run(queries):
            index.set_ef(effort)
            return index.knn_query(queries, 10)[0].astype(np.int64)

        return run

    return [
        Contender(
            "hnswlib", f"M {LINKS}, ef_construction {BUILD_EFFORT}, ef {effort}", search(effort), index.set_num_threads
        )
        for effort in efforts
    ]


def usearch_index(folder, rows):
    def new():
        return usearch.index.Index(
            ndim=rows.shape[1], metric="ip", dtype="f16", connectivity=LINKS, expansion_add=BUILD_EFFORT
        )

    def build(path):
        index = new()
        for start, part in chunks(rows):
            index.add(np.arange(start, start + len(part)), part, threads=2)
        index.save(str(path))

    def load(path):
        index = new()
        index.load(str(path))
        return index

    return cached(pathlib.Path(folder) / f"usearch-{len(rows)}.bin", build, load)


def usearch_contenders(folder, rows, efforts):
    index = usearch_index(folder, rows)
    threads = [1]

    def set_threads(n):
        threads[0] = n

    def search(effort):
        def run(queries):
            index.expansion_search = effort
            found = index.search(queries if len(queries) > 1 else queries[0], 10, threads=threads[0]).keys
            return found.reshape(len(queries), -1).astype(np.int64)

        return run

    settings = f"float16, connectivity {LINKS}, expansion_add {BUILD_EFFORT}"
    return [
        Contender("usearch", f"{settings}, expansion_search {effort}", search(effort), set_threads)
        for effort in efforts
    ]


# ---- sqlite-vec

SQLITE_INSERT = "INSERT INTO face(rowid, vector) VALUES (?, ?)"
SQLITE_SEARCH = "SELECT rowid FROM face WHERE vector MATCH ? AND k = 10"


def sqlite_connection(path):
    connection = apsw.Connection(str(path))
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    connection.execute("PRAGMA mmap_size = 16000000000")
    return connection


def sqlite_index(folder, rows):
    def build(path):
        path.unlink(missing_ok=True)
        connection = sqlite_connection(path)
        connection.execute(f"CREATE VIRTUAL TABLE face USING vec0(vector float[{rows.shape[1]}])")
        with connection:
            for start, part in chunks(rows):
                connection.executemany(SQLITE_INSERT, ((start + i, row.tobytes()) for i, row in enumerate(part)))
        connection.close()

    return cached(pathlib.Path(folder) / f"sqlite-{len(rows)}.db", build, sqlite_connection)


def sqlite_contender(folder, rows):
    """Uses the full scan: sqlite-vec's scan of sign bits with reranking was slower at the recall needed here."""
    connection = sqlite_index(folder, rows)

    def search(queries):
        return np.array(
            [[row[0] for row in connection.execute(SQLITE_SEARCH, (query.tobytes(),))] for query in queries]
        )

    return Contender("sqlite-vec", "float32", search)


# ---- Ten million, writes, sizes


def rival_with_half_rows(folder, rows, factors):
    codes = rival_codes(folder, rows)
    half = faiss.IndexScalarQuantizer(rows.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    for _, part in chunks(rows):
        half.add(part)
    found = []
    for factor in factors:
        index = faiss.IndexRefine(codes, half)
        index.k_factor = factor
        found.append(faiss_contender(f"faiss rival x{factor}", f"{RIVAL} + float16 rows, k_factor {factor}", index))
    return found


def faiss_put(index):
    """Appends the row; faiss numbers rows itself."""
    return lambda number, row: index.add(row)


def faiss_remove(index):
    """Removes the row in the middle; faiss shifts the numbers of the rows after it."""
    return lambda number: index.remove_ids(np.array([index.ntotal // 2]))


def writers(folder, gallery, count, small, smaller):
    """Yields (name, settings, rows, put(number, row), remove(number) or None, calls) for each peer."""
    rows = gallery.rows(count)
    flat = faiss_flat(rows)
    rival = rival_index(folder, rows, flat, 300)
    yield "faiss rival", "no removal", count, faiss_put(rival), None, 50
    codes = rival.base_index
    yield "faiss rival", "its codes only", count, faiss_put(codes), faiss_remove(codes), 10
    yield "faiss Flat", "float32", count, faiss_put(flat), faiss_remove(flat), 50
    del rival, codes, flat  # frees their memory before the next index is loaded
    eight = eight_bits(folder, rows)
    yield "faiss SQ8", "8 bit", count, faiss_put(eight), faiss_remove(eight), 50
    rows = gallery.rows(small)
    graph = hnswlib_index(folder, rows)
    yield (
        "hnswlib",
        f"M {LINKS}, ef_construction {BUILD_EFFORT}; a removed row is only marked",
        small,
        lambda number, row: graph.add_items(row, [number], num_threads=1),
        graph.mark_deleted,
        200,
    )
    other_graph = usearch_index(folder, gallery.rows(smaller))
    yield (
        "usearch",
        f"float16, connectivity {LINKS}, expansion_add {BUILD_EFFORT}; a removed row is only marked",
        smaller,
        lambda number, row: other_graph.add(number, row[0]),
        other_graph.remove,
        200,
    )
    connection = sqlite_index(folder, rows)
    yield (
        "sqlite-vec",
        "float32, each in a transaction on disk",
        small,
        lambda number, row: connection.execute(SQLITE_INSERT, (number, row.tobytes())),
        lambda number: connection.execute("DELETE FROM face WHERE rowid = ?", (number,)),
        50,
    )


def sizes(folder, count):
    """Returns bytes per face and seconds to build, of the stored files for `count` rows; the rival's float32 rows are
    not included."""
    found = {}
    files = {
        "faiss HNSW32": "hnsw-{}.faiss",
        "hnswlib": "hnswlib-{}.bin",
        "usearch": "usearch-{}.bin",
        "sqlite-vec": "sqlite-{}.db",
        "faiss SQ8": "sq8-{}.faiss",
        "faiss rival, codes": "rival-{}.faiss",
    }
    for name, file in files.items():
        path = pathlib.Path(folder) / file.format(count)
        if not path.exists():
            continue
        found[name] = {"bytes_per_face": path.stat().st_size / count, "build_s": build_seconds(path)}
    return found


def prepare(folder, rows, kinds):
    """Builds and stores the indexes of these kinds: "scans", "rival" (only codes), "graphs" (and sqlite-vec),
    "usearch"."""
    if {"scans", "rival"} & set(kinds):
        rival_codes(folder, rows)
    if "scans" in kinds:
        eight_bits(folder, rows)
    if "graphs" in kinds:
        faiss_graphs(folder, rows, (BUILD_EFFORT,))
        hnswlib_index(folder, rows)
        sqlite_index(folder, rows)
    if "usearch" in kinds:
        usearch_index(folder, rows)
