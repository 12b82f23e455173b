/*
 * Semblance: find and verify people by their face.
 *
 * The public contract of libsemblance. C99-clean; compiles alone in C and in C++.
 *
 * Conventions
 *   - A fallible function returns sb_status and takes a caller-owned `sb_error *` last (NULL allowed). On failure its
 *     outputs are untouched and the error holds a code and a sentence for a person: what happened, what to do.
 *   - Inputs are borrowed for the call. Every output object is the caller's and is released by its own `_free`, which
 *     accepts NULL.
 *   - Text is UTF-8, NUL-terminated. Coordinates are pixels of the photo as a person sees it (EXIF orientation applied),
 *     origin top-left, y down, and refer to the full-size photo even where a smaller decoding of it was used.
 *   - An option struct begins with `size_t struct_size`; set it to sizeof the struct and zero the rest for the defaults.
 *   - Words follow ISO/IEC 2382-37: enrol, probe, reference, template, gallery, candidate, comparison score, threshold.
 */
#ifndef SEMBLANCE_SEMBLANCE_H
#define SEMBLANCE_SEMBLANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SB_API __attribute__((visibility("default")))
#define SB_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define SB_API
#define SB_PRINTF(text, first)
#endif

SB_API const char *sb_version(void); /* of the library: "1.2.3"; static */

/* ---- Status and errors --------------------------------------------------------------------------------------------- */

/* X(symbol, code in JSON, meaning). HTTP status and exit code are switches over this list without a default. */
#define SB_STATUS_LIST(X)                                                                                    \
  X(OK, "ok", "success")                                                                                     \
  X(MISUSE, "misuse", "the caller broke the contract of a function: a bug, not an input")                    \
  X(NO_MEMORY, "no_memory", "memory could not be allocated")                                                 \
  X(INVALID, "invalid", "a parameter from outside is missing, malformed or out of range")                    \
  X(BAD_IMAGE, "bad_image", "the bytes are no readable photo: empty, cut short or damaged")                  \
  X(UNSUPPORTED_IMAGE, "unsupported_image", "the bytes are of a kind that is not read")                      \
  X(IMAGE_TOO_LARGE, "image_too_large", "the photo has more bytes or pixels than the limit")                 \
  X(NO_FACE, "no_face", "no face was found in the photo")                                                    \
  X(SEVERAL_FACES, "several_faces", "several faces where one was wanted")                                    \
  X(LOW_QUALITY, "low_quality", "the face is too small, blurred, dark or turned away to be enrolled")        \
  X(NOT_LIVE, "not_live", "the face looks like a picture or a screen, and the liveness policy refuses that") \
  X(NOT_FOUND, "not_found", "no such person, face, collection or file")                                      \
  X(FORBIDDEN, "forbidden", "the caller's key or role does not allow it")                                    \
  X(EXISTS, "exists", "the id or name is taken")                                                             \
  X(DUPLICATE, "duplicate", "the face is enrolled already under another id")                                 \
  X(TOO_LARGE, "too_large", "the request is larger than the limit")                                          \
  X(BUSY, "busy", "all workers and the queue are full, or another server owns the folder; try again")        \
  X(STOPPING, "stopping", "the server or engine is shutting down")                                           \
  X(MODEL, "model", "a model's manifest or file is missing, damaged or not the one that was pinned")         \
  X(STORE, "store", "the database is damaged, of a newer schema, or refused an operation")                   \
  X(DISK_FULL, "disk_full", "no space is left where the gallery is kept; nothing was changed")               \
  X(READ_ONLY, "read_only", "the gallery's folder cannot be written to")                                     \
  X(WRONG_KEY, "wrong_key", "the gallery was sealed under another key; nothing was changed")                 \
  X(IO, "io", "a file or socket could not be read or written")                                               \
  X(INTERNAL, "internal", "an invariant failed: please report it")

typedef enum sb_status {
#define SB_STATUS_ENUM(symbol, code, meaning) SB_##symbol,
  SB_STATUS_LIST(SB_STATUS_ENUM)
#undef SB_STATUS_ENUM
} sb_status;

/* The stable word for a status ("no_face"), as it stands in JSON. Any value is accepted; an unknown one gives "unknown". */
SB_API const char *sb_status_code(sb_status status);

