/* What the files of the index share.
 *
 *     put, remove (index.c) ──> rows, keymap, current and next generation        under `lock`
 *     search (search.c, fast.c, exact.c)  ──> pins the epoch, reads only         no lock
 *     learner (learner.c)  ──> samples, learns, fills the next generation, swaps   `lock` for moments
 *
 * Invariants
 *   1. A row is in the rows with its live bit set, in the keymap, and in the current generation as coded or plain, before
 *      its put returns; a removed one has its bits cleared before its removal returns.
 *   2. A slot that was cleared is in limbo until the epoch has advanced twice; then it is erased and free.
 *   3. A replacement sets the new row's bit, notes the new slot in `replaced`, and only then clears the old row's bit. A search
 *      that missed both rows finds the new one by what was noted since it began.
 *   4. `current` changes only to a generation in which every live row is coded or plain; the old one is freed when its
 *      last readers have gone. */
#ifndef SB_VECTOR_INDEX_H
#define SB_VECTOR_INDEX_H

#include "vector/index/epoch.h"
#include "vector/index/generation.h"
#include "vector/index/key_index.h"
#include "vector/index/rows.h"
#include "vector/index/stored_row.h"

enum {
  SB_REPLACED_KEPT = 1 << 14, /* replacements noted; a search during which more happen looks again */
  SB_SPARES = 8,
  SB_LEARN_FROM = 5000,
  SB_LEARN_DIM = 32 /* fewer dimensions are not worth codes */
};

/* The learner's state; under the index's lock. */
typedef struct sb_trainer {
  pthread_t thread;
  pthread_cond_t wake, ended; /* something to do; `busy` or `due` has changed */
  bool started, stop, due, busy, hurry, held;
  size_t failed_rows; /* learning failed at this many: not before it has grown again */
  size_t times;
} sb_trainer;

/* Memory of a search, kept for the next one. */
typedef struct sb_scratch {
  size_t bytes;
  _Alignas(64) uint8_t memory[];
} sb_scratch;

struct sb_index {
  sb_kept kept;
  sb_metric metric;
  sb_thread_team *team;
  size_t learn_from;
  sb_rows rows;
  sb_key_index keys;
  _Atomic size_t count;
  _Atomic float upper_error;        /* the largest of all rows that were ever put (kept.h) */
  _Atomic(sb_generation *) current; /* NULL: nothing learnt yet */
  sb_epoch epoch;
  _Atomic uint64_t replaced; /* how many replacements there were */
  _Atomic uint32_t replaced_slots[SB_REPLACED_KEPT];
  atomic_uint turns;       /* every other scan goes backwards: what it begins with is in the cache yet */
  atomic_bool limbo_waits; /* somebody has to look after limbo */
  _Atomic(sb_scratch *) spares[SB_SPARES];

  pthread_mutex_t lock; /* writers; what follows is theirs */
  sb_generation *next, *older;
  uint32_t free_slots; /* linked by their labels; SB_NO_SLOT ends */
  struct {
    uint64_t epoch;
    uint32_t first; /* no bit is set below */
    size_t count;
  } limbo[SB_LIMBOS]; /* by epoch % 3 */
  sb_trainer learner;
};

/* The vector as it is kept or asked with: finite, of unit length for cosines. `what` begins the message. */
sb_status sb_index_admit(const sb_index *index, const float *vector, const char *what, float *out, sb_error *error);

/* ---- index.c: under the lock */

/* Gives back what nobody looks at any more: at most `budget` slots, so that no writer works long for others. */
void sb_index_reclaim(sb_index *index, size_t budget);
/* Codes a row for a generation and writes it there; false: it stays plain. `vector`: as kept. */
bool sb_index_code(const sb_index *index, sb_generation *generation, uint32_t slot, const float *vector);
/* After a search: looks after limbo, if nobody else does. */
void sb_index_leave(sb_index *index, unsigned pin);

/* ---- learner.c */

void sb_trainer_new(sb_index *index);
void sb_trainer_free(sb_index *index);
/* Under the lock: has the gallery grown enough for learning (again)? Then wakes the learner. */
void sb_trainer_consider(sb_index *index);

#endif
