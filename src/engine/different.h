/* People of whom somebody said that they are different people (sb_engine_set_different). */
#ifndef SB_ENGINE_DIFFERENT_H
#define SB_ENGINE_DIFFERENT_H

#include "engine/internal.h"

/* Is the pair in a list of sb_store_different_list? */
bool sb_engine_different_are(const sb_store_different_pair *pairs, size_t count, int64_t one, int64_t other);
/* SB_INVALID when these two rows of a collection are marked as different people. */
sb_status sb_engine_different_check(sb_engine *engine, int64_t collection, int64_t one, int64_t other, sb_error *error);

#endif
