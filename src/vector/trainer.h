/* The training thread of an index: decides when a quantizer must be trained (again), trains it, and swaps it in. Its
 * state is sb_index.trainer. */
#ifndef SB_VECTOR_TRAINER_H
#define SB_VECTOR_TRAINER_H

#include "vector/index/index.h"

void sb_trainer_init(sb_index *index);
void sb_trainer_stop(sb_index *index); /* ends the thread; before sb_index_destroy */

/* Under the lock: if the index has grown enough for training, marks it due and wakes the thread, which it starts first
 * if there is none. When the thread cannot be started, searches stay as they are and the next call tries again. */
void sb_trainer_notify(sb_index *index);
void sb_trainer_pause(sb_index *index, bool pause);
/* Waits until training that is due or running has ended. */
void sb_trainer_wait(sb_index *index);

#endif
