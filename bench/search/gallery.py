"""Synthetic collections that resemble face embeddings, with queries and exact answers. They are made once and stored in
files.

An identity is normally distributed with eigenvalues exp(-i / tau) under a random rotation, scaled to unit length. As in
embeddings of real faces, about 2 * tau dimensions carry nearly all the variance. A match of row g is
c * g + sqrt(1 - c^2) * u, where u is orthogonal to g, 70 % of the energy of u is distributed like faces and the rest
evenly, and c is normally distributed (mean 0.6, standard deviation 0.1), clipped to 0.25 .. 0.9. Strangers are
identities that are not in the collection. Rows are made in chunks, each from its own seed, so that every collection
begins with the rows of the smaller ones, and no collection is ever in memory as a whole.
"""

import pathlib

import numpy as np

CHUNK = 20_000
MATES_FROM = 20_000  # matches belong to the first rows, so that all sizes share the queries
ROTATION_SEED, PROBE_SEED, CHUNK_SEED = 1, 2, 1000
TRUTH_K = 10


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


class Gallery:
    """A collection in a subfolder of `folder` that is named by `dim` and `tau`. Files: rows.f32 (grows on demand),
    probes-N.npz (N matches and N strangers), truth-N-COUNT.npz (their exact answers among COUNT rows)."""

    def __init__(self, folder, dim=512, tau=64, probes=500):
        self.folder = pathlib.Path(folder) / f"gallery-{dim}-{tau}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.dim, self.probe_count = dim, probes
        weights = np.exp(-np.arange(dim) / tau)
        weights = weights[weights > 1e-9]  # float32 cannot show the rest of the spectrum
        basis, _ = np.linalg.qr(np.random.default_rng(ROTATION_SEED).standard_normal((dim, len(weights))))
        self.mix = (np.sqrt(weights / weights.sum())[:, None] * basis.T).astype(np.float32)

    def identities(self, rng, count):
        return unit(rng.standard_normal((count, len(self.mix)), dtype=np.float32) @ self.mix)

    def rows(self, count):
        """Returns the first `count` rows as a read-only memory map; makes the missing ones."""
        path = self.folder / "rows.f32"
        bytes_a_row = 4 * self.dim
        with open(path, "ab") as file:
            chunks = file.tell() // (bytes_a_row * CHUNK)
            file.truncate(chunks * CHUNK * bytes_a_row)  # an incomplete chunk is made again
            file.seek(0, 2)
            for chunk in range(chunks, -(-count // CHUNK)):
                self.identities(np.random.default_rng(CHUNK_SEED + chunk), CHUNK).astype("<f4").tofile(file)
        return np.memmap(path, "<f4", "r", shape=(count, self.dim))

    def probes(self):
        """Returns (queries, mate_rows): first a match of each of mate_rows, then as many strangers."""
        path = self.folder / f"probes-{self.probe_count}.npz"
        if not path.exists():
            rng = np.random.default_rng(PROBE_SEED)
            n = self.probe_count
            mate_rows = rng.choice(MATES_FROM, n, replace=False)
            g = self.rows(MATES_FROM)[mate_rows]
            c = np.clip(rng.normal(0.6, 0.1, n), 0.25, 0.9).astype(np.float32)[:, None]
            even = unit(rng.standard_normal(g.shape, dtype=np.float32))
            u = np.sqrt(np.float32(0.7)) * self.identities(rng, n) + np.sqrt(np.float32(0.3)) * even
            u = unit(u - (u * g).sum(1, keepdims=True) * g)
            queries = np.vstack([unit(c * g + np.sqrt(1 - c * c) * u), self.identities(rng, n)])
            np.savez(path, queries=queries.astype("<f4"), mate_rows=mate_rows)
        with np.load(path) as file:
            return file["queries"], file["mate_rows"]

    def truth(self, count):
        """Returns (numbers, scores) of the TRUTH_K best of the first `count` rows for each query, computed in float64,
        best first."""
        path = self.folder / f"truth-{self.probe_count}-{count}.npz"
        if not path.exists():
            rows, (queries, _) = self.rows(count), self.probes()
            numbers, scores = best_rows(rows, queries, np.arange(count))
            np.savez(path, numbers=numbers, scores=scores)
        with np.load(path) as file:
            return file["numbers"], file["scores"]


def best_rows(rows, queries, among, k=TRUTH_K):
    """Returns (numbers, scores) of the k best rows for each query, among the rows whose numbers are in `among`
    (ascending)."""
    spare = k + 10  # reranked in float64, because float32 may order them wrongly
    scores = np.full((len(queries), 0), -9, np.float32)
    numbers = np.zeros((len(queries), 0), np.int64)
    for start in range(0, len(among), CHUNK):
        part = among[start : start + CHUNK]
        block = rows[part[0] : part[-1] + 1] if part[-1] - part[0] == len(part) - 1 else rows[part]
        s = queries @ block.T
        best = np.argpartition(-s, min(spare, len(part) - 1), axis=1)[:, :spare]
        scores = np.hstack([scores, np.take_along_axis(s, best, 1)])
        numbers = np.hstack([numbers, part[best]])
        keep = np.argsort(-scores, 1, kind="stable")[:, :spare]
        scores, numbers = np.take_along_axis(scores, keep, 1), np.take_along_axis(numbers, keep, 1)
    exact = np.zeros(scores.shape)
    for q, query in enumerate(queries.astype(np.float64)):
        exact[q] = rows[numbers[q]].astype(np.float64) @ query
    keep = np.lexsort((numbers, -exact))[:, :k]
    return np.take_along_axis(numbers, keep, 1), np.take_along_axis(exact, keep, 1)
