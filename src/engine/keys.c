/* The gallery's keys and transforms, for the command line. */
#include "engine/engine.h"

#include <stdlib.h>

sb_status sb_engine_keys(sb_engine *engine, sb_store_key_status *out, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_store_keys_status(engine->store, out, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_rotate(sb_engine *engine, const sb_engine_rotation *rotation, sb_error *error) {
  sb_root *fresh = NULL;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  if (rotation->new_root_file) {
    status = sb_root_read(rotation->new_root_file, &fresh, error);
    if (status == SB_OK) status = sb_store_change_root(engine->store, fresh, error);
  } else if (rotation->root) {
    status = sb_store_renew_root(engine->store, error);
  }
  sb_root_free(fresh);
  if (status == SB_OK) status = sb_store_rotate(engine->store, rotation->report, rotation->context, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_revoke(sb_engine *engine, const char *collection, size_t *templates, sb_error *error) {
  sb_store_collection shelf;
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_engine_collection(engine, collection, false, &shelf, error);
  if (status == SB_OK && !shelf.row)
    *templates = 0;
  else if (status == SB_OK)
    status = sb_store_revoke(engine->store, shelf.row, templates, error);
  if (status == SB_OK) status = sb_gallery_sync(engine->gallery, error);
  sb_engine_leave(engine);
  return status;
}
