/* L1: vector kernels chosen at run time, and the in-memory vector index that searches use.
 *
 * The index stores (key, label, vector) rows: the key identifies a face, the label its person. A search returns the k
 * rows with the highest inner product. Algorithm (docs/search.md explains it, with figures):
 *
 *   1. PCA of the collection, then product quantization in 6-bit codes: Jegou, Douze, Schmid, "Product quantization for
 *      nearest neighbor search", IEEE TPAMI 33 (2011). The query keeps full precision (asymmetric distance
 *      computation). All codes are scanned with the lookup tables held in SIMD registers ("fast scan"): Andre,
 *      Kermarrec, Le Scouarnec, "Cache locality is not enough: high-performance nearest neighbor search with product
 *      quantization fast scan", PVLDB 9 (2015), and "Accelerated nearest neighbor search with Quick ADC", ICMR 2017.
 *   2. Scalar-quantized refinement codes (4 and 2 bits a dimension) rank the rows that pass the scan.
 *   3. Exact scores rerank the best of them. In exact mode, upper bounds computed from the codes prove that no other
 *      row can belong to the result.
 * Readers take no lock. Memory is reclaimed by epochs: Fraser, "Practical lock-freedom", University of Cambridge, 2004.
 *
 * Sub-layers; each calls only those to its left:
 *
 *     kernels/  <  quantizer/  <  index/  <  search/  <  trainer.c  <  vector.c
 *     SIMD         training,      rows,      query       background    the functions declared here:
 *     loops        encoding       epochs     batches     thread        sb_index_new, put, remove, search
 *
 * Score      The inner product of the query (float32) and the stored row, in float32, always summed in the same order:
 *            the same row and query give the same score, bit for bit, on every machine, in every mode and batch size.
 *            With SB_METRIC_COSINE queries and rows are first scaled to unit length, so that the score is the cosine
 *            (squared L2 distance of unit vectors: 2 - 2 * score).
 * Order      Highest score first; equal scores by the smaller key. With `by_label` only the best row of a label counts.
 * Time       A search sees every put and remove that returned before the search began. A search that runs while a row
 *            is being replaced sees the old row or the new one, never both and never neither.
 * Threads    Every function may be called from any thread. Searches never wait for writers; writers wait for each other
 *            (microseconds). The quantizer is trained in a thread of the index and swapped in without a pause.
 * Memory     Removed rows are overwritten with zeros as soon as every search that began
 *            before the removal has ended. */
#ifndef SB_VECTOR_H
#define SB_VECTOR_H

#include "base/base.h"

/* ---- Kernels */

/* Inner product of n float32 values; any n, any alignment; the same bits on every machine. */
float sb_dot(const float *a, const float *b, size_t n);
/* The instruction set that this process uses, for people: "AVX-512 with VBMI and VNNI". Static string. */
const char *sb_kernels_description(void);
/* Scales v to unit length and returns its previous length. A zero or non-finite vector is left unchanged and returns 0;
 * a vector whose squared length is within 5e-7 of 1, which is all that float32 can tell, is left unchanged and returns
 * 1. */
float sb_normalize(float *v, size_t n);

/* ---- Thread team: worker threads that share the work of one search. They spin for some microseconds after work, then
 * sleep. */

typedef struct sb_thread_team sb_thread_team;
/* `threads` includes the caller's, 1..64; 0: one per core. A search that finds the team busy runs on its own thread. */
sb_status sb_thread_team_new(int threads, sb_thread_team **out, sb_error *error);
void sb_thread_team_free(sb_thread_team *team); /* after the indexes that use it */
int sb_thread_team_threads(const sb_thread_team *team);

/* ---- The index */

enum { SB_DIM_MAX = 4096, SB_INDEX_K_MAX = 4096, SB_BATCH_MAX = 1024, SB_QUERY_TAIL_MAX = 8 };

typedef enum sb_metric { SB_METRIC_COSINE, SB_METRIC_INNER } sb_metric;
/* Format of the stored vectors: float16, int8 with one scale per row, or float32 (2, 1 or 4 bytes per dimension).
 * Including codes, key and label, a row takes at most 88 bytes plus 2 per dimension (float32: 4), plus 5 %. */
typedef enum sb_precision { SB_PRECISION_F16, SB_PRECISION_I8, SB_PRECISION_F32 } sb_precision;

typedef struct sb_index_options {
  size_t struct_size;
  size_t dim; /* 1..SB_DIM_MAX; below 32 every search is an exact scan */
  sb_metric metric;
  sb_precision precision;
  sb_thread_team *thread_team; /* borrowed; several indexes may share it; NULL: searches use only the calling thread */
  /* Asymmetric coordinates: values that every query has in its last query_tail_count coordinates, where rows hold other
   * values. Training takes rows for queries, and puts these in. Copied. NULL and 0: queries resemble rows. */
  const float *query_tail;
  size_t query_tail_count; /* at most SB_QUERY_TAIL_MAX, and less than dim */
  size_t train_from; /* number of rows at which the quantizer is trained; smaller indexes are scanned exactly. 0: 5,000;
                        SIZE_MAX: never train */
} sb_index_options;

typedef struct sb_index sb_index;
/* SB_MISUSE, SB_NO_MEMORY. */
sb_status sb_index_new(const sb_index_options *options, sb_index **out, sb_error *error);
void sb_index_free(sb_index *index); /* when no other call is in progress */
size_t sb_index_count(const sb_index *index);
size_t sb_index_dim(const sb_index *index);

