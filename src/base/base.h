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

/* ---- Memory: overflow-checked, zeroed; NULL only when memory is out (then `error` is filled with SB_NO_MEMORY). */

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

/* ---- Text */

bool sb_utf8_valid(const char *text, size_t size);
/* For ids and names from outside: 1..max bytes of valid UTF-8 without control characters and not only of spaces, else
 * SB_INVALID with a message that names `field` and never quotes the value. */
sb_status sb_text_check(const char *text, size_t max, const char *field, sb_error *error);
bool sb_text_contains_nocase(const char *text, const char *part); /* ASCII case ignored */
void sb_hex(const uint8_t *bytes, size_t size, char *out);        /* 2*size+1 chars */

/* Reads one CSV field at *at, unquoting in place; leaves *at past its separator. False: an open quote. */
bool sb_csv_field(char **at, char **field, bool *last);

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
char *sb_models_place(sb_error *error);
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

typedef struct sb_caller {
  char actor[64];                         /* "local" (the program's own user), "key:PREFIX", "admin", "timer" */
  char collection[SB_COLLECTION_MAX + 1]; /* the one collection that it may touch; "": all */
} sb_caller;
void sb_caller_set(const char *actor, const char *collection); /* NULL: "local", all; copied */
const sb_caller *sb_caller_get(void);                          /* of this thread; never NULL */

/* ---- Laps: what the time of a request goes into. Each moment counts for one lap, the innermost, so that they add up. */

typedef enum sb_lap {
  SB_LAP_OTHER,
  SB_LAP_RECEIVE, /* headers and body arrive */
  SB_LAP_QUEUE,   /* for a thread of the server */
  SB_LAP_WAIT,    /* for a worker */
  SB_LAP_DECODE,
  SB_LAP_DETECT, /* faces are looked for, and each is verified */
  SB_LAP_ALIGN,  /* landmarks, alignment, quality */
  SB_LAP_EMBED,
  SB_LAP_ATTRIBUTES,
  SB_LAP_SEARCH, /* the index is brought in step and searched */
  SB_LAP_STORE,  /* the database, and its lock */
  SB_LAP_SEND,
  SB_LAPS
} sb_lap;
extern const char *const sb_lap_names[SB_LAPS];
typedef struct sb_laps {
  double ms[SB_LAPS];
  sb_lap now;
  double since_ms;
} sb_laps;
/* From now to sb_laps_end this thread's time goes into `laps`, at first as SB_LAP_OTHER. */
void sb_laps_begin(sb_laps *laps);
void sb_laps_end(void);
/* Goes over to another lap and gives the one before, to be gone back to. Without sb_laps_begin it does nothing. */
sb_lap sb_lap_enter(sb_lap lap);

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

/* ---- Settings: one table (config.c) gives each its flag, environment variable, key in semblance.conf and help. */