/* Caller-owned. `message` is always NUL-terminated UTF-8 and never holds a name, an id, a template or a key. */
typedef struct sb_error {
  sb_status code;
  char message[512];
} sb_error;

/* ---- What is found in a photo -------------------------------------------------------------------------------------- */

typedef struct sb_box {
  float x, y, w, h;
} sb_box;

typedef struct sb_point {
  float x, y;
} sb_point;

/* Each part in 0..1 (1 is best); `overall` is the smallest of the parts, so that it can say what to mend. */
typedef struct sb_quality {
  float overall;
  float size;      /* from the distance between the eyes */
  float sharpness; /* from the energy of fine detail in the aligned face */
  float pose;      /* from the landmarks: 1 frontal, 0 profile */
  float exposure;  /* from the brightness and contrast of the aligned face */
  /* From how far two models' points of the face are apart: they part where something covers it. Dark glasses are not seen. */
  float visibility;
} sb_quality;

/* The parts of sb_quality by name, for messages: which one is the smallest; the visibility only where the others are good. */
typedef enum sb_quality_part {
  SB_QUALITY_SIZE,
  SB_QUALITY_SHARPNESS,
  SB_QUALITY_POSE,
  SB_QUALITY_EXPOSURE,
  SB_QUALITY_VISIBILITY
} sb_quality_part;
SB_API sb_quality_part sb_quality_weakest(const sb_quality *quality);

enum { SB_ETHNICITIES = 7 };
/* Ethnicity is experimental: right 85-89 % of the time and worse for some groups. Order: white, black, asian, indian,
 * middle_eastern, latino_hispanic, other. */
SB_API const char *sb_ethnicity_name(int index);

/* What the models in use do not tell is below 0: an attribute, or a class of ethnicity that a model does not know. */
typedef struct sb_attributes {
  float age;                       /* years */
  float man, woman;                /* probabilities, sum 1 */
  float ethnicity[SB_ETHNICITIES]; /* probabilities, sum 1, in the order of sb_ethnicity_name */
  int ethnicity_dominant;          /* index of the largest */
} sb_attributes;

/* Degrees. */
typedef struct sb_pose {
  float yaw;   /* to the photo's left is positive */
  float pitch; /* up is positive; a face that looks at the camera reads 10 to 15 low with the default model */
  float roll;  /* clockwise as seen is positive */
} sb_pose;

enum { SB_EXPRESSIONS = 7 };
/* Order: neutral, happy, sad, surprised, afraid, disgusted, angry. Experimental. */
SB_API const char *sb_expression_name(int index);
typedef struct sb_expression {
  float probability[SB_EXPRESSIONS]; /* sum 1 */
  int dominant;                      /* index of the largest */
} sb_expression;

typedef struct sb_face {
  sb_box box;
  float score; /* detector's confidence, 0..1 */
  sb_point landmarks
      [5]; /* the subject's right eye, left eye, nose tip, right and left mouth corner (as seen: left to right) */
  sb_quality quality;
  float *embedding; /* dim floats of unit length, or NULL when not asked for; owned by the sb_faces */
  bool has_attributes, has_pose, has_expression, has_live; /* asked for, and a model of the pipeline tells it */
  sb_attributes attributes;
  sb_pose pose;
  sb_expression expression;
  float
      live; /* passive liveness, advisory: how much it looks like a person before the camera and not a picture, 0..1 */
} sb_face;

/* Faces of one photo, largest box first. */
typedef struct sb_faces {
  int width, height; /* of the upright full-size photo */
  size_t dim;        /* of the embeddings; 0 when none were asked for */
  char model[64];    /* the embedding model's name; empty when none was asked for */
  size_t count;
  sb_face *items;
} sb_faces;
SB_API void sb_faces_free(sb_faces *faces);

enum {
  SB_WANT_EMBEDDING = 1u << 0,
  SB_WANT_ATTRIBUTES = 1u << 1,
  SB_WANT_LARGEST_ONLY = 1u << 2, /* the largest face only: skips the second detector pass, for portraits */
  SB_WANT_WHOLE_PHOTO = 1u << 3, /* the photo is one face, cut out (and aligned) already: nothing is looked for; without
                                     landmarks and quality */
  SB_WANT_POSE = 1u << 4,        /* pose and expression */
  SB_WANT_LIVENESS = 1u << 5,    /* passive liveness */
  SB_WANT_SMALL_FACES =
      1u << 6,            /* also looks tile by tile at the full-size photo, for faces of 20 pixels in big group photos:
                                     about 10 ms more a tile of 512x512 pixels */
  SB_WANT_FLIP = 1u << 7, /* the embedding is the mean of the face's and its mirror image's: twice the work */
};

