/* L1: SIMD kernels by run-time dispatch, top-k, and the search index.
 *
 * The index keeps (key, label, vector) rows; a key is a face, its label the person. It answers the k best by score.
 *
 * Score      The inner product of the query (float32) and the row as it is kept, in float32, always summed in the same
 *            order: the same row and query give the same score bit for bit on every machine, in every mode and batch.
 *            With SB_METRIC_COSINE query and rows are scaled to unit length at the door, so the score is the cosine
 *            (squared L2 distance of unit vectors: 2 - 2 * score).
 * Order      Best score first; equal scores by the smaller key. With `by_label` the best row stands for its label.
 * Time       What a put or remove did counts for every search that begins after it returned. A search that runs beside a
 *            replacement sees the old row or the new one, never both and never none.
 * Threads    Every function may be called from any thread. Searches never wait for writers; writers wait for each other
 *            (microseconds). Learning happens in a thread of the index and is swapped in without a pause.
 * Memory     Removed rows are overwritten with zeros as soon as no search that began before is running any more. */
#ifndef SB_VECTOR_H
#define SB_VECTOR_H

#include "base/base.h"

/* ---- Kernels */

/* Inner product of n float32 values; any n, any alignment; the same bits on every machine. */
float sb_dot(const float *a, const float *b, size_t n);
/* Which kernels this process uses, in words: "AVX-512 with VBMI and VNNI". Static. */
const char *sb_kernels_words(void);
/* Scales to unit length and gives the length before; a zero or non-finite vector is left alone and gives 0, one of unit
 * length as far as float32 can tell (its square within 5e-7) is left alone and gives 1. */
float sb_normalize(float *v, size_t n);

/* ---- Helpers: threads that join in one search. They spin for some microseconds after work, then sleep. */

typedef struct sb_thread_team sb_thread_team;
/* `threads` with the caller, 1..64; 0: one a core. A search that finds the team busy works alone. */
sb_status sb_thread_team_new(int threads, sb_thread_team **out, sb_error *error);
void sb_thread_team_free(sb_thread_team *team); /* after the indexes that use it */
int sb_thread_team_threads(const sb_thread_team *team);

/* ---- The index */

enum { SB_DIM_MAX = 4096, SB_INDEX_K_MAX = 4096, SB_BATCH_MAX = 1024 };

typedef enum sb_metric { SB_METRIC_COSINE, SB_METRIC_INNER } sb_metric;
/* How rows are kept, 2, 1 or 4 bytes a dimension: float16; int8 with a scale a row; float32. With all that belongs to it a row takes at
 * most 88 bytes and 2 a dimension (float32: 4), and 5 % more. */
typedef enum sb_precision { SB_KEEP_F16, SB_KEEP_I8, SB_KEEP_F32 } sb_precision;

typedef struct sb_index_options {
  size_t struct_size;
  size_t dim; /* 1..SB_DIM_MAX; below 32 every search is an exact scan */
  sb_metric metric;
  sb_precision keep;
  sb_thread_team *team; /* borrowed, shared by any number of indexes; NULL: a search uses its caller's thread alone */
  size_t learn_from; /* rows from which codes are learnt; until then searches scan exactly. 0: 5,000; SIZE_MAX: never */
} sb_index_options;

typedef struct sb_index sb_index;
/* SB_MISUSE, SB_NO_MEMORY. */
sb_status sb_index_new(const sb_index_options *options, sb_index **out, sb_error *error);
void sb_index_free(sb_index *index); /* when no call is in progress */
size_t sb_index_count(const sb_index *index);
size_t sb_index_dim(const sb_index *index);

/* Adds, or replaces what has this key. Searchable when it returns. SB_INVALID: a value is not finite, or, for
 * SB_METRIC_COSINE, all are zero; or a value is too large to be kept. On failure the index is as before. */
sb_status sb_index_put(sb_index *index, uint64_t key, uint64_t label, const float *vector, sb_error *error);
/* The same for `count` rows (vectors: count * dim), cheaper a row. Rows become searchable one by one; on failure those before
 * the refused one (`*done`, NULL allowed) are in. */
