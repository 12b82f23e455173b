/* The index's data structure and its operations on rows. Search (search/), training (trainer.c) and the public
 * functions (vector.c) are built on this.
 *
 *     writers  put, remove             change rows, key table, current and next generation        under `lock`
 *     readers  search                  pin the epoch and read; they never wait                     no lock
 *     trainer  (a thread)              samples rows, trains a quantizer, encodes all rows into     `lock` for moments
 *                                      the next generation, swaps it in
 *
 * Life of a slot: free -> (put: written, then its live bit set) -> live -> (remove, replace: bits cleared) -> in limbo
 * -> (two epochs later: erased) -> free.
 *
 * Invariants
 *   1. Before the put of a row returns, its live bit is set, the key table contains it, and the current generation has
 *      it either coded or counted as uncoded. Before a removal returns, the row's bits are cleared.
 *   2. A slot whose bits were cleared is in limbo until the epoch has advanced twice. Then it is erased and becomes
 *      free.
 *   3. A replacement sets the new row's live bit, logs the new slot in replacement_log, and only then clears the old
 *      row's bit. A search that missed both rows finds the new one in what was logged since the search began.
 *   4. `current` changes only to a generation in which every live row is coded or counted as uncoded. The old
 *      generation is freed once no reader can be using it. */
#ifndef SB_VECTOR_INDEX_H
#define SB_VECTOR_INDEX_H

#include "vector/index/epoch.h"
#include "vector/index/generation.h"
#include "vector/index/key_index.h"
#include "vector/index/rows.h"
#include "vector/index/scratch.h"
#include "vector/index/stored_row.h"

enum {
  SB_REPLACEMENT_LOG = 1 << 14, /* replacements that are remembered; a search during which more happen starts again */
  SB_RECLAIM_BATCH = 64,        /* slots that one call reclaims, so that no writer works long for others */
  SB_TRAIN_FROM = 5000,         /* default of sb_index_options.train_from */
  SB_TRAIN_DIM_MIN = 32         /* with fewer dimensions codes do not pay */
};

/* State of the training thread (trainer.c); under the index's lock. */
typedef struct sb_trainer {
  pthread_t thread;
  pthread_cond_t wake, ended; /* wake: there is something to do; ended: `busy` or `due` has changed */
  bool started;               /* the thread exists */
  bool due, busy;             /* training is wanted; is running */
  bool stop;                  /* the index is being freed */
  bool paused;                /* sb_index_pause_training */
  bool immediate;             /* sb_index_settle is waiting: train without waiting for a quiet moment, even if paused */
  size_t failed_rows;         /* training failed at this many rows: not again before their number has doubled */
  size_t runs;                /* quantizers swapped in */
} sb_trainer;

struct sb_index {
  sb_stored_format stored;
  sb_metric metric;
  sb_thread_team *thread_team;
  size_t train_from;
  float query_tail[SB_QUERY_TAIL_MAX]; /* sb_index_options.query_tail */
  size_t query_tail_count;
  sb_rows rows;
  sb_key_index keys;
  _Atomic size_t count;
  _Atomic float upper_error;        /* largest sb_stored_upper_error of all rows ever put */
  _Atomic(sb_generation *) current; /* NULL: never trained */
  sb_epoch epoch;
  _Atomic uint64_t replacements; /* how many there were; number i is in replacement_log[i % SB_REPLACEMENT_LOG] */
  _Atomic uint32_t replacement_log[SB_REPLACEMENT_LOG];
  atomic_uint scans;       /* odd ones run backwards, and begin with what the one before has left in the cache */
  atomic_bool limbo_waits; /* something is waiting to be reclaimed */
  sb_scratch_pool scratch;

  pthread_mutex_t lock;        /* serialises writers and protects the rest of this struct */
  sb_generation *next, *older; /* being filled; replaced, waiting for their last readers */
  uint32_t free_slots;         /* list linked by labels, ended by SB_NO_SLOT */
  struct {
    uint64_t epoch;
    uint32_t first; /* no bit below this slot is set */
    size_t count;
  } limbo[SB_LIMBOS]; /* by epoch % SB_LIMBOS */
  sb_trainer trainer;
};

/* Options are valid. Leaves `trainer` zeroed. SB_NO_MEMORY. */
sb_status sb_index_create(const sb_index_options *options, sb_index **out, sb_error *error);
void sb_index_destroy(sb_index *index); /* its trainer has stopped */

/* Copies a vector to `out`, scaled to unit length for cosines. SB_INVALID: a value is not finite, or (cosine) all are
 * zero; `what` begins the message ("the query"). */
sb_status sb_index_check_vector(const sb_index *index, const float *vector, const char *what, float *out,
                                sb_error *error);
/* Makes a row resemble a query: puts the query tail into its last coordinates. */
void sb_index_as_query(const sb_index *index, float *vector);
/* Unpins the epoch after a search, and reclaims memory unless a writer is about to do it. */
void sb_index_unpin(sb_index *index, unsigned pin);
/* Whether the index is being freed. Takes the lock. */
bool sb_index_stopping(sb_index *index);

/* ---- Under the lock */

/* Adds or replaces a row in its stored form (stored_row.h). SB_NO_MEMORY: the index is unchanged. */
sb_status sb_index_put_row(sb_index *index, uint64_t key, uint64_t label, const void *stored_row, sb_error *error);
bool sb_index_remove_row(sb_index *index, uint64_t key); /* false: there is none */
/* Erases and frees what no reader can see any more: at most `budget` slots. */
void sb_index_reclaim(sb_index *index, size_t budget);

/* ---- build_generation.c: takes the lock for moments */

/* Fills a generation with the codes of all rows, while puts and removals continue and update it, too. On success swaps
 * it in, and the index owns it; on failure the caller does. SB_NO_MEMORY; SB_STOPPING: the index is being freed. */
sb_status sb_index_build_generation(sb_index *index, sb_generation *next, sb_error *error);

#endif
