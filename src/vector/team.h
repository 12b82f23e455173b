/* Helpers that join in one search; vector.h tells how they are made. */
#ifndef SB_VECTOR_TEAM_H
#define SB_VECTOR_TEAM_H

#include "vector/vector.h"

/* Calls work(context, worker) on every thread of the team, the caller being worker 0; returns when all have returned.
 * With `team` NULL, or while another call has the team, only the caller works: work must be divided by a counter that
 * all share, never by the worker's number. Gives how many threads took part. */
int sb_team_run(sb_team *team, void (*work)(void *context, int worker), void *context);

#endif
