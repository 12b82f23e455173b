"""Measures times. Contenders take turns in short blocks, so that noise of the machine affects all of them alike."""

import random
import statistics
import threading
import time

import numpy as np

BLOCK_SECONDS, BLOCK_MAX = 0.05, 50  # one turn: about this long, at most this many queries
TURNS_MIN = 5
WARM = 2  # untimed queries at the start of a turn, because the caches hold the data of the previous contender


class Contender:
    """A library with its settings. name, settings: text for the documents. search(queries): returns row numbers,
    len(queries) x k. threads(n): sets the number of threads. floor: hits with lower scores are not returned."""

    def __init__(self, name, settings, search, threads=lambda n: None, floor=None):
        self.name, self.settings, self.search, self.threads, self.floor = name, settings, search, threads, floor


class Lane:
    """The measurements of one contender with one number of threads and one batch size."""

    def __init__(self, contender, threads, batch, queries):
        self.contender, self.threads, self.batch, self.queries = contender, threads, batch, queries
        self.next, self.ms, self.cpu_ms, self.answers = 0, [], [], {}
        self.block = 0

    def once(self, timed):
        first = self.next % (len(self.queries) - self.batch + 1)
        part = self.queries[first : first + self.batch]
        start, cpu = time.perf_counter(), time.thread_time()
        found = self.contender.search(part)
        cpu, took = 1000 * (time.thread_time() - cpu), 1000 * (time.perf_counter() - start)
        if timed:
            self.next += self.batch
            self.ms.append(took)
            self.cpu_ms.append(cpu)
            self.answers.update(zip(range(first, first + self.batch), found))
        return took

    def turn(self):
        """Measures one turn; returns its duration in seconds."""
        start = time.perf_counter()
        self.contender.threads(self.threads)
        warm = (
            min(self.once(timed=False) for _ in range(WARM)) if self.block != 1 else 0
        )  # a long call needs no warm-up
        if not self.block:
            self.block = max(1, min(BLOCK_MAX, int(1000 * BLOCK_SECONDS / warm)))
        for _ in range(self.block):
            self.once(timed=True)
        return time.perf_counter() - start

    def result(self, truth):
        ms = np.array(self.ms)
        seen = sorted(self.answers)
        wanted = {q: truth.wanted(q, self.contender.floor) for q in seen}
        # A match counts only if exact search finds it.
        findable = [q for q in seen if truth.mates[q] in wanted[q]]
        right = sum(len(np.intersect1d(self.answers[q], wanted[q])) for q in seen)
        return {
            "name": self.contender.name,
            "settings": self.contender.settings,
            "threads": self.threads,
            "batch": self.batch,
            "p50_ms": float(np.percentile(ms, 50)),
            "p99_ms": float(np.percentile(ms, 99)),
            "cpu_ms": float(np.percentile(self.cpu_ms, 50)),  # of the calling thread
            "calls": len(ms),
            "qps": 1000 * self.batch / float(np.percentile(ms, 50)),
            "queries": len(seen),
            "recall_at_10": right / sum(map(len, wanted.values())),
            "same_answers": statistics.fmean(hits(self.answers[q]) == list(wanted[q]) for q in seen),
            "mates_found": sum(truth.mates[q] in self.answers[q] for q in findable),
            "mates": len(findable),
        }


def hits(answer):
    return [number for number in answer if number >= 0]


class Truth:
    """The exact answers to a set of queries. numbers, scores: the best rows of each query; mates: the row that each
    query matches, or -1."""

    def __init__(self, numbers, scores, mates):
        self.numbers, self.scores, self.mates = numbers, scores, mates

    def wanted(self, query, floor):
        return self.numbers[query] if floor is None else self.numbers[query][self.scores[query] >= floor]


def interleave(lanes, seconds):
    """Runs turns, in rounds of random order, for `seconds`. Slow lanes skip some rounds, so that all lanes get about
    the same time; each gets at least TURNS_MIN turns."""
    order = random.Random(1)
    end = time.monotonic() + seconds
    due, turns = [0] * len(lanes), [0] * len(lanes)
    rounds = 0
    while time.monotonic() < end or min(turns) < TURNS_MIN:
        for i in order.sample(range(len(lanes)), len(lanes)):
            if due[i] <= rounds:
                due[i] = rounds + 1 + int(lanes[i].turn() / (4 * BLOCK_SECONDS))
                turns[i] += 1
        rounds += 1


def spread(queries, mates, count):
    """Returns (queries, mates, picked): at most `count` queries in which matches and strangers alternate, so that all
    parts are alike. picked: their numbers in `queries`. The mate of a stranger is -1."""
    half = len(mates)
    picked = np.stack([np.arange(half), np.arange(half, 2 * half)], 1).ravel()[:count]
    return np.ascontiguousarray(queries[picked]), np.where(picked < half, mates[picked % half], -1), picked


def clients(contender, queries, count, seconds):
    """Runs `count` client threads, each sending one query at a time. Returns (milliseconds of each call, queries per
    second)."""
    contender.threads(1)
    barrier = threading.Barrier(count)
    taken = [[] for _ in range(count)]
    spans = [0.0] * count

    def work(client):
        at = client * len(queries) // count
        ms = taken[client]
        for _ in range(WARM):
            contender.search(queries[at : at + 1])
        barrier.wait()
        begin = time.perf_counter()
        while time.perf_counter() - begin < seconds:
            at = (at + 1) % len(queries)
            start = time.perf_counter()
            contender.search(queries[at : at + 1])
            ms.append(1000 * (time.perf_counter() - start))
        spans[client] = time.perf_counter() - begin

    threads = [threading.Thread(target=work, args=(client,)) for client in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [t for ms in taken for t in ms], sum(len(ms) / span for ms, span in zip(taken, spans))