/* ---- The engine ---------------------------------------------------------------------------------------------------- */

/* Locked: every function of an engine may be called from any thread. Opens a gallery; models load at first need. */
typedef struct sb_engine sb_engine;

/* Passive liveness is a hint: photos of real people fail it now and then, and good prints pass. OFF does not look, WARN tells
 * it with each face, REFUSE does not enrol such a face (SB_NOT_LIVE) and says "cannot tell" of it. */
typedef enum sb_liveness_policy { SB_LIVENESS_OFF, SB_LIVENESS_WARN, SB_LIVENESS_REFUSE } sb_liveness_policy;

typedef struct sb_engine_options {
  size_t struct_size;
  const char *data_dir;    /* the gallery's folder, made if absent; NULL: $XDG_DATA_HOME/semblance */
  const char *models_path; /* folders with manifests and model files, ':' between; NULL: the installation's. Those in
                              data_dir/models, where sb_engine_model_add puts them, come last. */
  const char *cache_dir;   /* compiled models; NULL: $XDG_CACHE_HOME/semblance */
  bool flip;               /* SB_WANT_FLIP for all embeddings; a gallery should keep to one way */
  bool thumbnails;         /* keep a picture of 96x96 pixels of each face that is enrolled, and give it out */
  sb_liveness_policy liveness; /* of enrolment, search and verification */
  const char
      *calibration;     /* file of `semblance eval --calibrate` in place of the model's own calibration; NULL: none */
  int workers;          /* photos worked on at the same time; 0: one for each core, and one more */
  int threads;          /* that the models' work is shared by, at least one a worker; 0: one a worker */
  bool server;          /* claims the folder for one server: SB_BUSY when another has it */
  const char *model;    /* the embedding model of new collections and of calls without one; NULL: the pipeline's */
  const char *pipeline; /* how faces are found and described; NULL: "default" */
  const char
      *store; /* "postgresql://USER@HOST/DATABASE": the gallery is there, its root key in data_dir; NULL: there, too */
  const char *replica; /* a standby of that database, for what may be read there without telling old news; NULL: none */
  bool
      search_remotely; /* the database of `store` searches, exactly; else an index in memory does. SB_INVALID without `store` */
  int hnsw; /* of search_remotely: collections that have an index of pgvector's are searched by it, with a list of so many candidates
               (at most 1000), and some matches are missed; 0: exactly */
} sb_engine_options;

/* SB_IO, SB_READ_ONLY, SB_DISK_FULL, SB_STORE, SB_WRONG_KEY, SB_BUSY. */
SB_API sb_status sb_engine_new(const sb_engine_options *options, sb_engine **out, sb_error *error);
/* Waits for the calls that are in progress. */
SB_API void sb_engine_free(sb_engine *engine);

/* Loads the models and the gallery's index now rather than at first need. SB_MODEL. Idempotent. */
SB_API sb_status sb_engine_warm(sb_engine *engine, unsigned want, sb_error *error);

typedef enum sb_engine_state { SB_STATE_PENDING, SB_STATE_LOADING, SB_STATE_READY, SB_STATE_ERROR } sb_engine_state;
typedef struct sb_engine_info {
  sb_engine_state state;   /* of the models */
  char state_message[512]; /* the error's sentence when state is SB_STATE_ERROR */
  char model[64];          /* of the default collection */
  size_t dim;
  double threshold;       /* default comparison score from which two faces count as the same person */
  double unsure;          /* scores from here up to the threshold are "cannot tell" */
  double strict;          /* the threshold for an FMR of 1e-6; 0: nobody measured the model */
  double minimum_quality; /* faces below it are not enrolled, and cannot say "not the same" */
  size_t people, faces;   /* over all collections */
  bool loading;           /* the faces are being read: `loaded` of them are searchable so far */
  size_t loaded;
  int workers;
  bool thumbnails; /* are kept and given out */
} sb_engine_info;
SB_API sb_status sb_engine_info_get(sb_engine *engine, sb_engine_info *out, sb_error *error);

