/* Stage timer: how long a request spends in each stage of its work. A thread is always in exactly one stage, the
 * innermost one entered, so the stage times add up to the whole duration. Surround a piece of work like this:
 *
 *   sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_DETECT);
 *   ...
 *   sb_stage_timer_enter(before); */
#ifndef SB_BASE_STAGE_TIMER_H
#define SB_BASE_STAGE_TIMER_H

#include <semblance/semblance.h>

typedef enum sb_timed_stage {
  SB_TIMED_OTHER,
  SB_TIMED_RECEIVE, /* receiving headers and body */
  SB_TIMED_QUEUE,   /* waiting for a thread of the server */
  SB_TIMED_WAIT,    /* waiting for a worker (the models) */
  SB_TIMED_DECODE,
  SB_TIMED_DETECT, /* detecting faces and verifying each detection */
  SB_TIMED_ALIGN,  /* landmarks, alignment, quality */
  SB_TIMED_EMBED,
  SB_TIMED_ATTRIBUTES,
  SB_TIMED_SEARCH, /* refreshing the index and searching it */
  SB_TIMED_STORE,  /* the database, and waiting for its lock */
  SB_TIMED_SEND,
  SB_TIMED_COUNT
} sb_timed_stage;
extern const char *const sb_timed_stage_names[SB_TIMED_COUNT];

typedef struct sb_stage_times {
  double ms[SB_TIMED_COUNT];
  sb_timed_stage now;
  double since_ms;
} sb_stage_times;

/* Until sb_stage_timer_end this thread's time is added to `times`; the first stage is SB_TIMED_OTHER. */
void sb_stage_timer_begin(sb_stage_times *times);
void sb_stage_timer_end(void);
/* What this thread has spent in a stage since sb_stage_timer_begin, without a visit that still lasts; 0 without it. */
double sb_stage_timer_ms(sb_timed_stage stage);
/* Enters a stage and returns the one left, to go back to. Does nothing without sb_stage_timer_begin. */
sb_timed_stage sb_stage_timer_enter(sb_timed_stage stage);

#endif
