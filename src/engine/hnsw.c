/* The HNSW indexes of pgvector, one a collection, for galleries that the database searches: build, measure, drop,
 * report. Nothing builds one unasked. */
#include "engine/internal.h"

/* Enters the engine and looks the collection up; to be followed by sb_engine_leave unless it failed. Unlike for other
 * verbs, the default collection must exist, too. */
static sb_status enter(sb_engine *engine, const char *name, sb_store_collection *out, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_collection_find(engine->store, name ? name : SB_DEFAULT_COLLECTION, out, error);
  if (status != SB_OK) sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_hnsw_states(sb_engine *engine, sb_hnsw_state **out, size_t *count, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_hnsw_states(engine->store, out, count, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_hnsw_build(sb_engine *engine, const char *collection, sb_error *error) {
  sb_store_collection found;
  sb_status status = enter(engine, collection, &found, error);
  if (status != SB_OK) return status;
  status = sb_hnsw_build(engine->store, &found, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_hnsw_drop(sb_engine *engine, const char *collection, sb_error *error) {
  sb_store_collection found;
  sb_status status = enter(engine, collection, &found, error);
  if (status != SB_OK) return status;
  status = sb_hnsw_drop(engine->store, found.row, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_hnsw_measure(sb_engine *engine, const char *collection, size_t probes, sb_hnsw_recall *out,
                                 size_t count, sb_error *error) {
  sb_store_collection found;
  sb_status status = enter(engine, collection, &found, error);
  if (status != SB_OK) return status;
  status = sb_hnsw_measure(engine->store, &found, probes, out, count, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_hnsw_recall(sb_engine *engine, const sb_store_collection *collection, sb_hnsw_recall *out,
                                size_t count, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  for (size_t i = 0; status == SB_OK && i < count; i++)
    status = sb_hnsw_recall_get(engine->store, collection->row, &out[i], error);
  sb_engine_leave(engine);
  return status;
}
