/* The vector index for the benchmark with other libraries, with plain types only: Python's ctypes calls these functions
 * (semblance.py is the other side).
 *
 * A row's key is its number in the collection. Calls that can fail return 0, or -1 with a message in bench_error() (of
 * the calling thread). Threads: as src/vector/vector.h says. */
#ifndef BENCH_SEARCH_INDEX_H
#define BENCH_SEARCH_INDEX_H

#include <stddef.h>
#include <stdint.h>

typedef struct bench_index bench_index;

const char *bench_error(void);

/* bits: of a stored value: 16 float16, 8 int8, 32 float32. threads: of one search, including the caller.
 * query_tail: tail_count values, as sb_index_options.query_tail. NULL on failure. */
bench_index *bench_index_new(size_t dim, int bits, int threads, const float *query_tail, size_t tail_count);
void bench_index_free(bench_index *bench);
/* alone: from now on searches use only their caller's thread, as without a team. Call it from one thread at a time. */
int bench_index_alone(bench_index *bench, int alone);

/* Adds rows first_key.. of `vectors` (count * dim). settle: waits until training has ended. */
int bench_index_load(bench_index *bench, size_t count, uint64_t first_key, const float *vectors);
void bench_index_settle(bench_index *bench);

/* A batch of queries. Query in semblance.py has the same fields. */
typedef struct {
  const float *vectors; /* count * dim */
  size_t count;
  size_t k;
  int exact;            /* 0: fast search, 1: exact search */
  float floor;          /* minimum score; -2: none */
  const uint64_t *bits; /* NULL, or a bitmap of the keys that may be found */
  size_t bit_count;
  int by_label;   /* one hit per label */
  size_t certain; /* sb_index_query.certain */
} bench_index_query;

/* One call per row; us[i]: its duration in microseconds. before: NULL, or a search that precedes each put and counts in
 * its time, with query i of its vectors. remove: keys first_key.. must exist. */
int bench_index_put_timed(bench_index *bench, size_t count, uint64_t first_key, const float *vectors,
                          const bench_index_query *before, double *us);
int bench_index_remove_timed(bench_index *bench, size_t count, uint64_t first_key, double *us);

/* keys, scores: count * k; where there are fewer hits, the rest have the key UINT64_MAX. */
int bench_index_search(bench_index *bench, const bench_index_query *batch, uint64_t *keys, float *scores);

/* out[0..15]: rows, bytes, training runs, trained rows, training seconds, uncoded rows, participation ratio, code
 * bytes, code dims, refinement dims, survivors, reranked, estimated recall, training (0 none, 1 running, 2 done),
 * threads, 0. */
void bench_index_stats(bench_index *bench, double out[16]);

#endif
