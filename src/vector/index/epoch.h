/* When is a thing that readers may still look at free to be used again?
 *
 * Readers pin the present epoch while they look. A writer takes a thing out of sight, notes the epoch, and may use its
 * memory again when the epoch has advanced twice. Readers never wait; writers never wait either: what is not free yet, is
 * looked at again later.
 *
 * Invariants
 *   1. pins[e & 1] counts readers that saw epoch e (or e - 2k) and still look.
 *   2. The epoch advances from e to e + 1 only when pins[(e - 1) & 1] is 0: nobody is left from e - 1.
 *   3. So a reader pinned in e holds the epoch at e or e + 1; what was taken out of sight in epoch e, which readers of e
 *      may have seen, is free at e + 2. A reader that pins later finds it no more.
 * The owner serialises sb_epoch_advance (by the writers' lock). All operations are sequentially consistent: a reader's pin
 * comes before its first look, a writer's taking out of sight before its look at the pins. */
#ifndef SB_VECTOR_INDEX_EPOCH_H
#define SB_VECTOR_INDEX_EPOCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct sb_epoch {
  _Atomic uint64_t now; /* begins at 2 */
  struct {
    _Alignas(64) _Atomic int64_t count;
  } pins[2];
} sb_epoch;

static inline uint64_t sb_epoch_now(const sb_epoch *epoch) {
  return atomic_load(&epoch->now);
}

/* Gives what sb_epoch_unpin wants. */
static inline unsigned sb_epoch_pin(sb_epoch *epoch) {
  for (;;) {
    uint64_t now = atomic_load(&epoch->now);
    atomic_fetch_add(&epoch->pins[now & 1].count, 1);
    if (atomic_load(&epoch->now) == now) return (unsigned)(now & 1);
    atomic_fetch_sub(&epoch->pins[now & 1].count, 1); /* it advanced in between: the pin may not hold it */
  }
}

static inline void sb_epoch_unpin(sb_epoch *epoch, unsigned pin) {
  atomic_fetch_sub(&epoch->pins[pin].count, 1);
}

/* False: a reader of the epoch before is still there. */
static inline bool sb_epoch_advance(sb_epoch *epoch) {
  uint64_t now = atomic_load(&epoch->now);
  if (atomic_load(&epoch->pins[(now - 1) & 1].count)) return false;
  atomic_store(&epoch->now, now + 1);
  return true;
}

#endif