/* A photo's encoded bytes (JPEG, PNG, WebP, HEIC or AVIF; told by its first bytes, never by a name). */
typedef struct sb_photo {
  const void *bytes;
  size_t size;
} sb_photo;

typedef struct sb_find_request {
  size_t struct_size;
  sb_photo photo;
  unsigned want;     /* a set of SB_WANT_* */
  const char *model; /* of the embeddings; NULL: the engine's */
} sb_find_request;
/* How often each kind of model ran since the engine was opened, and for how long, all workers together. */
enum { SB_MODEL_KINDS = 5 };
typedef struct sb_model_time {
  const char *kind; /* "detect", "verify", "landmarks", "attributes", "embed" */
  size_t runs;
  double seconds;
} sb_model_time;
typedef struct sb_engine_counts {
  size_t index_bytes; /* memory of the indexes of all collections */
  double
      index_age_ms; /* since they were last compared with the database, which every search does first; -1: never, or there are none */
  int64_t index_lag;       /* changes of the database that they have not got yet; -1: not known now */
  size_t index_followed;   /* changes that they got after they were filled */
  bool search_remotely;    /* as of the options */
  int hnsw;                /* as of the options */
  size_t hnsw_collections; /* that are searched by an index */
  double hnsw_recall; /* the least that was measured of one of them: share of the true ten nearest; -1: not known */
  bool replica, replica_up; /* one was given; it is of use now */
  size_t replica_reads;     /* that it did */
  size_t replica_passed;    /* that the database did, as the replica was behind, away or failed */
  sb_model_time models[SB_MODEL_KINDS];
} sb_engine_counts;
SB_API sb_status sb_engine_counts_get(sb_engine *engine, sb_engine_counts *out, sb_error *error);

/* Finds the faces of a photo. No face is not an error here: count is 0.
 * SB_BAD_IMAGE, SB_UNSUPPORTED_IMAGE, SB_IMAGE_TOO_LARGE, SB_NOT_FOUND (no such model), SB_MODEL, SB_BUSY. */
SB_API sb_status sb_engine_find_faces(sb_engine *engine, const sb_find_request *request, sb_faces **out,
                                      sb_error *error);

/* ---- People -------------------------------------------------------------------------------------------------------- */

#define SB_DEFAULT_COLLECTION "default"
enum {
  SB_ID_MAX = 256,        /* bytes of an external id */
  SB_NAME_MAX = 512,      /* bytes of a name */
  SB_COLLECTION_MAX = 64, /* bytes of a collection's name: [a-z0-9_-] */
  SB_CONSENT_MAX = 4096,
  SB_K_MAX = 1000, /* candidates a search may ask for */
};

typedef struct sb_person {
  char *id; /* external id (an SSN, a staff number): unique in its collection */
  char *name;
  char *consent;      /* the text agreed to, or "" */
  char *purpose;      /* what it may be used for, or "" */
  int64_t expires_ms; /* when the person is erased; 0: never */
  int64_t created_ms; /* Unix time, milliseconds */
  size_t faces;
  bool has_attributes; /* of the person's first face that has them */
  sb_attributes attributes;
  uint8_t *thumbnail;    /* a JPEG of the first face that has one, in a list that was asked for them; NULL: none */
  size_t thumbnail_size; /* bytes */
} sb_person;

typedef struct sb_people {
  size_t total; /* people that match the query, of which `count` from `offset` on are here */
  size_t offset, count;
  int64_t next; /* pass as `after` for what follows; 0: nothing does */
  sb_person *items;
} sb_people;
SB_API void sb_people_free(sb_people *people);

enum {
  SB_ENROLL_ADD = 1u << 0,              /* the person may exist: add the faces (the name is then optional) */
  SB_ENROLL_LARGEST = 1u << 1,          /* of several faces take the largest */
  SB_ENROLL_ANY_QUALITY = 1u << 2,      /* do not refuse a poor face */
  SB_ENROLL_REFUSE_DUPLICATE = 1u << 3, /* SB_DUPLICATE (and candidates) instead of a warning */
  SB_ENROLL_ATTRIBUTES = 1u << 4,       /* estimate and keep age, gender and ethnicity */
  SB_ENROLL_SKIP_KNOWN = 1u << 5,       /* a photo that was enrolled for this person before is skipped, not an error */
  SB_ENROLL_WHOLE_PHOTO = 1u << 6,      /* SB_WANT_WHOLE_PHOTO: no quality is measured, and none asked for */
};

