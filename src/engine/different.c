/* Public: two people who look alike are different people, because a person said so. */
#include "engine/different.h"

#include <stdlib.h>

static sb_status mark(sb_engine *engine, int64_t collection, int64_t one, int64_t other, bool different,
                      sb_error *error) {
  if (one == other) return sb_fail(error, SB_INVALID, "give the ids of two people: this is one person");
  return sb_store_different_set(engine->store, collection, &(sb_store_different_pair){one, other}, different, error);
}

static sb_status set(sb_engine *engine, const char *name, const char *const ids[2], bool different, sb_error *error) {
  sb_store_collection collection;
  int64_t rows[2];
  for (int i = 0; i < 2; i++) {
    sb_status status = sb_engine_find_person(engine, name, ids[i], &collection, &rows[i], NULL, error);
    if (status != SB_OK) return status;
  }
  return mark(engine, collection.row, rows[0], rows[1], different, error);
}

sb_status sb_engine_set_different(sb_engine *engine, const char *collection, const char *id, const char *other,
                                  bool different, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = set(engine, collection, (const char *const[2]){id, other}, different, error);
  sb_engine_leave(engine);
  return status;
}

bool sb_engine_different_are(const sb_store_different_pair *pairs, size_t count, int64_t one, int64_t other) {
  int64_t low = one < other ? one : other, high = one < other ? other : one;
  for (size_t i = 0; i < count; i++)
    if (pairs[i].one == low && pairs[i].other == high) return true;
  return false;
}

sb_status sb_engine_different_check(sb_engine *engine, int64_t collection, int64_t one, int64_t other,
                                    sb_error *error) {
  sb_store_different_pair *pairs = NULL;
  size_t count = 0;
  sb_status status = sb_store_different_list(engine->store, collection, &pairs, &count, error);
  if (status != SB_OK) return status;
  bool different = sb_engine_different_are(pairs, count, one, other);
  free(pairs);
  if (!different) return SB_OK;
  return sb_fail(error, SB_INVALID,
                 "it was said that these are different people; to merge them, take that back first (semblance dedup "
                 "--undecided ID ID)");
}
