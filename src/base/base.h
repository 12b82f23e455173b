/* L0: what every other folder stands on: errors, checked memory, text, log, files, CPU features, settings. */
#ifndef SB_BASE_H
#define SB_BASE_H

#include <semblance/semblance.h>

#include <pthread.h>
#include <stdarg.h>

/* ---- Errors */

/* Fills `error` (NULL allowed) and returns `code`, so that a failing function can end with `return sb_fail(...)`. */
SB_PRINTF(3, 4) sb_status sb_fail(sb_error *error, sb_status code, const char *format, ...);
/* The same from errno: SB_DISK_FULL for ENOSPC/EDQUOT, SB_READ_ONLY for EROFS/EACCES/EPERM, SB_NOT_FOUND for ENOENT,
 * SB_NO_MEMORY, else SB_IO. `what` names what was tried ("open the key file"). */
sb_status sb_fail_errno(sb_error *error, int error_number, const char *what, const char *path);

/* Whose trouble a failure is. INPUT: of what came in; the next photo or request may fare better. ABSENT: what was asked for is not
 * there. CALLER: who asks may not. SYSTEM: the next one meets the same trouble. Exit codes and jobs follow it. */
typedef enum sb_fault { SB_FAULT_NONE, SB_FAULT_INPUT, SB_FAULT_ABSENT, SB_FAULT_CALLER, SB_FAULT_SYSTEM } sb_fault;
sb_fault sb_status_fault(sb_status status);

/* ---- Memory: overflow-checked, zeroed; NULL only when out of memory (then `error` is filled with SB_NO_MEMORY). */

void *sb_alloc(size_t count, size_t size, sb_error *error);
/* Grows `*block` to hold `count` items; `*block` stays valid on failure. New bytes are not zeroed. */
sb_status sb_grow(void **block, size_t count, size_t size, sb_error *error);
char *sb_strdup(const char *text, sb_error *error); /* text NULL gives "" */

/* A growing byte buffer. Zero-initialise; sb_buffer_free at the end. One thread. Always NUL-terminated past `size`. */
typedef struct sb_buffer {
  char *bytes;
  size_t size, capacity;
} sb_buffer;
sb_status sb_buffer_add(sb_buffer *buffer, const void *bytes, size_t size, sb_error *error);
SB_PRINTF(3, 4) sb_status sb_buffer_addf(sb_buffer *buffer, sb_error *error, const char *format, ...);
void sb_buffer_free(sb_buffer *buffer);
/* Overwrites memory that held a secret; the compiler cannot remove it. */
void sb_wipe(void *bytes, size_t size);

/* ---- Text */

bool sb_utf8_valid(const char *text, size_t size);
/* For ids and names from outside: 1..max bytes of valid UTF-8 without control characters and not only of spaces, else
 * SB_INVALID with a message that names `field` and never quotes the value. */
sb_status sb_text_check(const char *text, size_t max, const char *field, sb_error *error);
bool sb_text_contains_nocase(const char *text, const char *part); /* ASCII case ignored */
void sb_hex(const uint8_t *bytes, size_t size, char *out);        /* 2*size+1 chars */
/* Decodes base64, or a data URL that holds base64, in place. White space is passed over, padding is optional. SB_INVALID
 * for all else, addresses and paths among it. */
sb_status sb_base64_decode(char *text, size_t size, size_t *out_size, sb_error *error);
/* The other way round (RFC 4648, 4); released by free(). NULL: out of memory. */
char *sb_base64_encode(const uint8_t *bytes, size_t size);

/* ---- Files and time */

/* Reads a whole regular file of at most `max` bytes (SB_TOO_LARGE beyond); `*bytes` is released by free(). */
sb_status sb_file_read(const char *path, size_t max, uint8_t **bytes, size_t *size, sb_error *error);
/* All of it, through signals and short counts; `path` is for the message. `*got` is less than `size` at the file's end only. */
sb_status sb_read_all(int file, const char *path, void *bytes, size_t size, size_t *got, sb_error *error);
sb_status sb_write_all(int file, const char *path, const void *bytes, size_t size, sb_error *error);
sb_status sb_dir_make(const char *path, sb_error *error); /* with parents, mode 0700; existing is fine */
char *sb_path_join(const char *folder, const char *name, sb_error *error);
/* First readable `name` in the ':'-separated folders of `path`; NULL with SB_NOT_FOUND in `error`. Released by free(). */
char *sb_path_find(const char *path, const char *name, sb_error *error);
/* The folders with models that belong to this program or library, ':' between: of the nearest of the three folders above its own
 * that has share/semblance/models (installed) or models (a checkout, with deps/models and deps/deepface); where none has, the
 * one where they were expected, for the message of who does not find them. Released by free(). */
char *sb_install_models_path(sb_error *error);
int64_t sb_now_ms(void); /* Unix time */
double sb_monotonic_ms(void);
void sb_time_iso(int64_t unix_ms, char out[32]); /* "2026-11-24T08:41:27.000Z" */
/* When something ends: "30d" (days from now), "2027-01-31" (the end of that day, UTC) or "never" (0). SB_INVALID. */
sb_status sb_time_expiry(const char *text, int64_t *unix_ms, sb_error *error);