typedef struct sb_enroll_request {
  size_t struct_size;
  const char *collection; /* NULL: default */
  const char *id, *name;
  const char *consent; /* NULL: none recorded */
  const char *purpose; /* NULL: none recorded */
  int64_t expires_ms;  /* Unix time from which the person is erased; 0: never */
  const sb_photo *photos;
  size_t photo_count; /* at least 1; all are enrolled or none */
  unsigned flags;
} sb_enroll_request;

/* "Not the same person", "cannot tell", "the same person". */
typedef enum sb_verdict { SB_VERDICT_NONE, SB_VERDICT_UNSURE, SB_VERDICT_MATCH } sb_verdict;
/* Why it cannot be told: the score lies between, a photo is too poor (see sb_quality_weakest of its face), or the face looks
 * like a picture of a picture and the liveness policy refuses that. */
typedef enum sb_reason { SB_REASON_NONE, SB_REASON_SCORE, SB_REASON_QUALITY, SB_REASON_LIVENESS } sb_reason;

/* How sure a match must be. At most one is set, the others are 0; all 0: the default, which for two photos is the model's
 * threshold, and for a search keeps FPIR at 1 % or less at the gallery's present size. */
typedef struct sb_target {
  double threshold; /* a comparison score, 0..1 */
  double fmr;       /* false match rate of one comparison, up to 0.5 */
  double fpir;      /* of a search: share of people who are not enrolled that are matched with somebody; up to 0.5 */
} sb_target;
/* The comparison score that a target means for the engine's own model. SB_INVALID: beyond what was measured. */
SB_API sb_status sb_engine_threshold(sb_engine *engine, const sb_target *target, double *out, sb_error *error);

typedef struct sb_candidate {
  char *id, *name;
  double similarity;       /* comparison score: cosine, -1..1 */
  double false_match_rate; /* chance that two different people reach this score: best estimate; see false_match_bound */
  double false_match_upper;   /* upper limit of that chance, 95 %: wide beyond what was measured */
  bool false_match_bound;     /* the rate is an upper bound: the score lies beyond where rates are claimed */
  double gallery_false_match; /* chance that somebody in a gallery of this size reaches this score by chance */
  sb_verdict verdict;         /* `match` in JSON is verdict == SB_VERDICT_MATCH */
  bool has_attributes;
  sb_attributes attributes;
} sb_candidate;

typedef struct sb_enrolled {
  sb_person person; /* as it now stands */
  size_t faces_added;
  size_t faces_skipped; /* SB_ENROLL_SKIP_KNOWN */
  int64_t *kept;        /* the numbers of the faces that were added, in the request's order */
  size_t photo_count;   /* one face a photo, in the request's order */
  sb_face *faces;       /* without embeddings; a skipped photo's is zero */
  size_t duplicate_count;
  sb_candidate *duplicates; /* other people that look the same: a warning */
} sb_enrolled;
SB_API void sb_enrolled_free(sb_enrolled *enrolled);

/* Durable and searchable when it returns. When it fails nothing was added; the message says which photo and why.
 * With SB_DUPLICATE `*out` is set nevertheless (person.id NULL, duplicates filled), the one exception to "untouched".
 * SB_INVALID, SB_EXISTS, SB_NO_FACE, SB_SEVERAL_FACES, SB_LOW_QUALITY, SB_DUPLICATE, SB_NOT_FOUND (collection), the
 * photo errors, the store errors, SB_BUSY. */
SB_API sb_status sb_engine_enroll(sb_engine *engine, const sb_enroll_request *request, sb_enrolled **out,
                                  sb_error *error);

typedef struct sb_search_request {
  size_t struct_size;
  const char *collection; /* NULL: default */
  sb_photo photo;
  size_t k;          /* candidates a face, 1..SB_K_MAX; 0: 5 */
  bool largest_only; /* answer for the largest face only */
  bool small_faces;  /* SB_WANT_SMALL_FACES */
  bool attributes;   /* also of the photo's faces */
  bool whole_photo;  /* SB_WANT_WHOLE_PHOTO */
  sb_target target;
} sb_search_request;

