"""Rows that hold the density around them, and queries for them: what a gallery with normalised scores searches.

A row has two coordinates more: -BETA * bias, where bias = (location + 2.75 * deviation) / 2, and the deviation; a query
has 1 / BETA and 0 there. So the inner product is the cosine minus the row's bias. Locations and deviations are drawn,
independently of the vectors, from their distribution on 5,000 people of mixed sets (mean and standard deviation below;
locations are skewed towards crowds).
"""

import pathlib

import numpy as np
from gallery import CHUNK, best_rows

BETA = 4.0
TAIL = (1 / BETA, 0.0)  # of a query
K_PLAIN = 5  # of a search by cosine
CERTAIN = 5  # of K hits; the others only serve as the query's neighbours
K = 32  # a candidate, and the people of ranks 2 to 32, from which the query's own density is estimated
NEIGHBOURS = 31  # for a stored face: one more than its 30 neighbours, because it may find itself
LOCATION_LEAST, LOCATION_SPREAD = -0.14, 0.11
DEVIATION, DEVIATION_SPREAD = 0.135, 0.012
SEED = 5000


def coordinates(chunk, count):
    """Returns the two coordinates of the rows of a chunk of CHUNK rows."""
    rng = np.random.default_rng(SEED + chunk)
    location = LOCATION_LEAST + rng.exponential(LOCATION_SPREAD, count).clip(max=5 * LOCATION_SPREAD)
    deviation = rng.normal(DEVIATION, DEVIATION_SPREAD, count).clip(0.09, 0.27)
    bias = (location + 2.75 * deviation) / 2
    return np.stack([-BETA * bias, deviation], 1).astype(np.float16).astype(np.float32)  # as they are stored


class DenseRows:
    """The rows of a collection with their coordinates, which are made whenever they are read."""

    def __init__(self, rows):
        self.rows, self.shape = rows, (len(rows), rows.shape[1] + len(TAIL))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, wanted):
        numbers = np.arange(len(self))[wanted]
        more = np.empty((len(numbers), len(TAIL)), np.float32)
        for chunk in np.unique(numbers // CHUNK):
            inside = numbers // CHUNK == chunk
            more[inside] = coordinates(chunk, CHUNK)[numbers[inside] % CHUNK]
        return np.hstack([self.rows[wanted], more])


def rows(vectors):
    """Returns new rows."""
    return np.hstack([vectors, coordinates(-1, len(vectors))])


def queries(vectors, tail=TAIL):
    return np.ascontiguousarray(np.hstack([vectors, np.tile(np.float32(tail), (len(vectors), 1))]))


def neighbour_queries(vectors):
    """Returns queries for the nearest rows by cosine."""
    return queries(vectors, (0, 0))


def truth(gallery, among, asked, k):
    """Returns (numbers, scores) of the k best rows of each query, computed once and stored beside the collection."""
    path = pathlib.Path(gallery.folder) / f"truth-{among.shape[1]}-{len(asked)}-{len(among)}-{k}.npz"
    if not path.exists():
        numbers, scores = best_rows(among, asked, np.arange(len(among)), k)
        np.savez(path, numbers=numbers, scores=scores)
    with np.load(path) as file:
        return file["numbers"], file["scores"]