typedef enum sb_setting_type { SB_SETTING_TEXT, SB_SETTING_INT, SB_SETTING_REAL, SB_SETTING_BOOL } sb_setting_type;
/* X(field, type, flag, environment, default text, minimum, maximum, help) */
#define SB_SETTING_LIST(X)                                                                                             \
  X(data, TEXT, "--data", "SEMBLANCE_DATA", "", 0, 0, "folder of the gallery (default: the user's data folder)")       \
  X(store, TEXT, "--store", "SEMBLANCE_STORE", "", 0, 0,                                                               \
    "the gallery in PostgreSQL: postgresql://USER@HOST/DATABASE (default: a file in the folder of --data)")            \
  X(store_replica, TEXT, "--store-replica", "SEMBLANCE_STORE_REPLICA", "", 0, 0,                                       \
    "with --store: a standby of that database, for the start of servers and for --search sql (default: none)")         \
  X(search, TEXT, "--search", "SEMBLANCE_SEARCH", "local", 0, 0,                                                       \
    "with --store: local (an index in memory) or sql (the database searches, for galleries beyond memory)")            \
  X(hnsw, INT, "--hnsw", "SEMBLANCE_HNSW", "0", 0, 1000,                                                               \
    "with --search sql: search by the indexes of `semblance hnsw`, so many candidates; misses some (0: exact)")        \
  X(models, TEXT, "--models", "SEMBLANCE_MODELS", "", 0, 0, "folders with models and their manifests, ':' between")    \
  X(cache, TEXT, "--cache", "SEMBLANCE_CACHE", "", 0, 0, "folder for compiled models (default: the user's cache)")     \
  X(model, TEXT, "--model", "SEMBLANCE_MODEL", "", 0, 0,                                                               \
    "embedding model of new collections, represent and verify (default: the pipeline's)")                              \
  X(pipeline, TEXT, "--pipeline", "SEMBLANCE_PIPELINE", "default", 0, 0, "models that find and describe faces")        \
  X(collection, TEXT, "--collection", "SEMBLANCE_COLLECTION", "default", 0, 0, "collection of people to work on")      \
  X(workers, INT, "--workers", "SEMBLANCE_WORKERS", "0", 0, 256, "photos worked on at the same time (0: cores + 1)")  \
  X(threshold, REAL, "--threshold", "SEMBLANCE_THRESHOLD", "0", 0, 1, "score that counts as a match (0: the default)") \
  X(fmr, REAL, "--fmr", "SEMBLANCE_FMR", "0", 0, 0.5, "false match rate to keep, in place of a threshold: 1e-4")       \
  X(fpir, REAL, "--fpir", "SEMBLANCE_FPIR", "0", 0, 0.5,                                                               \
    "of searches: false positive identification rate to keep (0: 0.01 or better)")                                     \
  X(flip, BOOL, "--flip", "SEMBLANCE_FLIP", "false", 0, 0,                                                             \
    "embed each face and its mirror image: twice the work, a little more accurate; keep to one way")                   \
  X(thumbnails, BOOL, "--thumbnails", "SEMBLANCE_THUMBNAILS", "false", 0, 0,                                           \
    "keep a small picture of each face that is enrolled, sealed, and show it in lists (off: no picture is kept)")      \
  X(liveness, TEXT, "--liveness", "SEMBLANCE_LIVENESS", "off", 0, 0,                                                   \
    "of enrolment, search and verify: off, warn or refuse faces that look like a picture; advisory only")              \
  X(calibration, TEXT, "--calibration", "SEMBLANCE_CALIBRATION", "", 0, 0,                                             \
    "file of `semblance eval --calibrate`, in place of the model's own calibration")                                   \
  X(listen, TEXT, "--listen", "SEMBLANCE_LISTEN", "127.0.0.1", 0, 0, "address that the server listens on")             \
  X(port, INT, "--port", "SEMBLANCE_PORT", "8501", 0, 65535, "port that the server listens on (0: any free one)")      \
  X(max_body, INT, "--max-body", "SEMBLANCE_MAX_BODY", "33554432", 65536, 1073741824, "largest request, in bytes")     \
  X(max_import, INT, "--max-import", "SEMBLANCE_MAX_IMPORT", "8589934592", 65536, 1099511627776,                       \
    "largest import, in bytes")                                                                                        \
  X(dialects, TEXT, "--dialects", "SEMBLANCE_DIALECTS", "article,deepface,compreface", 0, 0,                           \
    "APIs of other programs that the server speaks beside its own, ',' between (none: none)")                          \
  X(cors, TEXT, "--cors", "SEMBLANCE_CORS", "", 0, 0, "origins of web pages that may use the API, ',' between")        \
  X(tls_cert, TEXT, "--tls-cert", "SEMBLANCE_TLS_CERT", "", 0, 0,                                                      \
    "certificate of the server, PEM (default: the one of `semblance tls init`)")                                       \
  X(tls_key, TEXT, "--tls-key", "SEMBLANCE_TLS_KEY", "", 0, 0, "its private key, PEM")                                 \
  X(redirect_port, INT, "--redirect-port", "SEMBLANCE_REDIRECT_PORT", "0", 0, 65535,                                   \
    "port where plain HTTP is sent on to HTTPS (0: none)")                                                             \
  X(contain, BOOL, "--contain", "SEMBLANCE_CONTAIN", "true", 0, 0,                                                     \
    "confine the work on photos by Landlock and seccomp, where the kernel has them")                                   \
  X(log_level, TEXT, "--log-level", "SEMBLANCE_LOG_LEVEL", "info", 0, 0, "debug, info, warning or error")              \
  X(log_format, TEXT, "--log-format", "SEMBLANCE_LOG_FORMAT", "text", 0, 0, "text or json: how lines of the log look") \
  X(slow_ms, INT, "--slow-ms", "SEMBLANCE_SLOW_MS", "1000", 0, 3600000,                                                \
    "log a warning with the time of each stage for requests that take longer, in milliseconds (0: never)")             \
  X(insecure, BOOL, "--insecure", "SEMBLANCE_INSECURE", "false", 0, 0,                                                 \
    "listen on other addresses than loopback without keys or without TLS")

typedef const char *sb_value_TEXT;
typedef int64_t sb_value_INT;
typedef double sb_value_REAL;
typedef bool sb_value_BOOL;
typedef struct sb_config {
#define SB_SETTING_FIELD(field, type, flag, env, fallback, least, most, help) sb_value_##type field;
  SB_SETTING_LIST(SB_SETTING_FIELD)
#undef SB_SETTING_FIELD
  char *owned[32];  /* texts that were allocated */
  bool flagged[32]; /* those that stood on the command line */
} sb_config;

typedef struct sb_setting {
  const char *key, *flag, *environment, *fallback, *help;
  sb_setting_type type;
  double least, most;
} sb_setting;
extern const sb_setting sb_settings[];
extern const size_t sb_settings_count;

/* Defaults, then the file SEMBLANCE_CONF or <config home>/semblance/semblance.conf ("key = value" lines), then the
 * environment, then the settings among `argv`, which are taken out of it (`*argc` shrinks; "--" ends them).
 * SB_INVALID names the offending flag, variable or line. */
sb_status sb_config_load(sb_config *config, int *argc, char **argv, sb_error *error);
void sb_config_free(sb_config *config);
/* Did the setting stand on the command line? `key` as in semblance.conf. */
bool sb_config_by_flag(const sb_config *config, const char *key);

#endif
