/* Settings (L0). One table gives each setting its key in semblance.conf, flag, environment variable, type, default,
 * range and help text. The parsers below, --help, shell completion, the man pages and the documentation are generated
 * from it; to add a setting, add a row. */
#ifndef SB_CONFIG_H
#define SB_CONFIG_H

#include "base/base.h"

typedef enum sb_setting_type { SB_SETTING_TEXT, SB_SETTING_INT, SB_SETTING_REAL, SB_SETTING_BOOL } sb_setting_type;
/* X(key and field, type, flag, environment variable, default as text, least, most, help). `least` and `most` limit INT
 * and REAL only. The help text names the unit, and the default where that is not a plain value. */
#define SB_SETTING_LIST(X)                                                                                             \
  X(data, TEXT, "--data", "SEMBLANCE_DATA", "", 0, 0,                                                                  \
    "folder that holds the gallery (default: the user's data folder)")                                                 \
  X(store, TEXT, "--store", "SEMBLANCE_STORE", "", 0, 0,                                                               \
    "keep the gallery in PostgreSQL: postgresql://USER@HOST/DATABASE (default: a file in --data)")                     \
  X(store_replica, TEXT, "--store-replica", "SEMBLANCE_STORE_REPLICA", "", 0, 0,                                       \
    "with --store: a standby of that database, read when a server starts and by --search sql (default: none)")         \
  X(search, TEXT, "--search", "SEMBLANCE_SEARCH", "local", 0, 0,                                                       \
    "with --store: local (an index in memory) or sql (the database searches; for galleries larger than memory)")       \
  X(hnsw, INT, "--hnsw", "SEMBLANCE_HNSW", "0", 0, 1000,                                                               \
    "with --search sql: candidates per search from the indexes of `semblance hnsw`, approximate (0: exact search)")    \
  X(models, TEXT, "--models", "SEMBLANCE_MODELS", "", 0, 0,                                                            \
    "folders with models and their manifests, separated by ':' (default: the installed ones)")                         \
  X(cache, TEXT, "--cache", "SEMBLANCE_CACHE", "", 0, 0,                                                               \
    "folder for compiled models (default: the user's cache folder)")                                                   \
  X(model, TEXT, "--model", "SEMBLANCE_MODEL", "", 0, 0,                                                               \
    "embedding model of new collections, represent and verify (default: the pipeline's)")                              \
  X(device, TEXT, "--device", "SEMBLANCE_DEVICE", "CPU", 0, 0,                                                         \
    "where the models run: CPU, GPU, GPU.1 (one of several), NPU, or AUTO (a GPU if there is one, else the CPU)")      \
  X(pipeline, TEXT, "--pipeline", "SEMBLANCE_PIPELINE", "default", 0, 0,                                               \
    "set of models that detect and describe faces")                                                                    \
  X(collection, TEXT, "--collection", "SEMBLANCE_COLLECTION", "default", 0, 0, "collection of people to use")          \
  X(workers, INT, "--workers", "SEMBLANCE_WORKERS", "0", 0, 256,                                                       \
    "photos processed at the same time (0: CPU cores + 1)")                                                            \
  X(threshold, REAL, "--threshold", "SEMBLANCE_THRESHOLD", "0", 0, 1,                                                  \
    "lowest score that counts as a match, 0 to 1 (0: derived from --fmr or --fpir)")                                   \
  X(fmr, REAL, "--fmr", "SEMBLANCE_FMR", "0", 0, 0.5,                                                                  \
    "target false match rate instead of --threshold, for example 1e-4 (0: not set)")                                   \
  X(fpir, REAL, "--fpir", "SEMBLANCE_FPIR", "0", 0, 0.5,                                                               \
    "target false positive identification rate of searches (0: 0.01 or better)")                                       \
  X(flip, BOOL, "--flip", "SEMBLANCE_FLIP", "false", 0, 0,                                                             \
    "embed each face and its mirror image: twice the work, slightly more accurate; do not mix both in a gallery")      \
  X(thumbnails, BOOL, "--thumbnails", "SEMBLANCE_THUMBNAILS", "false", 0, 0,                                           \
    "store an encrypted thumbnail of each enrolled face and show it in lists (off: no picture is stored)")             \
  X(estimates, TEXT, "--estimates", "SEMBLANCE_ESTIMATES", "age,gender,ethnicity", 0, 0,                               \
    "estimates that an enrolment may store, separated by ',' (none: no estimates, whoever asks for them)")             \
  X(liveness, TEXT, "--liveness", "SEMBLANCE_LIVENESS", "off", 0, 0,                                                   \
    "off, warn, passive (refuses faces that look like a picture), challenge (enrol and verify need active liveness)")  \
  X(strict_single, BOOL, "--strict-single", "SEMBLANCE_STRICT_SINGLE", "false", 0, 0,                                  \
    "enrol no photo that shows several faces, also where all but one are small and in the background")                 \
  X(event_days, INT, "--event-days", "SEMBLANCE_EVENT_DAYS", "30", 0, 36500,                                           \
    "days after which a server deletes events, such as who was seen by a camera (0: never)")                           \
  X(webhook_retry_ms, INT, "--webhook-retry-ms", "SEMBLANCE_WEBHOOK_RETRY_MS", "1000", 10, 3600000,                    \
    "pause before a webhook that failed is sent again, in milliseconds; doubles with each try, up to an hour")         \
  X(children, TEXT, "--children", "SEMBLANCE_CHILDREN", "unsure", 0, 0,                                                \
    "where a match shows a face that looks younger than 16: unsure (nobody is named), or match (at your risk)")        \
  X(calibration, TEXT, "--calibration", "SEMBLANCE_CALIBRATION", "", 0, 0,                                             \
    "file written by `semblance eval --calibrate` (default: the model's own calibration)")                             \
  X(listen, TEXT, "--listen", "SEMBLANCE_LISTEN", "127.0.0.1", 0, 0,                                                   \
    "IP address that the server listens on, or ADDRESS:PORT; --host means the same")                                   \
  X(port, INT, "--port", "SEMBLANCE_PORT", "8501", 0, 65535, "TCP port that the server listens on (0: any free port)") \
  X(max_body, INT, "--max-body", "SEMBLANCE_MAX_BODY", "33554432", 65536, 1073741824,                                  \
    "largest request body, in bytes (default 32 MiB)")                                                                 \
  X(max_import, INT, "--max-import", "SEMBLANCE_MAX_IMPORT", "8589934592", 65536, 1099511627776,                       \
    "largest import, in bytes (default 8 GiB)")                                                                        \
  X(dialects, TEXT, "--dialects", "SEMBLANCE_DIALECTS", "article,deepface,compreface,deepstack,rekognition", 0, 0,     \
    "APIs of other programs that the server also offers, separated by ',' (none: only its own)")                       \
  X(cors, TEXT, "--cors", "SEMBLANCE_CORS", "", 0, 0,                                                                  \
    "origins of other web sites that may use the API, separated by ',' (default: none)")                               \
  X(rate_limit, INT, "--rate-limit", "SEMBLANCE_RATE_LIMIT", "6000", 0, 1000000000,                                    \
    "requests per minute of each API key, and of each address without one; admins have no limit (0: none)")            \
  X(photo_limit, INT, "--photo-limit", "SEMBLANCE_PHOTO_LIMIT", "500000", 0, 1000000000,                               \
    "photos per day that each API key may search, compare or describe; admins have no limit (0: none)")                \
  X(server_names, TEXT, "--server-names", "SEMBLANCE_SERVER_NAMES", "", 0, 0,                                          \
    "names under which clients reach the server, separated by ','; needed without API keys, and behind a proxy")       \
  X(trusted_proxy, TEXT, "--trusted-proxy", "SEMBLANCE_TRUSTED_PROXY", "", 0, 0,                                       \
    "addresses or networks of proxies whose X-Forwarded-For is believed, separated by ',' (default: none)")            \
  X(tls_cert, TEXT, "--tls-cert", "SEMBLANCE_TLS_CERT", "", 0, 0,                                                      \
    "PEM file with the server's certificate (default: the one made by `semblance tls init`)")                          \
  X(tls_key, TEXT, "--tls-key", "SEMBLANCE_TLS_KEY", "", 0, 0, "PEM file with the private key of --tls-cert")          \
  X(redirect_port, INT, "--redirect-port", "SEMBLANCE_REDIRECT_PORT", "0", 0, 65535,                                   \
    "TCP port on which plain HTTP is redirected to HTTPS (0: none)")                                                   \
  X(cameras, BOOL, "--cameras", "SEMBLANCE_CAMERAS", "true", 0, 0,                                                     \
    "watch the cameras of `semblance cameras`; of several servers with one --store, one should")                       \
  X(contain, BOOL, "--contain", "SEMBLANCE_CONTAIN", "true", 0, 0,                                                     \
    "run photo decoding under Landlock and seccomp where the kernel supports them")                                    \
  X(log_level, TEXT, "--log-level", "SEMBLANCE_LOG_LEVEL", "info", 0, 0,                                               \
    "least severe log lines to write: debug, info, warning or error")                                                  \
  X(log_format, TEXT, "--log-format", "SEMBLANCE_LOG_FORMAT", "text", 0, 0, "format of log lines: text or json")       \
  X(slow_ms, INT, "--slow-ms", "SEMBLANCE_SLOW_MS", "1000", 0, 3600000,                                                \
    "log a warning with the time of each stage for requests slower than this, in milliseconds (0: never)")             \
  X(insecure, BOOL, "--insecure", "SEMBLANCE_INSECURE", "false", 0, 0,                                                 \
    "allow addresses other than loopback without API keys or without TLS")

