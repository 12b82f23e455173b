/* Epoch-based reclamation (Fraser, "Practical lock-freedom", University of Cambridge, 2004): decides when memory that a
 * writer has unlinked can no longer be seen by any reader.
 *
 * A reader pins the current epoch while it reads. A writer unlinks an object, notes the epoch, and may reuse the
 * object's memory once the epoch has advanced twice. Readers and writers never wait for each other: memory that is not
 * free yet is checked again later.
 *
 * Invariants
 *   1. pins[e & 1] counts the readers that pinned epoch e (or e - 2k) and have not unpinned it.
 *   2. The epoch advances from e to e + 1 only when pins[(e - 1) & 1] is 0, that is, when no reader of e - 1 is left.
 *   3. So a reader pinned in e keeps the epoch at e or e + 1. An object unlinked in epoch e, which readers of e may
 *      have seen, is free at e + 2. Readers that pin later cannot find it.
 * The owner serialises sb_epoch_advance with the writers' lock. All operations are sequentially consistent, because a
 * reader's pin must come before its first read, and a writer's unlinking before it looks at the pins. */
#ifndef SB_VECTOR_INDEX_EPOCH_H
#define SB_VECTOR_INDEX_EPOCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct sb_epoch {
  _Atomic uint64_t now; /* starts at 2 */
  struct {
    _Alignas(64) _Atomic int64_t count;
  } pins[2];
} sb_epoch;

static inline uint64_t sb_epoch_now(const sb_epoch *epoch) {
  return atomic_load(&epoch->now);
}

/* Returns the pin that sb_epoch_unpin takes. */
static inline unsigned sb_epoch_pin(sb_epoch *epoch) {
  for (;;) {
    uint64_t now = atomic_load(&epoch->now);
    atomic_fetch_add(&epoch->pins[now & 1].count, 1);
    if (atomic_load(&epoch->now) == now) return (unsigned)(now & 1);
    atomic_fetch_sub(&epoch->pins[now & 1].count, 1); /* the epoch advanced in between: this pin may not hold it */
  }
}

static inline void sb_epoch_unpin(sb_epoch *epoch, unsigned pin) {
  atomic_fetch_sub(&epoch->pins[pin].count, 1);
}

/* False: a reader of the previous epoch is still active. */
static inline bool sb_epoch_advance(sb_epoch *epoch) {
  uint64_t now = atomic_load(&epoch->now);
  if (atomic_load(&epoch->pins[(now - 1) & 1].count)) return false;
  atomic_store(&epoch->now, now + 1);
  return true;
}

#endif
