/* Worker threads that share the work of one search.
 *
 * A search takes well under a millisecond, so helpers must start at once: after work they spin for some microseconds,
 * then sleep on a futex, which is the cheapest way to be woken. Spinning for longer would take a core from other
 * programs. A helper that wakes too late finds its invitation withdrawn, so the caller never waits for a helper that
 * has not started.
 *
 * Invariants
 *   1. `busy` is held by the one caller that uses the team. `work` and `context` change only under it, while `state` is
 *      0.
 *   2. state = invitations << 32 | active helpers. A helper starts by turning an invitation into an active helper; the
 *      caller withdraws the remaining invitations, then waits until no helper is active. */
#include "vector/search/thread_team.h"

#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS_MAX = 64, SPINS = 600 };

typedef struct helper {
  sb_thread_team *team;
  int worker;
  pthread_t thread;
} helper;

struct sb_thread_team {
  atomic_int callers; /* in sb_thread_team_run */
  atomic_bool busy, stop;
  _Atomic uint32_t job; /* number of the latest job; the futex that helpers sleep on */
  _Atomic uint64_t state;
  atomic_int asleep;
  void (*work)(void *context, int worker);
  void *context;
  int helpers;
  helper items[];
};

static inline void pause_cpu(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

void sb_thread_team_spin(int *spins) {
  if (++*spins < SPINS)
    pause_cpu();
  else
    sched_yield();
}

/* Waits for a job after `seen`; returns its number. */
static uint32_t wait_for_job(sb_thread_team *team, uint32_t seen) {
  uint32_t job;
  for (int spins = 0; (job = atomic_load(&team->job)) == seen;) {
    if (++spins < SPINS) {
      pause_cpu();
    } else {
      atomic_fetch_add(&team->asleep, 1);
      syscall(SYS_futex, &team->job, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
      atomic_fetch_sub(&team->asleep, 1);
    }
  }
  return job;
}

static const uint64_t invitation = (uint64_t)1 << 32;

static bool accept_invitation(sb_thread_team *team) {
  uint64_t state = atomic_load(&team->state);
  while (state >= invitation)
    if (atomic_compare_exchange_weak(&team->state, &state, state - invitation + 1)) return true;
  return false;
}

static void *help(void *context) {
  helper *self = context;
  sb_thread_team *team = self->team;
  for (uint32_t seen = 0;;) {
    seen = wait_for_job(team, seen);
    if (atomic_load(&team->stop)) return NULL;
    if (!accept_invitation(team)) continue;
    team->work(team->context, self->worker);
    atomic_fetch_sub(&team->state, 1);
  }
}

static void begin_job(sb_thread_team *team) {
  atomic_fetch_add(&team->job, 1);
  if (atomic_load(&team->asleep)) syscall(SYS_futex, &team->job, FUTEX_WAKE_PRIVATE, THREADS_MAX, NULL, NULL, 0);
}

sb_status sb_thread_team_new(int threads, sb_thread_team **out, sb_error *error) {
  if (threads == 0) threads = sb_cpu_cores() < THREADS_MAX ? sb_cpu_cores() : THREADS_MAX;
  if (threads < 1 || threads > THREADS_MAX)
    return sb_fail(error, SB_MISUSE, "a thread team has 1 to %d threads", THREADS_MAX);
  sb_thread_team *team = sb_alloc(1, sizeof *team + (size_t)(threads - 1) * sizeof(helper), error);
  if (!team) return SB_NO_MEMORY;
  for (int i = 0; i < threads - 1; i++) {
    team->items[i] = (helper){.team = team, .worker = i + 1};
    if (pthread_create(&team->items[i].thread, NULL, help, &team->items[i])) {
      sb_thread_team_free(team);
      return sb_fail(error, SB_NO_MEMORY, "cannot start a thread for searches; use fewer threads");
    }
    team->helpers++;
  }
  *out = team;
  return SB_OK;
}

void sb_thread_team_free(sb_thread_team *team) {
  if (!team) return;
  atomic_store(&team->stop, true);
  begin_job(team);
  for (int i = 0; i < team->helpers; i++) pthread_join(team->items[i].thread, NULL);
  free(team);
}

int sb_thread_team_threads(const sb_thread_team *team) {
  return team ? team->helpers + 1 : 1;
}

/* The team is used only when there is a single caller: otherwise a helper would take the core of another caller. */
static bool take_team(sb_thread_team *team) {
  bool free_team = false;
  return atomic_load(&team->callers) == 1 && atomic_compare_exchange_strong(&team->busy, &free_team, true);
}

static void run_together(sb_thread_team *team, void (*work)(void *context, int worker), void *context) {
  team->work = work;
  team->context = context;
  atomic_store(&team->state, (uint64_t)team->helpers * invitation);
  begin_job(team);
  work(context, 0);
  atomic_fetch_and(&team->state, invitation - 1);
  for (int spins = 0; atomic_load(&team->state);) sb_thread_team_spin(&spins);
  atomic_store(&team->busy, false);
}

void sb_thread_team_run(sb_thread_team *team, void (*work)(void *context, int worker), void *context) {
  if (!team || !team->helpers) {
    work(context, 0);
    return;
  }
  atomic_fetch_add(&team->callers, 1);
  if (take_team(team))
    run_together(team, work, context);
  else
    work(context, 0);
  atomic_fetch_sub(&team->callers, 1);
}
