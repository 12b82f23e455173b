"""Semblance's vector index in this process: the ctypes side of index.h."""

import ctypes
import pathlib

import numpy as np

LIBRARY = pathlib.Path(__file__).resolve().parents[2] / "build/bench/libbench_index.so"
CHUNK = 20_000
# Names in the results, in the order of bench_index_stats. They stay as they are in the stored results of earlier runs.
STATS = (
    "rows",
    "bytes",
    "learnt_times",
    "learnt_rows",
    "learn_seconds",
    "plain_rows",
    "participation",
    "code_bytes",
    "code_dims",
    "line_dims",
    "survivors",
    "reranked",
    "recall_estimate",
    "learning",
    "threads",
)

size_t, pointer, u64 = ctypes.c_size_t, ctypes.c_void_p, ctypes.c_uint64


class Query(ctypes.Structure):
    """bench_index_query of index.h."""

    _fields_ = [
        ("vectors", pointer),
        ("count", size_t),
        ("k", size_t),
        ("exact", ctypes.c_int),
        ("floor", ctypes.c_float),
        ("bits", pointer),
        ("bit_count", size_t),
        ("by_label", ctypes.c_int),
        ("certain", size_t),
    ]


def load_library():
    library = ctypes.CDLL(str(LIBRARY))
    library.bench_error.restype = ctypes.c_char_p
    library.bench_index_new.restype = pointer
    for name, arguments in {
        "new": [size_t, ctypes.c_int, ctypes.c_int, pointer, size_t],
        "free": [pointer],
        "alone": [pointer, ctypes.c_int],
        "settle": [pointer],
        "stats": [pointer, pointer],
        "load": [pointer, size_t, u64, pointer],
        "put_timed": [pointer, size_t, u64, pointer, ctypes.POINTER(Query), pointer],
        "remove_timed": [pointer, size_t, u64, pointer],
        "search": [pointer, ctypes.POINTER(Query), pointer, pointer],
    }.items():
        getattr(library, f"bench_index_{name}").argtypes = arguments
    return library


def address(array):
    assert array.flags["C_CONTIGUOUS"]
    return array.ctypes.data


class Index:
    """The vector index; row numbers are the keys. `threads` - 1 helper threads and the caller work on each search.
    keep: bits of a stored value (8, 16 or 32). query_tail: sb_index_options.query_tail."""

    def __init__(self, dim, threads=1, keep=16, query_tail=()):
        self.library = load_library()
        self.dim = dim
        tail = np.array(query_tail, np.float32)
        self.handle = self.library.bench_index_new(dim, keep, threads, address(tail), len(tail))
        self.check(0 if self.handle else -1)

    def check(self, code):
        if code:
            raise RuntimeError(self.library.bench_error().decode())

    def close(self):
        self.library.bench_index_free(self.handle)
        self.handle = None

    def use_threads(self, count):
        """Sets the threads of a search. count: 1, or as many as the index was created with."""
        self.check(self.library.bench_index_alone(self.handle, count == 1))

    def load(self, rows):
        for start in range(0, len(rows), CHUNK):
            part = np.ascontiguousarray(rows[start : start + CHUNK], np.float32)
            self.check(self.library.bench_index_load(self.handle, len(part), start, address(part)))
        self.library.bench_index_settle(self.handle)

    def put_timed(self, first_key, vectors, queries=None, k=0):
        """Returns the microseconds of each call. queries: each put is preceded by a search for k labels, which
        counts."""
        us = np.zeros(len(vectors))
        vectors = np.ascontiguousarray(vectors, np.float32)
        before = None if queries is None else Query(address(queries), 1, k, False, -2.0, None, 0, True, 1)
        self.check(
            self.library.bench_index_put_timed(
                self.handle, len(vectors), first_key, address(vectors), before, address(us)
            )
        )
        return us

    def remove_timed(self, first_key, count):
        us = np.zeros(count)
        self.check(self.library.bench_index_remove_timed(self.handle, count, first_key, address(us)))
        return us

    def search(self, queries, k=10, exact=False, floor=-2.0, bitmap=None, by_label=False, certain=0):
        """Returns (row numbers, scores), each len(queries) x k; number -1: no hit. queries: contiguous float32."""
        keys = np.empty((len(queries), k), np.int64)
        scores = np.empty((len(queries), k), np.float32)
        bits, count = (None, 0) if bitmap is None else (address(bitmap), 64 * len(bitmap))
        query = Query(queries.ctypes.data, len(queries), k, exact, floor, bits, count, by_label, certain)
        self.check(self.library.bench_index_search(self.handle, query, keys.ctypes.data, scores.ctypes.data))
        return keys, scores

    def stats(self):
        out = np.zeros(16)
        self.library.bench_index_stats(self.handle, address(out))
        return dict(zip(STATS, out.tolist()))


def bitmap(numbers, count):
    """Returns a bitmap of `count` bits in 64-bit words, with the bits `numbers` set."""
    bits = np.zeros(-(-count // 64) * 64, np.uint8)
    bits[numbers] = 1
    return np.packbits(bits, bitorder="little").view(np.uint64)