/* Adds a row, or replaces the one with the same key. Searches find it once the call has returned. SB_INVALID: a value
 * is not finite or too large for the stored format, or, with SB_METRIC_COSINE, all values are zero. On failure the
 * index is unchanged. */
sb_status sb_index_put(sb_index *index, uint64_t key, uint64_t label, const float *vector, sb_error *error);
/* The same for `count` rows (vectors: count * dim), at less cost per row. Rows become searchable one by one; on failure
 * those before the refused one are in the index. `done`: how many were added; NULL allowed. */
sb_status sb_index_put_many(sb_index *index, size_t count, const uint64_t *keys, const uint64_t *labels,
                            const float *vectors, size_t *done, sb_error *error);
/* Searches no longer find the row once the call has returned. False: there was no such key. Allocates nothing. */
bool sb_index_remove(sb_index *index, uint64_t key);
bool sb_index_contains(const sb_index *index, uint64_t key);
/* Reads a row back: its label and its vector (dim values, as stored: of unit length with SB_METRIC_COSINE, rounded to
 * the index's precision). Like a search it takes no lock, and sees the old row or the new one while a row is being
 * replaced. False: there is no such key, and nothing was written. `label` and `vector` may be NULL. */
bool sb_index_get(sb_index *index, uint64_t key, uint64_t *label, float *vector);
/* While training is paused, a bulk load of millions of rows does not retrain and re-encode them again and again.
 * Training that has become due starts when `pause` is false again. A new index is not paused. */
void sb_index_pause_training(sb_index *index, bool pause);
/* Waits until training that is running or due has ended and every removed row has been overwritten. */
void sb_index_settle(sb_index *index);

/* ---- Search */

typedef struct sb_hit {
  uint64_t key;   /* of the face */
  uint64_t label; /* of the person */
  float score;
} sb_hit;

typedef enum sb_search_mode {
  SB_SEARCH_FAST, /* approximate, with the recall that sb_index_stats reports */
  SB_SEARCH_EXACT /* provably the k best of all rows */
} sb_search_mode;

/* Which rows may be hits. The filter is applied during the scan, so that k hits are found wherever k allowed rows
 * exist. Borrowed for the call. */
typedef enum sb_filter_kind {
  SB_FILTER_NONE,
  SB_FILTER_KEYS,   /* keys[0..count-1], strictly ascending */
  SB_FILTER_BITMAP, /* key i is allowed if i < count and bit i % 64 of bits[i / 64] is set */
  SB_FILTER_TEST    /* rows for which test() returns true; called from several threads, any number of times per row */
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
  size_t count;         /* queries, 1..SB_BATCH_MAX; up to 64 of them share one scan */
  size_t k;             /* hits per query, 0..SB_INDEX_K_MAX */
  /* The mode's promise holds for the best `certain` hits. The others are the best of the rows that were scored to find
   * those, nearly always the right ones: enough for the mean of a neighbourhood, and faster. 0: all k. */
  size_t certain;
  sb_search_mode mode;
  bool by_label;  /* one hit per label, its best row; otherwise one per key */
  bool has_floor; /* return only hits that score at least `floor`; saves time when few do */
  float floor;
  const sb_filter *filter; /* applies to every query; NULL: all rows */
} sb_index_query;

/* Query i's hits are hits[i * k ..], found[i] of them, best first. `hits` has room for count * k, `found` for count.
 * SB_INVALID: a query has a value that is not finite (SB_METRIC_COSINE: or only zeros). SB_MISUSE, SB_NO_MEMORY. */
sb_status sb_index_search(sb_index *index, const sb_index_query *query, sb_hit *hits, size_t *found, sb_error *error);

/* ---- Statistics */

typedef enum sb_training {
  SB_TRAINING_NONE,    /* never trained: too few rows, or training is off; every search scans exactly */
  SB_TRAINING_RUNNING, /* in the background; searches use the previous quantizer, or scan exactly if there is none */
  SB_TRAINING_DONE
} sb_training;

typedef struct sb_index_stats {
  size_t rows, dim;
  size_t bytes; /* memory in use, everything included */
  sb_training training;
  size_t training_runs; /* how many times a trained quantizer was swapped in */
  size_t trained_rows;  /* rows when the present quantizer was trained; 0: there is none */
  double train_seconds; /* duration of the last training, including encoding all rows */
  size_t uncoded_rows;  /* rows without codes, which every search scores exactly */
  double participation; /* participation ratio of the spectrum: (sum of eigenvalues)^2 / sum of their squares */
  size_t code_bytes;    /* product quantization code of a row */
  size_t code_dims;     /* leading principal axes that the product quantization code covers */
  size_t refine_dims;   /* leading principal axes that the refinement code covers */
  size_t survivors;     /* rows that pass the first stage, on average, for k = 10 */
  size_t reranked;      /* rows that the last stage scores exactly, at most, for k = 10 */
  double recall; /* estimated recall@10 of SB_SEARCH_FAST, measured with synthetic second photos of stored faces; 0 just
                    after training, before it is measured; 1 when every search is exact */
} sb_index_stats;
void sb_index_stats_get(sb_index *index, sb_index_stats *out);

#endif
