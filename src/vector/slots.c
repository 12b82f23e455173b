#include "vector/slots.h"

#include <stdlib.h>

/* The finaliser of splitmix64: keys are often consecutive, their hashes must not be. */
static uint64_t scramble(uint64_t key) {
  key = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9u;
  key = (key ^ (key >> 27)) * 0x94d049bb133111ebu;
  return key ^ (key >> 31);
}

/* Where the key is, or the empty place where it would go. */
static size_t place_of(const sb_slots *slots, uint64_t key) {
  size_t mask = slots->capacity - 1, at = scramble(key) & mask;
  while (slots->entries[at].slot != SB_NO_SLOT && slots->entries[at].key != key) at = (at + 1) & mask;
  return at;
}

sb_status sb_slots_reserve(sb_slots *slots, size_t count, sb_error *error) {
  if (count > SIZE_MAX / 64) return sb_fail(error, SB_NO_MEMORY, "memory is out");
  if (count * 3 / 2 < slots->capacity) return SB_OK; /* at most two thirds full: probes stay short */
  size_t capacity = slots->capacity ? slots->capacity : 64;
  while (count * 3 / 2 >= capacity) capacity *= 2;
  sb_slots grown = {sb_alloc(capacity, sizeof(sb_slot_entry), error), capacity, slots->count};
  if (!grown.entries) return SB_NO_MEMORY;
  for (size_t i = 0; i < capacity; i++) grown.entries[i].slot = SB_NO_SLOT;
  for (size_t i = 0; i < slots->capacity; i++)
    if (slots->entries[i].slot != SB_NO_SLOT)
      grown.entries[place_of(&grown, slots->entries[i].key)] = slots->entries[i];
  free(slots->entries);
  *slots = grown;
  return SB_OK;
}

int64_t sb_slots_find(const sb_slots *slots, uint64_t key) {
  return slots->capacity ? slots->entries[place_of(slots, key)].slot : SB_NO_SLOT;
}

void sb_slots_set(sb_slots *slots, uint64_t key, int64_t slot) {
  sb_slot_entry *entry = &slots->entries[place_of(slots, key)];
  slots->count += entry->slot == SB_NO_SLOT;
  *entry = (sb_slot_entry){key, slot};
}

/* Closes the gap by moving back what probed past it, so that no grave markers pile up. */
void sb_slots_remove(sb_slots *slots, uint64_t key) {
  if (sb_slots_find(slots, key) == SB_NO_SLOT) return;
  size_t mask = slots->capacity - 1, gap = place_of(slots, key);
  for (size_t at = (gap + 1) & mask; slots->entries[at].slot != SB_NO_SLOT; at = (at + 1) & mask) {
    size_t home = scramble(slots->entries[at].key) & mask;
    if (((at - home) & mask) < ((at - gap) & mask)) continue; /* it stands between its home and the gap: it may stay */
    slots->entries[gap] = slots->entries[at];
    gap = at;
  }
  slots->entries[gap].slot = SB_NO_SLOT;
  slots->count--;
}

void sb_slots_free(sb_slots *slots) {
  free(slots->entries);
  *slots = (sb_slots){0};
}
