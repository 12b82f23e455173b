/* The HNSW indexes of pgvector, one a collection, for galleries that the database searches: build, measure, drop,
 * report. Nothing builds one unasked. */
#include "engine/internal.h"

/* Unlike other verbs, these need the collection to exist, also the default one. */
static sb_status find(sb_engine *engine, const char *name, sb_store_collection *out, sb_error *error) {
  return sb_store_collection_find(engine->store, name ? name : SB_DEFAULT_COLLECTION, out, error);
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
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = find(engine, collection, &found, error);
  if (status == SB_OK) status = sb_hnsw_build(engine->store, &found, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_hnsw_drop(sb_engine *engine, const char *collection, sb_error *error) {
  sb_store_collection found;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = find(engine, collection, &found, error);
  if (status == SB_OK) status = sb_hnsw_drop(engine->store, found.row, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_hnsw_measure(sb_engine *engine, const char *collection, size_t probes, sb_hnsw_recall *out,
                                 size_t count, sb_error *error) {
  sb_store_collection found;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = find(engine, collection, &found, error);
  if (status == SB_OK) status = sb_hnsw_measure(engine->store, &found, probes, out, count, error);
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
