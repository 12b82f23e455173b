/* The operating point that an admin set at run time: what the verification of the audit log checks. Under the lock. */
#ifndef SB_STORE_GALLERY_OPERATING_POINT_H
#define SB_STORE_GALLERY_OPERATING_POINT_H

#include "store/core/store_core.h"

/* Is it the audit entry of setting the operating point? */
bool sb_store_operating_point_is_set_by(const sb_chain_entry *entry);
/* SB_STORE: the stored operating point is not the one of `newest`, the newest such entry (all zero: there is none). */
sb_status sb_store_operating_point_check(sb_store *store, const sb_chain_entry *newest, sb_error *error);

#endif
