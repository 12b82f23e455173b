/* Running the work of one search on a thread team; vector.h declares how teams are created. */
#ifndef SB_VECTOR_SEARCH_THREAD_TEAM_H
#define SB_VECTOR_SEARCH_THREAD_TEAM_H

#include "vector/vector.h"

/* Calls work(context, worker) on every thread of the team, the caller being worker 0, and returns when all calls have
 * returned. If `team` is NULL or another call is in progress, only the caller works. So the work must be divided by a
 * shared counter, never by worker number (0 .. sb_thread_team_threads - 1). */
void sb_thread_team_run(sb_thread_team *team, void (*work)(void *context, int worker), void *context);

/* One step of a short wait: a pause instruction, later a yield. `*spins` starts at 0. */
void sb_thread_team_spin(int *spins);

#endif