/* ---- Log: goes to a sink; never holds a name, an id, an image, a template or a key. Libraries never print. */

typedef enum sb_log_level { SB_LOG_DEBUG, SB_LOG_INFO, SB_LOG_WARNING, SB_LOG_ERROR } sb_log_level;
/* `request`: see sb_log_request, "" where there is none. `fields`: what the message says, for programs: members of a JSON object
 * without its braces, "" where it says nothing more. */
typedef struct sb_log_line {
  sb_log_level level;
  const char *request, *message, *fields;
} sb_log_line;
typedef void (*sb_log_sink)(void *context, const sb_log_line *line);
void sb_log_set(sb_log_sink sink, void *context, sb_log_level least); /* at start, before threads; NULL: silent */
SB_PRINTF(2, 3) void sb_log(sb_log_level level, const char *format, ...);
SB_PRINTF(3, 4) void sb_log_with(sb_log_level level, const char *fields, const char *format, ...);
/* The request that this thread works for: stands in each of its log lines. "" ends it. Copied (at most 31 bytes). */
void sb_log_request(const char *request_id);

/* ---- Who this thread works for: stands in the audit entries of what it does, and bounds what it may touch.
 * A thread that works for a request or a job sets it before and resets it (NULL, NULL) after. */

typedef struct sb_actor {
  char actor[64];                         /* "local" (the program's own user), "key:PREFIX", "admin", "timer" */
  char collection[SB_COLLECTION_MAX + 1]; /* the one collection that it may touch; "": all */
} sb_actor;
void sb_actor_set(const char *actor, const char *collection); /* NULL: "local", all; copied */
const sb_actor *sb_actor_get(void);                           /* of this thread; never NULL */

/* ---- Stage timer: how long a request spends in each stage. Every moment counts for one stage, the innermost, so that the stages
 * add up to the whole. */

typedef enum sb_timed_stage {
  SB_TIMED_OTHER,
  SB_TIMED_RECEIVE, /* headers and body arrive */
  SB_TIMED_QUEUE,   /* for a thread of the server */
  SB_TIMED_WAIT,    /* for a worker */
  SB_TIMED_DECODE,
  SB_TIMED_DETECT, /* faces are looked for, and each is verified */
  SB_TIMED_ALIGN,  /* landmarks, alignment, quality */
  SB_TIMED_EMBED,
  SB_TIMED_ATTRIBUTES,
  SB_TIMED_SEARCH, /* the index is brought in step and searched */
  SB_TIMED_STORE,  /* the database, and its lock */
  SB_TIMED_SEND,
  SB_TIMED_COUNT
} sb_timed_stage;
extern const char *const sb_timed_stage_names[SB_TIMED_COUNT];
typedef struct sb_stage_times {
  double ms[SB_TIMED_COUNT];
  sb_timed_stage now;
  double since_ms;
} sb_stage_times;
/* From now until sb_stage_timer_end this thread's time is added to `times`, first as SB_TIMED_OTHER. */
void sb_stage_timer_begin(sb_stage_times *times);
void sb_stage_timer_end(void);
/* Enters a stage and returns the one before, for the caller to go back to. Does nothing without sb_stage_timer_begin. */
sb_timed_stage sb_stage_timer_enter(sb_timed_stage stage);

/* ---- CPU: decided once; forced by SEMBLANCE_CPU=scalar|avx2|avx512|neon (never above what the machine has). */

typedef enum sb_cpu { SB_CPU_SCALAR, SB_CPU_NEON, SB_CPU_AVX2, SB_CPU_AVX512 } sb_cpu;
sb_cpu sb_cpu_level(void);
const char *sb_cpu_name(sb_cpu level);
int sb_cpu_cores(void); /* that this process may use, at least 1 */
/* How many photos to work on at the same time: one a core, and one that fills the time in which another waits for the disk, where
 * searches and enrolments are noted. With one a core a server of two cores gave 90 % of what its stages' CPU time allows, with one
 * more 96 % (docs/benchmarks.md); beyond that only memory is added. */
int sb_cpu_workers(void);

/* ---- A bounded pool of things used by one thread at a time (workers). Locked. */

typedef struct sb_pool sb_pool;
/* At most `capacity` items (added by sb_pool_put) and `waiting` callers that wait for one. */
sb_status sb_pool_new(size_t capacity, size_t waiting, sb_pool **out, sb_error *error);
void sb_pool_free(sb_pool *pool); /* the items are the caller's: take them out first */
/* Waits for an item. SB_BUSY when too many wait already, SB_STOPPING once the pool was closed. */
sb_status sb_pool_take(sb_pool *pool, void **item, sb_error *error);
void sb_pool_put(sb_pool *pool, void *item);
/* Refuses new takers. */
void sb_pool_close(sb_pool *pool);

#endif
