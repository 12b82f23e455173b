/* key -> slot: a hash map with open addressing. One thread. Zero-initialise; sb_slots_free at the end. */
#ifndef SB_VECTOR_SLOTS_H
#define SB_VECTOR_SLOTS_H

#include "base/base.h"

enum { SB_NO_SLOT = -1 };

typedef struct sb_slot_entry {
  uint64_t key;
  int64_t slot; /* SB_NO_SLOT: empty */
} sb_slot_entry;

typedef struct sb_slots {
  sb_slot_entry *entries;
  size_t capacity, count; /* capacity: 0 or a power of two */
} sb_slots;

sb_status sb_slots_reserve(sb_slots *slots, size_t count, sb_error *error);
int64_t sb_slots_find(const sb_slots *slots, uint64_t key);
/* Room must have been reserved. */
void sb_slots_set(sb_slots *slots, uint64_t key, int64_t slot);
void sb_slots_remove(sb_slots *slots, uint64_t key);
void sb_slots_free(sb_slots *slots);

#endif