enum {
#define SB_SETTING_ONE(field, type, flag, env, fallback, least, most, help) +1
  SB_SETTING_COUNT = 0 SB_SETTING_LIST(SB_SETTING_ONE)
#undef SB_SETTING_ONE
};

typedef const char *sb_setting_value_TEXT;
typedef int64_t sb_setting_value_INT;
typedef double sb_setting_value_REAL;
typedef bool sb_setting_value_BOOL;

/* The values of all settings: one field for each row of the table. */
typedef struct sb_config {
#define SB_SETTING_FIELD(field, type, flag, env, fallback, least, most, help) sb_setting_value_##type field;
  SB_SETTING_LIST(SB_SETTING_FIELD)
#undef SB_SETTING_FIELD
  int64_t listen_port;            /* of --listen ADDRESS:PORT, which `port` gets in the end; 0: it names none */
  char *owned[SB_SETTING_COUNT];  /* the allocated values of TEXT settings */
  bool flagged[SB_SETTING_COUNT]; /* the setting was given on the command line */
} sb_config;

typedef struct sb_setting {
  const char *key, *flag, *environment, *fallback, *help;
  sb_setting_type type;
  double least, most;
} sb_setting;
extern const sb_setting sb_settings[];
extern const size_t sb_settings_count;

/* Reads the settings. Later sources override earlier ones: the defaults; the file SEMBLANCE_CONF names, else <config
 * home>/semblance/semblance.conf ("key = value" lines); the environment; the settings among `argv`. The latter are
 * removed from `argv` (`*argc` shrinks); "--" ends them. SB_INVALID names the flag, variable or line at fault;
 * SB_NOT_FOUND: the file that SEMBLANCE_CONF names does not exist. On failure `*config` and `argv` are not to be
 * used. */
sb_status sb_config_load(sb_config *config, int *argc, char **argv, sb_error *error);
void sb_config_free(sb_config *config);
/* Whether the setting was given on the command line. `key` as in semblance.conf. */
bool sb_config_by_flag(const sb_config *config, const char *key);

#endif