typedef struct sb_search_face {
  sb_face face;       /* without embedding */
  sb_verdict verdict; /* of the best candidate; "cannot tell" also where the photo is too poor to say "unknown" */
  sb_reason reason;
  size_t count;
  sb_candidate *candidates; /* best first, one a person */
} sb_search_face;

typedef struct sb_search_result {
  int width, height;
  size_t count;
  sb_search_face *faces; /* largest first; count 0: no face */
  size_t gallery_size;   /* people searched */
  size_t gallery_faces;  /* their faces */
  double threshold, unsure;
  double fpir; /* at that threshold and this gallery's size: best estimate */
  double elapsed_ms;
} sb_search_result;
SB_API void sb_search_result_free(sb_search_result *result);

/* The candidates of every face, whatever their score: verdicts say which are matches. An empty gallery is no error. */
SB_API sb_status sb_engine_search(sb_engine *engine, const sb_search_request *request, sb_search_result **out,
                                  sb_error *error);

typedef struct sb_verify_request {
  size_t struct_size;
  sb_photo photos[2];
  sb_target target;  /* without fpir */
  const char *model; /* NULL: the engine's */
  bool whole_photo;  /* SB_WANT_WHOLE_PHOTO */
} sb_verify_request;

typedef struct sb_comparison {
  sb_verdict verdict;
  sb_reason reason;
  double similarity, threshold, unsure;
  double false_match_rate, false_match_upper; /* as in sb_candidate */
  bool false_match_bound;
  sb_face faces[2]; /* the largest of each photo, without embedding */
} sb_comparison;

/* Are the largest faces of two photos of the same person? SB_NO_FACE names the photo without one. */
SB_API sb_status sb_engine_verify(sb_engine *engine, const sb_verify_request *request, sb_comparison *out,
                                  sb_error *error);

typedef enum sb_order {
  SB_ORDER_OLDEST,
  SB_ORDER_NEWEST,
  SB_ORDER_NAME
} sb_order; /* by time of enrolment, or by name */

typedef struct sb_list_request {
  size_t struct_size;
  const char *collection; /* NULL: default */
  const char *query;      /* part of an id or a name, ASCII case ignored; NULL or "": all */
  size_t offset, limit;   /* limit 1..1000; 0: 100 */
  sb_order order;
  int64_t after;   /* sb_people.next of the page before, with the same query and order; 0: from `offset` on */
  bool thumbnails; /* with the people's, if the engine was opened with `thumbnails` */
} sb_list_request;
SB_API sb_status sb_engine_list(sb_engine *engine, const sb_list_request *request, sb_people **out, sb_error *error);

/* One person as an sb_people of one. SB_NOT_FOUND. `collection` NULL: default, here and below. */
SB_API sb_status sb_engine_get(sb_engine *engine, const char *collection, const char *id, sb_people **out,
                               sb_error *error);
/* A person without faces, to be filled later. SB_EXISTS, SB_INVALID. */
SB_API sb_status sb_engine_add(sb_engine *engine, const char *collection, const char *id, const char *name,
                               const char *consent, sb_error *error);
SB_API sb_status sb_engine_rename(sb_engine *engine, const char *collection, const char *id, const char *name,
                                  sb_error *error);
/* Gives the person another id; all else stays. SB_EXISTS, SB_NOT_FOUND, SB_INVALID. */
SB_API sb_status sb_engine_change_id(sb_engine *engine, const char *collection, const char *id, const char *new_id,
                                     sb_error *error);
/* `into` gets all faces of `from`, whose record is erased as by sb_engine_delete. `faces` (NULL allowed): how many moved.
 * SB_NOT_FOUND, SB_INVALID (both are one). */
SB_API sb_status sb_engine_merge(sb_engine *engine, const char *collection, const char *into, const char *from,
                                 size_t *faces, sb_error *error);
/* Gone from index, table, write-ahead log and free pages when it returns. `faces` (NULL allowed): how many it had. */
SB_API sb_status sb_engine_delete(sb_engine *engine, const char *collection, const char *id, size_t *faces,
                                  sb_error *error);
