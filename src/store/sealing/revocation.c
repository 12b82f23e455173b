/* Revoking a collection's templates: a new secret transform, so that templates that leaked earlier match nothing any
 * more. */
#include "store/audit/audit_log.h"
#include "store/core/transaction.h"
#include "store/gallery/change_log.h"
#include "store/sealing/protection.h"
#include "store/sealing/reseal.h"

/* Moves all templates from the transform `old` to a new one. */
static sb_status renew(sb_store *store, int64_t collection, const sb_transform *old, size_t *templates,
                       sb_error *error) {
  const sb_store_protection *protection = NULL;
  sb_status status = sb_store_protection_renew(store, collection, error);
  if (status != SB_OK) return status;
  status = sb_store_protection_get(store, collection, &protection, error);
  if (status != SB_OK) return status;
  status = sb_store_reseal_templates(store, collection, old, protection->transform, templates, error);
  if (status != SB_OK) return status;
  status = sb_store_change_append(store, SB_CHANGE_RESET, collection, 0, 0, error);
  if (status != SB_OK) return status;
  const sb_audit_event event = {"revoke", collection, 0, (int64_t)*templates};
  return sb_audit_append(store, &event, NULL, error);
}

static sb_status revoke(sb_store *store, int64_t collection, size_t *templates, sb_error *error) {
  const sb_store_protection *protection = NULL;
  sb_transform *old = NULL; /* a copy: the cached one is replaced */
  sb_status status = sb_store_protection_get(store, collection, &protection, error);
  if (status != SB_OK) return status;
  status = sb_transform_new(protection->seed, protection->dim, &old, error);
  if (status != SB_OK) return status;
  status = renew(store, collection, old, templates, error);
  sb_transform_free(old);
  return status;
}

sb_status sb_store_revoke(sb_store *store, int64_t collection, size_t *templates, sb_error *error) {
  size_t count = 0;
  sb_status status = sb_store_begin(store, error);
  if (status != SB_OK) return status;
  status = sb_store_finish(store, revoke(store, collection, &count, error), error);
  if (status != SB_OK) {
    sb_store_protections_invalidate(store);
    return status;
  }
  *templates = count;
  return sb_store_purge_log(store, error);
}
