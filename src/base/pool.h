/* A bounded pool of objects that one thread at a time may use (workers with their models). Locked; any thread may
 * call. */
#ifndef SB_BASE_POOL_H
#define SB_BASE_POOL_H

#include <semblance/semblance.h>

typedef struct sb_pool sb_pool;
/* `capacity`: most items (added with sb_pool_put). `waiting`: most callers that may wait for one. */
sb_status sb_pool_new(size_t capacity, size_t waiting, sb_pool **out, sb_error *error);
void sb_pool_free(sb_pool *pool); /* the items belong to the caller: take them out first */
/* Waits for an item. SB_BUSY when too many callers wait already, SB_STOPPING once the pool is closed. */
sb_status sb_pool_take(sb_pool *pool, void **item, sb_error *error);
void sb_pool_put(sb_pool *pool, void *item);
/* Makes sb_pool_take fail with SB_STOPPING from now on, also for callers that wait. */
void sb_pool_close(sb_pool *pool);

#endif
