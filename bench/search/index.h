/* The search index for the run with the peers: plain types only, as Python's ctypes calls them (native.py is the other side).
 *
 * A row's key is its number in the gallery. Calls that can fail give 0, or -1 with a sentence in bench_error() (a thread's
 * own). Threads: as src/vector/vector.h says, which is called without a lock of its own. */
#ifndef BENCH_SEARCH_INDEX_H
#define BENCH_SEARCH_INDEX_H

#include <stddef.h>
#include <stdint.h>

typedef struct bench_index bench_index;

const char *bench_error(void);

/* keep: 16 float16, 8 int8, 32 float32. threads: of one search, with the caller. NULL on failure. */
bench_index *bench_index_new(size_t dim, int keep, int threads);
void bench_index_free(bench_index *bench);
/* alone: searches use their caller's thread only, as without a team, until told otherwise. One thread at a time. */
int bench_index_alone(bench_index *bench, int alone);

/* Rows first_key.. of `vectors` (count * dim). settle: waits until learning is done. */
int bench_index_load(bench_index *bench, size_t count, uint64_t first_key, const float *vectors);
void bench_index_settle(bench_index *bench);

/* Each row alone; us[i] is what its call took in microseconds. remove: keys first_key.. must be there. */
int bench_index_put_timed(bench_index *bench, size_t count, uint64_t first_key, const float *vectors, double *us);
int bench_index_remove_timed(bench_index *bench, size_t count, uint64_t first_key, double *us);

/* A batch of `count` queries. floor: no hit below it (-2: none). bits: NULL, or a bitmap of `bit_count` keys. keys and scores:
 * count * k, what is not found has key UINT64_MAX. */
int bench_index_search(bench_index *bench, const float *queries, size_t count, size_t k, int exact, float floor,
                       const uint64_t *bits, size_t bit_count, uint64_t *keys, float *scores);

/* out[0..15]: rows, bytes, learnt times, learnt rows, learn seconds, plain rows, participation, code bytes, code dims,
 * line dims, survivors, reranked, estimated recall, learning (0 none, 1 now, 2 done), threads, 0. */
void bench_index_stats(bench_index *bench, double out[16]);

#endif