sb_status sb_index_put_many(sb_index *index, size_t count, const uint64_t *keys, const uint64_t *labels,
                            const float *vectors, size_t *done, sb_error *error);
/* Gone when it returns; false: there was none. Needs no memory. */
bool sb_index_remove(sb_index *index, uint64_t key);
bool sb_index_contains(const sb_index *index, uint64_t key);
/* While it is held nothing new is learnt, so that millions of rows can be put without their codes being learnt and written again
 * and again; what is due is learnt when it is let go. A new index is not held. */
void sb_index_hold(sb_index *index, bool hold);
/* Waits until learning in progress has ended, learning that is due is done, and every removed row is overwritten. */
void sb_index_settle(sb_index *index);

/* ---- Search */

typedef struct sb_hit {
  uint64_t key;   /* of the face */
  uint64_t label; /* of the person */
  float score;
} sb_hit;

typedef enum sb_search_mode {
  SB_SEARCH_FAST, /* finds what stats.recall says */
  SB_SEARCH_EXACT /* provably the k best of all */
} sb_search_mode;

/* Which rows may be hits; works inside the scan, so that k hits are found wherever k allowed rows exist. Borrowed for
 * the call. */
typedef enum sb_filter_kind {
  SB_FILTER_NONE,
  SB_FILTER_KEYS,   /* keys[0..count-1], strictly ascending */
  SB_FILTER_BITMAP, /* key i, if i < count and bit i % 64 of bits[i / 64] is set */
  SB_FILTER_TEST    /* those for which test() is true; called from several threads, any number of times a row */
} sb_filter_kind;
typedef struct sb_filter {
  sb_filter_kind kind;
  size_t count;
  const uint64_t *keys;
  const uint64_t *bits;
  bool (*test)(void *context, uint64_t key, uint64_t label);
  void *context;
} sb_filter;

typedef struct sb_index_query {
  size_t struct_size;
  const float *vectors; /* count * dim */
  size_t count;         /* queries, 1..SB_BATCH_MAX; several share the scan */
  size_t k;             /* hits a query, 0..SB_INDEX_K_MAX */
  sb_search_mode mode;
  bool by_label;  /* one hit a label, its best row; else one a key */
  bool has_floor; /* hits of at least `floor` only; saves work when few reach it */
  float floor;
  const sb_filter *filter; /* NULL: all rows; the same for every query */
} sb_index_query;

/* Query i's hits are hits[i * k ..], found[i] of them, best first. `hits` has room for count * k, `found` for count.
 * SB_INVALID: a query's value is not finite (SB_METRIC_COSINE: or all are zero). SB_MISUSE, SB_NO_MEMORY. */
sb_status sb_index_search(sb_index *index, const sb_index_query *query, sb_hit *hits, size_t *found, sb_error *error);

/* ---- What the index knows of itself */

typedef enum sb_learning {
  SB_LEARNING_NONE, /* small, or told not to: every search scans exactly */
  SB_LEARNING_NOW,  /* in the background; searches use the codes learnt before, else scan exactly */
  SB_LEARNING_DONE
} sb_learning;

typedef struct sb_index_stats {
  size_t rows, dim;
  size_t bytes; /* memory in use, all told */
  sb_learning learning;
  size_t learnt_times;         /* how many times codes were learnt and swapped in */
  size_t learnt_rows;          /* rows when the present codes were learnt; 0: there are none */
  double learn_seconds;        /* the last learning, with encoding all rows */
  size_t plain_rows;           /* rows that the codes do not describe: scanned exactly by every search */
  double participation;        /* (sum of eigenvalues)^2 / sum of their squares */
  size_t code_bytes;           /* a row of the first stage */
  size_t code_dims, line_dims; /* leading dimensions that the first and the second stage see */
  size_t survivors;            /* of the first stage, in the mean */
  size_t reranked;             /* of the second stage, at most */
  double
      recall; /* estimated recall@10 of SB_SEARCH_FAST, measured with made-up mates of its rows; 0 just after learning; 1 when all is exact */
} sb_index_stats;
void sb_index_stats_get(sb_index *index, sb_index_stats *out);

#endif
