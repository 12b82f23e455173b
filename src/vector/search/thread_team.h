/* Helpers that join in one search; vector.h tells how they are made. */
#ifndef SB_VECTOR_SEARCH_THREAD_TEAM_H
#define SB_VECTOR_SEARCH_THREAD_TEAM_H

#include "vector/vector.h"

/* Calls work(context, worker) on every thread of the team, the caller being worker 0; returns when all have returned.
 * With `team` NULL, or while another call is in progress, only the caller works: work must be divided by a counter that
 * all share, never by the worker's number (0..sb_thread_team_threads - 1). */
void sb_thread_team_run(sb_thread_team *team, void (*work)(void *context, int worker), void *context);

/* One step of waiting for a moment: pauses, later yields. `*spins` begins at 0. */
void sb_spin(int *spins);

#endif