/* The proof that goes with it: entry number `sequence` of the audit says so, and is signed (docs/audit.md). */
typedef struct sb_erasure {
  size_t faces;
  int64_t sequence, at_ms;
  int64_t collection, person; /* their numbers in the audit, never used twice */
  char actor[64];
  uint8_t before[32], link[32], signature[64], public_key[32];
} sb_erasure;
SB_API sb_status sb_engine_erase(sb_engine *engine, const char *collection, const char *id, sb_erasure *out,
                                 sb_error *error);
/* Erases everybody whose time is over; `erased`: how many. */
SB_API sb_status sb_engine_expire(sb_engine *engine, size_t *erased, sb_error *error);
/* What the person agreed to. NULL leaves a text as it is; `expires_ms` < 0 leaves the date, 0 is never. */
SB_API sb_status sb_engine_set_terms(sb_engine *engine, const char *collection, const char *id, const char *consent,
                                     const char *purpose, int64_t expires_ms, sb_error *error);

/* A face that is kept: its template, not its photo. */
typedef struct sb_kept_face {
  int64_t face; /* its number, never used twice */
  char *id;     /* of its person */
  float quality;
  int64_t created_ms;
} sb_kept_face;

typedef struct sb_kept_faces {
  size_t total, offset, count;
  sb_kept_face *items;
} sb_kept_faces;
SB_API void sb_kept_faces_free(sb_kept_faces *faces);
/* The faces of a person, or with `id` NULL of the whole collection, in order of enrolment. `limit` 1..1000.
 * SB_NOT_FOUND: there is no such person. */
SB_API sb_status sb_engine_faces(sb_engine *engine, const char *collection, const char *id, size_t offset, size_t limit,
                                 sb_kept_faces **out, sb_error *error);
/* Erases one face; its person stays. `*id` (NULL allowed): whose it was, released by free(). SB_NOT_FOUND. */
SB_API sb_status sb_engine_face_delete(sb_engine *engine, const char *collection, int64_t face, char **id,
                                       sb_error *error);
/* The JPEG of a face of a person, or with `face` 0 of the first that has one, to be released by free(). SB_NOT_FOUND: there is
 * none, no such person, or the engine was opened without `thumbnails` and they are not `owed` (to the person, who may see all
 * that is kept). */
SB_API sb_status sb_engine_thumbnail(sb_engine *engine, const char *collection, const char *id, int64_t face, bool owed,
                                     uint8_t **bytes, size_t *size, sb_error *error);
/* Erases all thumbnails of a collection as sb_engine_delete erases people; the faces stay. `erased`: how many there were. */
SB_API sb_status sb_engine_thumbnails_erase(sb_engine *engine, const char *collection, size_t *erased, sb_error *error);
/* Is the largest face of the photo of the same person as the face that is kept? `out->faces[0]` is the photo's, `[1]` is
 * zero. `*id` as above. */
SB_API sb_status sb_engine_verify_kept(sb_engine *engine, const char *collection, int64_t face, sb_photo photo,
                                       sb_comparison *out, char **id, sb_error *error);

/* ---- Grouping ------------------------------------------------------------------------------------------------------ */

/* Two people of one collection that look the same: one person under two ids, or relatives. */
typedef struct sb_duplicate {
  char *ids[2], *names[2];
  double similarity, false_match_rate, false_match_upper; /* of their most alike faces; as in sb_candidate */
  bool false_match_bound;
} sb_duplicate;

typedef struct sb_duplicates {
  size_t total, count; /* pairs found; those that are here, most alike first */
  sb_duplicate *items;
  size_t people, faces; /* looked at */
  double threshold;
  double expected_by_chance; /* how many pairs of strangers reach the threshold among so many faces: best estimate */
  double elapsed_ms;
} sb_duplicates;
SB_API void sb_duplicates_free(sb_duplicates *duplicates);

typedef struct sb_dedup_request {
  size_t struct_size;
  const char *collection; /* NULL: default */
  sb_target target;       /* as of a search */
  size_t limit;           /* pairs at most; 0: all */
} sb_dedup_request;
/* Compares every face with every other through the index. SB_NOT_FOUND, SB_INVALID (target), the store errors. */
SB_API sb_status sb_engine_dedup(sb_engine *engine, const sb_dedup_request *request, sb_duplicates **out,
                                 sb_error *error);

typedef struct sb_cluster_request {
  size_t struct_size;
  const char *collection;         /* whose people give the groups their names; NULL: default */
  const float *const *embeddings; /* of faces, of unit length, by the collection's model */
  size_t count;
  sb_target target; /* as of a search among these faces */
} sb_cluster_request;

typedef struct sb_clusters {
  size_t count;         /* groups, the largest first */
  uint32_t *cluster_of; /* of each face */
  sb_candidate *names;  /* of each group: who of the collection it is; `id` NULL: nobody */
  double threshold;
} sb_clusters;
SB_API void sb_clusters_free(sb_clusters *clusters);
/* Puts the faces of the same person together, known or not. The same faces give the same groups. */
SB_API sb_status sb_engine_cluster(sb_engine *engine, const sb_cluster_request *request, sb_clusters **out,
                                   sb_error *error);

/* ---- Collections --------------------------------------------------------------------------------------------------- */

typedef struct sb_collection {
  char name[SB_COLLECTION_MAX + 1];
  char model[64];
  size_t dim, people, faces;
  int64_t created_ms;
} sb_collection;
/* `*out` is an array of `*count` to be released by sb_collections_free. */
SB_API sb_status sb_engine_collections(sb_engine *engine, sb_collection **out, size_t *count, sb_error *error);
SB_API void sb_collections_free(sb_collection *collections);
/* A collection fixes its model: NULL takes the engine's. SB_EXISTS, SB_INVALID, SB_NOT_FOUND (no such model), SB_MODEL. */
SB_API sb_status sb_engine_collection_create(sb_engine *engine, const char *name, const char *model, sb_error *error);
/* With all its people. The default collection is emptied, not removed. */
SB_API sb_status sb_engine_collection_delete(sb_engine *engine, const char *name, sb_error *error);

/* ---- Models: these open no gallery; of the options data_dir, store, models_path and cache_dir count ------------------------ */

typedef struct sb_model_info {
  char name[64], task[16]; /* task: "detect", "verify_face", "landmarks", "embed", "attributes" */
  char licence[128], origin[1024];
  char source[256];  /* "pypi NAME VERSION", an address, or "" */
  char file[128];    /* the model file's name */
  char sha256[65];   /* that it must have */
  size_t file_size;  /* bytes; 0: the file is not there (an optional model that was not fetched) */
  size_t dim;        /* of embeddings, else 0 */
  int width, height; /* of the input */
  bool experimental;
  bool calibrated;   /* embeddings: false match rates were measured */
  bool added;        /* by sb_model_add */
  char problem[512]; /* what is wrong with the manifest, or ""; then only name and `added` are set */
} sb_model_info;
/* The models of all folders by name; `*out` is an array of `*count` to be released by free(). */
SB_API sb_status sb_models_list(const sb_engine_options *options, sb_model_info **out, size_t *count, sb_error *error);
/* SB_NOT_FOUND, SB_MODEL. */
SB_API sb_status sb_model_get(const sb_engine_options *options, const char *name, sb_model_info *out, sb_error *error);
/* Does the model do what its manifest says: digest, shapes, outputs, finite numbers? The file is tried in a process of its own.
 * `load_ms`, `run_ms` (NULL allowed): how long it took to load, and the median of `rounds` runs on one thread. SB_MODEL. */
SB_API sb_status sb_model_check(const sb_engine_options *options, const char *name, size_t rounds, double *load_ms,
                                double *run_ms, sb_error *error);
/* Checks the model of a manifest (a path; the model file lies beside it) and copies both into data_dir/models. SB_MODEL says
 * what is wrong with it, SB_EXISTS, SB_NOT_FOUND, SB_DISK_FULL, SB_READ_ONLY, SB_IO: then nothing was added. */
SB_API sb_status sb_model_add(const sb_engine_options *options, const char *manifest, sb_model_info *out,
                              sb_error *error);
/* Only what was added. SB_NOT_FOUND; SB_INVALID: part of the installation, or a collection of the gallery uses it. */
SB_API sb_status sb_model_remove(const sb_engine_options *options, const char *name, sb_error *error);

#ifdef __cplusplus
}
#endif

#endif
