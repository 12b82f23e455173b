/*
 * Semblance: find and verify people by their face.
 *
 * The public contract of libsemblance. It is C99 and compiles without other headers in C and in C++.
 *
 * Conventions
 *   - A function that can fail returns sb_status and takes a caller-owned `sb_error *` last (NULL allowed). After a
 *     failure its outputs are unchanged, and the error holds a code and a sentence for a person: what happened, and
 *     what to do next.
 *   - Inputs are borrowed for the duration of the call. Every output object belongs to the caller and is released by
 *     its own `_free` function, which accepts NULL.
 *   - Text is UTF-8 and NUL-terminated. Coordinates are pixels of the photo as a person sees it (EXIF orientation
 *     applied), with the origin at the top left and y downwards. They refer to the full-size photo, also where a
 *     smaller decoding was used.
 *   - A struct of options or of a request begins with `size_t struct_size`: set it to sizeof the struct, and the rest
 *     to zero for the defaults.
 *   - Terms follow ISO/IEC 2382-37: enrol, probe, reference, template, gallery, candidate, comparison score, threshold.
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

/* ---- Status and errors ------------------------------------------------------------------------------------------- */

/* All statuses: X(symbol, code in JSON, meaning). HTTP status and exit code are switches over this list without a
 * default. */
#define SB_STATUS_LIST(X)                                                                                    \
  X(OK, "ok", "success")                                                                                     \
  X(MISUSE, "misuse", "the caller broke the contract of a function: a bug, not an input")                    \
  X(NO_MEMORY, "no_memory", "memory could not be allocated")                                                 \
  X(INVALID, "invalid", "a parameter from outside is missing, malformed or out of range")                    \
  X(BAD_IMAGE, "bad_image", "the bytes are not a readable photo: empty, truncated or damaged")               \
  X(UNSUPPORTED_IMAGE, "unsupported_image", "the bytes are of a format that is not supported")               \
  X(IMAGE_TOO_LARGE, "image_too_large", "the photo has more bytes or pixels than the limit")                 \
  X(NO_FACE, "no_face", "no face was found in the photo")                                                    \
  X(SEVERAL_FACES, "several_faces", "several faces where one was wanted")                                    \
  X(LOW_QUALITY, "low_quality", "the face is too small, blurred, dark or turned away to be enrolled")        \
  X(NOT_LIVE, "not_live", "the face looks like a picture or a screen, and the liveness policy refuses that") \
  X(NOT_FOUND, "not_found", "no such person, face, collection or file")                                      \
  X(FORBIDDEN, "forbidden", "the caller's key or role does not allow it")                                    \
  X(EXISTS, "exists", "the id or name is in use")                                                            \
  X(DUPLICATE, "duplicate", "the face is already enrolled under another id")                                 \
  X(TOO_LARGE, "too_large", "the request is larger than the limit")                                          \
  X(BUSY, "busy", "all workers and the queue are full, or another server owns the folder; try again")        \
  X(STOPPING, "stopping", "the server or engine is shutting down")                                           \
  X(MODEL, "model", "a model's manifest or file is missing, damaged or has another digest than expected")    \
  X(STORE, "store", "the database is damaged, of a newer schema, or refused an operation")                   \
  X(DISK_FULL, "disk_full", "no space is left on the gallery's disk; nothing was changed")                   \
  X(READ_ONLY, "read_only", "the gallery's folder cannot be written to")                                     \
  X(WRONG_KEY, "wrong_key", "the gallery was sealed under another key; nothing was changed")                 \
  X(IO, "io", "a file or socket could not be read or written")                                               \
  X(INTERNAL, "internal", "an invariant failed: please report it")

typedef enum sb_status {
#define SB_STATUS_ENUM(symbol, code, meaning) SB_##symbol,
  SB_STATUS_LIST(SB_STATUS_ENUM)
#undef SB_STATUS_ENUM
} sb_status;

/* The stable code of a status ("no_face"), as in JSON; static. Any value is accepted: else it is "unknown". */
SB_API const char *sb_status_code(sb_status status);

/* Caller-owned. `message` is always NUL-terminated UTF-8 and never contains a name, an id, a template or a key. */
typedef struct sb_error {
  sb_status code;
  char message[512];
} sb_error;

/* ---- Faces of a photo -------------------------------------------------------------------------------------------- */

typedef struct sb_box {
  float x, y, w, h;
} sb_box;

typedef struct sb_point {
  float x, y;
} sb_point;

/* How good a face is for recognition. Each part is 0..1 (1 is best); `overall` is the smallest part, which names what
 * to improve. */
typedef struct sb_quality {
  float overall;
  float size;       /* from the distance between the eyes */
  float sharpness;  /* from the fine detail of the aligned face, in the direction that has the least */
  float pose;       /* from the landmarks: 1 frontal, 0 profile */
  float exposure;   /* from the brightness and contrast of the aligned face */
  float visibility; /* from the distance between the landmarks of two models: low where something covers the face */
  float noise;      /* from the noise of the aligned face against its contrast */
  float blocks; /* from the blocks of heavy compression and of pixelation, as if each were one pixel of a small face */
  float tones;  /* from the number of grey levels in use: low for fax, posters and blown-out light */
  float eyes;   /* from the brightness around the eyes against the cheeks: low behind dark glasses */
  float features; /* from the length of the embedding before normalisation; negative: no embedding was made, or the
                     * model's length tells nothing */
} sb_quality;

/* The parts of sb_quality, for messages. */
typedef enum sb_quality_part {
  SB_QUALITY_SIZE,
  SB_QUALITY_SHARPNESS,
  SB_QUALITY_POSE,
  SB_QUALITY_EXPOSURE,
  SB_QUALITY_VISIBILITY,
  SB_QUALITY_NOISE,
  SB_QUALITY_BLOCKS,
  SB_QUALITY_TONES,
  SB_QUALITY_EYES,
  SB_QUALITY_FEATURES
} sb_quality_part;
/* The smallest part. Visibility and features only where the other parts are good, as those explain both. */
SB_API sb_quality_part sb_quality_weakest(const sb_quality *quality);

/* Components of the quality of a portrait, as ISO/IEC 29794-5 names them. */
enum { SB_COMPONENTS = 28 };
/* "unified_quality_score", "eyes_open" ...; static. */
SB_API const char *sb_component_name(int index);
/* 0..100, 100 is best; negative: no model in use tells. */
typedef struct sb_portrait {
  float value[SB_COMPONENTS];
} sb_portrait;

enum { SB_ETHNICITIES = 7 };
/* The name of a class of ethnicity, 0..SB_ETHNICITIES-1; static. In this order: white, black, asian, indian,
 * middle_eastern, latino_hispanic, other. Ethnicity is experimental: right 85-89 % of the time, and less for some
 * groups. */
SB_API const char *sb_ethnicity_name(int index);

/* Estimated attributes. A value below 0 is not known: no model in use estimates the attribute, or the class of
 * ethnicity. */
typedef struct sb_attributes {
  float age;                       /* years */
  float man, woman;                /* probabilities, sum 1 */
  float ethnicity[SB_ETHNICITIES]; /* probabilities, sum 1, in the order of sb_ethnicity_name */
  int ethnicity_dominant;          /* index of the largest */
} sb_attributes;

/* Head pose in degrees. */
typedef struct sb_pose {
  float yaw;   /* positive: turned to the photo's left */
  float pitch; /* positive: up. The default model reads 10 to 15 degrees too low for a face that looks at the camera */
  float roll;  /* positive: clockwise as seen */
} sb_pose;

enum { SB_EXPRESSIONS = 7 };
/* The name of an expression, 0..SB_EXPRESSIONS-1; static. In this order: neutral, happy, sad, surprised, afraid,
 * disgusted, angry. Experimental. */
SB_API const char *sb_expression_name(int index);
typedef struct sb_expression {
  float probability[SB_EXPRESSIONS]; /* sum 1 */
  int dominant;                      /* index of the largest */
} sb_expression;

typedef struct sb_face {
  sb_box box;
  float score; /* the detector's confidence, 0..1 */
  /* The subject's right eye, left eye, nose tip, right and left corner of the mouth (as seen: left to right). */
  sb_point landmarks[5];
  sb_quality quality;
  float *embedding; /* dim floats of unit length, or NULL when not asked for; owned by the sb_faces */
  bool has_attributes, has_pose, has_expression, has_live; /* asked for, and estimated by a model of the pipeline */
  sb_attributes attributes;
  sb_pose pose;
  sb_expression expression;
  float live;        /* passive liveness: 0 a picture of a person, 1 a person before the camera */
  bool is_live;      /* what the models of liveness decide from it */
  bool has_portrait; /* asked for by sb_engine_quality only */
  sb_portrait portrait;
} sb_face;

/* The faces of one photo, largest box first. */
typedef struct sb_faces {
  int width, height; /* of the upright full-size photo */
  size_t dim;        /* of the embeddings; 0 when none were asked for */
  char model[64];    /* the embedding model's name; empty when none was asked for */
  size_t count;
  sb_face *items;
} sb_faces;
SB_API void sb_faces_free(sb_faces *faces);

/* What to compute for a photo. */
enum {
  SB_WANT_EMBEDDING = 1u << 0,
  SB_WANT_ATTRIBUTES = 1u << 1,   /* age, gender, ethnicity */
  SB_WANT_LARGEST_ONLY = 1u << 2, /* only the largest face, for portraits: skips the second detector pass */
  SB_WANT_WHOLE_PHOTO = 1u << 3,  /* the photo is one face, already cut out: skips detection, landmarks and quality */
  SB_WANT_POSE = 1u << 4,         /* pose and expression */
  SB_WANT_LIVENESS = 1u << 5,     /* passive liveness */
  /* Also searches the full-size photo tile by tile, for faces of 20 pixels in large group photos. Takes about 10 ms
   * more for each tile of 512x512 pixels. */
  SB_WANT_SMALL_FACES = 1u << 6,
  SB_WANT_FLIP = 1u << 7, /* the embedding is the mean of the face's and of its mirror image's: twice the work */
};

/* ---- The engine -------------------------------------------------------------------------------------------------- */

/* An open gallery and its models, which load at first need. Every function that takes an engine may be called from any
 * thread. */
typedef struct sb_engine sb_engine;

/* What to do about faces that look like a picture or a screen. Passive liveness is estimated from one photo: some
 * photos of real people fail, and good prints pass. OFF does not estimate it, WARN reports it with each face, PASSIVE
 * does not enrol such a face (SB_NOT_LIVE) and gives the verdict "not sure" for it. REFUSE is the older name of
 * PASSIVE. CHALLENGE enrols and verifies only who passed a challenge of active liveness (sb_live_person): anything else
 * is SB_NOT_LIVE. */
typedef enum sb_liveness_policy {
  SB_LIVENESS_OFF,
  SB_LIVENESS_WARN,
  SB_LIVENESS_PASSIVE,
  SB_LIVENESS_CHALLENGE,
  SB_LIVENESS_REFUSE = SB_LIVENESS_PASSIVE
} sb_liveness_policy;

/* What to do where a score is a match's and one of the faces looks younger than 16. Children look alike to the models:
 * among children under 13 false matches are hundreds to thousands of times as frequent as the false match rate says.
 * UNSURE gives the verdict "not sure" (SB_REASON_CHILD); MATCH treats children like adults, for those who accept the
 * risk, and is noted in the audit. The age is an estimate: it finds 96 % of children up to 6 years and 72 % of those of
 * 7 to 12. */
typedef enum sb_children_policy { SB_CHILDREN_UNSURE, SB_CHILDREN_MATCH } sb_children_policy;

typedef struct sb_engine_options {
  size_t struct_size;
  const char *data_dir; /* the gallery's folder, created if missing; NULL: $XDG_DATA_HOME/semblance */
  /* The folders of manifests and model files, ':' between; NULL: the installation's. data_dir/models, where
   * sb_model_add installs models, is searched last. */
  const char *models_path;
  const char *cache_dir;       /* of compiled models; NULL: $XDG_CACHE_HOME/semblance */
  bool flip;                   /* SB_WANT_FLIP for all embeddings; use the same setting for all of a gallery */
  bool strict_single;          /* SB_ENROLL_STRICT_SINGLE for every enrolment */
  bool thumbnails;             /* store a picture of 96x96 pixels of each enrolled face, and give it out */
  sb_liveness_policy liveness; /* of enrolment, search and verification */
  const char *calibration; /* a file of `semblance eval --calibrate`, instead of the model's calibration; NULL: none */
  int workers;             /* photos processed at the same time; 0: one for each core, and one more */
  int threads;             /* that the models use in all, at least one for each worker; 0: one for each worker */
  bool server;             /* claim the folder for one server: SB_BUSY when another has it */
  const char *model;       /* embedding model of new collections, and of calls that name none; NULL: the pipeline's */
  const char *pipeline;    /* how faces are detected and described; NULL: "default" */
  /* "postgresql://USER@HOST/DATABASE": the gallery is in that database, its root key in data_dir. NULL: both are in
   * data_dir. */
  const char *store;
  const char *replica; /* a standby of that database, used for reads that may be slightly stale; NULL: none */
  /* The database of `store` searches, exactly; else an index in memory does. SB_INVALID without `store`. */
  bool search_remotely;
  /* With search_remotely: search collections that have a pgvector HNSW index by it, with a list of this many candidates
   * (at most 1000); this misses some matches. 0: exactly. */
  int hnsw;
  sb_children_policy children; /* of searches, verification, and what else says that two faces match */
  unsigned no_estimates;       /* SB_ENROLL_AGE, _GENDER and _ETHNICITY: those that no enrolment stores */
  /* Where the models run: "CPU", "GPU", "GPU.1" (one of several), "NPU", or "AUTO": a GPU if there is one, otherwise
   * the CPU. NULL: "CPU". SB_INVALID: another word; SB_MODEL, when models are loaded: not available (of a server: at
   * once). */
  const char *device;
} sb_engine_options;

/* Opens the gallery; creates it if missing. SB_IO, SB_READ_ONLY, SB_DISK_FULL, SB_STORE, SB_WRONG_KEY, SB_BUSY. */
SB_API sb_status sb_engine_new(const sb_engine_options *options, sb_engine **out, sb_error *error);
/* Waits for the calls in progress; calls that begin afterwards return SB_STOPPING. */
SB_API void sb_engine_free(sb_engine *engine);

/* Loads the models that `want` (SB_WANT_...) needs and the index now, not at first need. Idempotent. SB_MODEL. */
SB_API sb_status sb_engine_warm(sb_engine *engine, unsigned want, sb_error *error);

typedef enum sb_engine_state { SB_STATE_PENDING, SB_STATE_LOADING, SB_STATE_READY, SB_STATE_ERROR } sb_engine_state;
typedef struct sb_engine_info {
  sb_engine_state state;   /* of the models */
  char state_message[512]; /* the error message when state is SB_STATE_ERROR */
  char model[64];          /* the engine's embedding model */
  size_t dim;              /* of its embeddings */
  double threshold;        /* comparison score from which two faces count as the same person by default */
  double unsure;           /* scores from here up to the threshold are "not sure" */
  double strict;           /* the threshold for an FMR of 1e-6; 0: the model has no calibration */
  double minimum_quality;  /* poorer faces are not enrolled, and their verdict is never "not the same" */
  size_t people, faces;    /* over all collections */
  bool loading;            /* the faces are being read for the first time: `loaded` of them so far */
  size_t loaded;
  int workers;
  bool thumbnails; /* of sb_engine_options, as are the next */
  sb_liveness_policy liveness;
  unsigned no_estimates;
} sb_engine_info;
SB_API sb_status sb_engine_info_get(sb_engine *engine, sb_engine_info *out, sb_error *error);

/* An encoded photo: JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP, TIFF or JPEG XL (optional), recognised by its first bytes
 * and never by a file name. */
typedef struct sb_photo {
  const void *bytes;
  size_t size;
} sb_photo;

typedef struct sb_find_request {
  size_t struct_size;
  sb_photo photo;
  unsigned want;     /* a set of SB_WANT_... */
  const char *model; /* the embedding model; NULL: the engine's */
} sb_find_request;

/* Runs and time of one kind of model since the engine was opened, all workers together. */
enum { SB_MODEL_KINDS = 5 };
typedef struct sb_model_time {
  const char *kind; /* "detect", "verify", "landmarks", "attributes", "embed" */
  size_t runs;
  double seconds;
} sb_model_time;
typedef struct sb_engine_counts {
  size_t index_bytes; /* memory of the indexes of all collections */
  /* Milliseconds since the indexes were last compared with the database, which every search does first. -1: never, or
   * the database searches. */
  double index_age_ms;
  int64_t index_lag;       /* changes of the database that are not applied to the indexes yet; -1: not known now */
  size_t index_followed;   /* changes that were applied to the indexes after they were filled */
  bool search_remotely;    /* of sb_engine_options */
  int hnsw;                /* of sb_engine_options */
  size_t hnsw_collections; /* how many are searched by an HNSW index */
  double hnsw_recall; /* the lowest recall measured for one of them: share of the true ten nearest; -1: not known */
  bool replica, replica_up; /* a replica was given; it can be used now */
  size_t replica_reads;     /* reads that the replica did */
  size_t replica_passed;    /* reads that the database did, because the replica was behind, unreachable or failed */
  sb_model_time models[SB_MODEL_KINDS];
} sb_engine_counts;
SB_API sb_status sb_engine_counts_get(sb_engine *engine, sb_engine_counts *out, sb_error *error);

/* Finds the faces of a photo. A photo without a face is not an error: count is 0.
 * SB_BAD_IMAGE, SB_UNSUPPORTED_IMAGE, SB_IMAGE_TOO_LARGE, SB_NOT_FOUND (no such model), SB_MODEL, SB_BUSY. */
SB_API sb_status sb_engine_find_faces(sb_engine *engine, const sb_find_request *request, sb_faces **out,
                                      sb_error *error);

/* ---- People ------------------------------------------------------------------------------------------------------ */

#define SB_DEFAULT_COLLECTION "default"
enum {
  SB_ID_MAX = 256,        /* bytes of an external id */
  SB_NAME_MAX = 512,      /* bytes of a name */
  SB_COLLECTION_MAX = 64, /* bytes of a collection's name: [a-z0-9_-] */
  SB_CONSENT_MAX = 4096,  /* bytes of a text that somebody agreed to, and of a purpose */
  SB_K_MAX = 1000,        /* candidates that a search may ask for */
};

/* Times are Unix time in milliseconds. */
typedef struct sb_person {
  char *id; /* external id (an SSN, a staff number), unique in its collection */
  char *name;
  char *consent;      /* the text that the person agreed to, or "" */
  char *purpose;      /* what the data may be used for, or "" */
  int64_t expires_ms; /* when the person is erased; 0: never */
  int64_t created_ms;
  size_t faces;        /* how many are stored */
  bool has_attributes; /* `attributes` are those of the person's first face that has any */
  sb_attributes attributes;
  uint8_t *thumbnail;    /* a JPEG of the first face that has one, if the list was asked for thumbnails; NULL: none */
  size_t thumbnail_size; /* bytes */
} sb_person;

typedef struct sb_people {
  size_t total;         /* people who match the query */
  size_t offset, count; /* `items` are `count` of them, from number `offset` on */
  int64_t next;         /* pass as `after` for the next page; 0: this is the last one */
  sb_person *items;
} sb_people;
SB_API void sb_people_free(sb_people *people);

/* Somebody who passed a challenge of active liveness, which a server holds (docs/liveness.md). */
typedef struct sb_live_person {
  const float *embedding; /* unit length */
  size_t dim;
  const char *model; /* that made it */
} sb_live_person;

/* For sb_enroll_request.flags. */
enum {
  SB_ENROLL_ADD = 1u << 0,              /* the person may exist: add the faces (the name is then optional) */
  SB_ENROLL_LARGEST = 1u << 1,          /* of several faces enrol the largest */
  SB_ENROLL_ANY_QUALITY = 1u << 2,      /* accept a poor face */
  SB_ENROLL_REFUSE_DUPLICATE = 1u << 3, /* fail with SB_DUPLICATE, naming that person, instead of a warning */
  SB_ENROLL_ATTRIBUTES = 1u << 4,       /* estimate and store age, gender and ethnicity: the three below */
  SB_ENROLL_SKIP_KNOWN = 1u << 5,       /* skip a photo that was enrolled for this person before */
  SB_ENROLL_WHOLE_PHOTO = 1u << 6,      /* SB_WANT_WHOLE_PHOTO: quality is neither measured nor required */
  SB_ENROLL_DIFFERENT = 1u << 7,        /* matching people are other people: sb_engine_set_different */
  SB_ENROLL_AGE = 1u << 8,              /* estimate and store the age */
  SB_ENROLL_GENDER = 1u << 9,           /* the same for the gender */
  SB_ENROLL_ETHNICITY = 1u << 10,       /* the same for the ethnicity */
  /* Refuse a photo with several faces also where one is clearly the subject: every other face is at most half as large,
   * and the subject is in the middle and of good quality, or the others are too poor for enrolment. Without this flag
   * that one is enrolled. */
  SB_ENROLL_STRICT_SINGLE = 1u << 11,
};

typedef struct sb_enroll_request {
  size_t struct_size;
  const char *collection; /* NULL: default */
  const char *id, *name;
  const char *consent; /* the text that the person agreed to; NULL: none */
  const char *purpose; /* NULL: none */
  int64_t expires_ms;  /* Unix time in milliseconds from which the person is erased; 0: never */
  const sb_photo *photos;
  size_t photo_count;         /* 1..1000; all are enrolled, or none */
  unsigned flags;             /* a set of SB_ENROLL_... */
  const sb_live_person *live; /* every photo must show this person; NULL: see SB_LIVENESS_CHALLENGE */
} sb_enroll_request;

/* "No match", "not sure", "match". */
typedef enum sb_verdict { SB_VERDICT_NONE, SB_VERDICT_UNSURE, SB_VERDICT_MATCH } sb_verdict;
/* Why the verdict is "not sure": the score lies between the two thresholds, a photo is too poor (see
 * sb_quality_weakest), the face looks like a picture of a picture and the liveness policy refuses that, or the score is
 * a match's and one of the faces looks like a child's (sb_children_policy). */
typedef enum sb_reason {
  SB_REASON_NONE,
  SB_REASON_SCORE,
  SB_REASON_QUALITY,
  SB_REASON_LIVENESS,
  SB_REASON_CHILD
} sb_reason;

/* The operating point: how sure a match must be. At most one field is set, the others are 0. All 0 is the default: for
 * two photos the model's threshold; for a search the score that keeps FPIR at 1 % or less at the gallery's present
 * size. */
typedef struct sb_target {
  double threshold; /* a comparison score, 0..1 */
  double fmr;       /* false match rate of one comparison, up to 0.5 */
  double fpir;      /* of a search: share of the people who are not enrolled that match somebody; up to 0.5 */
} sb_target;
/* The comparison score that a target means for two photos and the engine's own model. SB_INVALID: out of range, a rate
 * of searches, or a rate for a model without calibration. */
SB_API sb_status sb_engine_threshold(sb_engine *engine, const sb_target *target, double *out, sb_error *error);

typedef struct sb_candidate {
  char *id, *name;
  int64_t face;             /* number of the stored face that is most similar */
  double similarity;        /* cosine of the two templates, -1..1 */
  double score;             /* the similarity normalised by the crowd around both faces, on the same scale; at most 1 */
  double false_match_rate;  /* probability that two different people reach this score: best estimate */
  double false_match_upper; /* upper end of its 95 % confidence interval, which is wide beyond what was measured */
  bool false_match_bound;   /* the rate is an upper bound: no rates are claimed for scores this high */
  double
      gallery_false_match; /* probability that a stranger reaches this score with somebody in a gallery of this size */
  /* `match` in JSON is verdict == SB_VERDICT_MATCH. Never a match where the verdict of the face is not. */
  sb_verdict verdict;
  bool has_attributes;
  sb_attributes attributes;
} sb_candidate;

typedef struct sb_enrolled {
  sb_person person; /* as it is now */
  size_t faces_added;
  size_t faces_skipped; /* SB_ENROLL_SKIP_KNOWN */
  int64_t *kept;        /* the numbers of the added faces, in the request's order; faces_added of them */
  size_t photo_count;
  sb_face *faces; /* of each photo, in the request's order, without embeddings; zero for a skipped photo */
  size_t *others; /* of each photo: how many other faces it shows, which were not enrolled */
  size_t duplicate_count;
  sb_candidate *duplicates; /* a warning: other people who match one of the faces */
} sb_enrolled;
SB_API void sb_enrolled_free(sb_enrolled *enrolled);

/* Enrols a person. Durable and searchable when it returns. After a failure nothing was added, and the message says
 * which photo and why. With SB_DUPLICATE `*out` is set nevertheless (person.id NULL, duplicates filled): the one
 * exception to "outputs are unchanged". SB_INVALID, SB_EXISTS, SB_NO_FACE, SB_SEVERAL_FACES, SB_LOW_QUALITY,
 * SB_DUPLICATE, SB_NOT_FOUND (collection), the photo errors, the store errors, SB_BUSY. */
SB_API sb_status sb_engine_enroll(sb_engine *engine, const sb_enroll_request *request, sb_enrolled **out,
                                  sb_error *error);

/* What the audit knows of a camera: a person, or nobody, is entered once a minute while in view, not once a frame.
 * Zero it before the first frame; one thread. */
typedef struct sb_search_watch {
  size_t count;
  struct {
    int64_t person; /* 0: nobody was matched */
    int64_t at_ms;
  } seen[32];
} sb_search_watch;

typedef struct sb_search_request {
  size_t struct_size;
  const char *collection; /* NULL: default */
  sb_photo photo;
  size_t k;          /* candidates for each face, 1..SB_K_MAX; 0: 5 */
  bool largest_only; /* search for the largest face only */
  bool small_faces;  /* SB_WANT_SMALL_FACES */
  bool attributes;   /* SB_WANT_ATTRIBUTES, of the photo's faces */
  bool whole_photo;  /* SB_WANT_WHOLE_PHOTO */
  sb_target target;
  sb_search_watch *watch; /* this photo is a frame of a camera; NULL: it stands alone */
} sb_search_request;

typedef struct sb_search_face {
  sb_face face;       /* without embedding */
  sb_verdict verdict; /* of the best candidate; "not sure" also where the photo is too poor to say "no match" */
  sb_reason reason;
  size_t count;
  sb_candidate *candidates; /* best first; each person once */
} sb_search_face;

typedef struct sb_search_result {
  int width, height;
  size_t count;
  sb_search_face *faces;    /* largest first; count 0: the photo has no face */
  size_t gallery_size;      /* people searched */
  size_t gallery_faces;     /* their faces */
  double threshold, unsure; /* the scores from which a candidate is a match, and "not sure" */
  double fpir;              /* at that threshold and this gallery's size: best estimate */
  double elapsed_ms;
} sb_search_result;
SB_API void sb_search_result_free(sb_search_result *result);

/* Searches for every face of a photo. Candidates are returned whatever their score: their verdicts say which are
 * matches. An empty gallery, and a photo without a face, are not errors. SB_INVALID (k, target), SB_NOT_FOUND
 * (collection), the photo errors, SB_MODEL, the store errors, SB_BUSY. */
SB_API sb_status sb_engine_search(sb_engine *engine, const sb_search_request *request, sb_search_result **out,
                                  sb_error *error);

/* Which face of a photo is compared, where it shows several; a number from 1 on is that face of sb_engine_find_faces,
 * the largest being 1. */
enum {
  SB_FACE_BEST = 0,     /* that of the most similar pair, among faces that are good enough for enrolment */
  SB_FACE_LARGEST = -1, /* faster, as SB_WANT_LARGEST_ONLY */
  SB_FACE_NUMBER_MAX = 9999
};

typedef struct sb_verify_request {
  size_t struct_size;
  /* Its people tell how crowded the surroundings of both faces are, which the score is normalised by. NULL: default.
   * Where it has no people, or another model than `model`, the score is the similarity. */
  const char *collection;
  sb_photo photos[2];
  sb_target target;           /* fpir must be 0 */
  const char *model;          /* the embedding model; NULL: the engine's */
  bool whole_photo;           /* SB_WANT_WHOLE_PHOTO */
  int faces[2];               /* of each photo: SB_FACE_BEST, SB_FACE_LARGEST, or a face's number */
  const sb_live_person *live; /* one of the photos must show this person; NULL: see SB_LIVENESS_CHALLENGE */
} sb_verify_request;

typedef struct sb_comparison {
  sb_verdict verdict;
  sb_reason reason;
  double similarity, score;                   /* as in sb_candidate */
  double threshold, unsure;                   /* of the score */
  double false_match_rate, false_match_upper; /* as in sb_candidate */
  bool false_match_bound;
  sb_face faces[2];  /* the compared face of each photo, without embedding */
  size_t numbers[2]; /* which of the photo's faces it is, from 1, the largest, on */
  size_t counts[2];  /* how many faces the photo shows; 0: only the largest was looked for */
  size_t pairs;      /* of which this one is the most similar */
  /* Probability that one of that many pairs of different people reaches the score: best estimate. */
  double pairs_false_match;
} sb_comparison;

/* Compares a face of one photo with a face of another: are they of the same person? SB_NO_FACE names the photo without
 * a face; SB_INVALID (target, or a number that the photo has no face for), SB_NOT_FOUND (no such model), the photo
 * errors, SB_MODEL, SB_BUSY. */
SB_API sb_status sb_engine_verify(sb_engine *engine, const sb_verify_request *request, sb_comparison *out,
                                  sb_error *error);

/* By time of enrolment, or by name. */
typedef enum sb_order { SB_ORDER_OLDEST, SB_ORDER_NEWEST, SB_ORDER_NAME } sb_order;

typedef struct sb_list_request {
  size_t struct_size;
  const char *collection; /* NULL: default */
  const char *query;      /* part of an id or a name, without case and accents; NULL or "": everybody */
  size_t offset, limit;   /* limit 1..1000; 0: 100 */
  sb_order order;
  int64_t after;   /* sb_people.next of the previous page, with the same query and order; 0: from `offset` on */
  bool thumbnails; /* also the thumbnails, if the engine was opened with `thumbnails` */
  /* With `after` and SB_ORDER_NAME: the name of the previous page's last person. */
  const char *after_name;
} sb_list_request;
/* Lists people, a page at a time. SB_INVALID, SB_NOT_FOUND (collection). */
SB_API sb_status sb_engine_list(sb_engine *engine, const sb_list_request *request, sb_people **out, sb_error *error);

/* One person, as an sb_people of one. SB_NOT_FOUND. Here and below, `collection` NULL is the default one. */
SB_API sb_status sb_engine_get(sb_engine *engine, const char *collection, const char *id, sb_people **out,
                               sb_error *error);
/* Adds a person without faces; sb_engine_enroll with SB_ENROLL_ADD adds them later. SB_EXISTS, SB_INVALID. */
SB_API sb_status sb_engine_add(sb_engine *engine, const char *collection, const char *id, const char *name,
                               const char *consent, sb_error *error);
/* Gives the person another name. SB_NOT_FOUND, SB_INVALID. */
SB_API sb_status sb_engine_rename(sb_engine *engine, const char *collection, const char *id, const char *name,
                                  sb_error *error);
/* Gives the person another id; everything else stays. SB_EXISTS, SB_NOT_FOUND, SB_INVALID. */
SB_API sb_status sb_engine_change_id(sb_engine *engine, const char *collection, const char *id, const char *new_id,
                                     sb_error *error);
/* Moves all faces of `from` to `into` and erases `from` as sb_engine_delete does. `faces` (NULL allowed): how many
 * moved. SB_NOT_FOUND, SB_INVALID (both are the same person, or are said to be different people). */
SB_API sb_status sb_engine_merge(sb_engine *engine, const char *collection, const char *into, const char *from,
                                 size_t *faces, sb_error *error);
/* Erases a person: when it returns, nothing is left in index, table, write-ahead log and free pages (of the log see
 * sb_erasure.log_pending). `faces` (NULL allowed): how many the person had. SB_NOT_FOUND. */
SB_API sb_status sb_engine_delete(sb_engine *engine, const char *collection, const char *id, size_t *faces,
                                  sb_error *error);
/* Proof of an erasure: the signed audit entry number `sequence` (docs/audit.md). */
typedef struct sb_erasure {
  size_t faces;
  int64_t sequence, at_ms;    /* number and Unix time of the entry */
  int64_t collection, person; /* their numbers in the audit, which are never used again */
  char actor[64];
  uint8_t before[32], link[32], signature[64], public_key[32];
  int log_pending; /* 1: sealed rows are still in the database's log, because it could not be emptied yet (a program
                      reads the gallery, the disk is full); a server tries again each minute */
} sb_erasure;
/* The same as sb_engine_delete, with a receipt. `out`: NULL allowed. */
SB_API sb_status sb_engine_erase(sb_engine *engine, const char *collection, const char *id, sb_erasure *out,
                                 sb_error *error);
/* Erases everybody whose retention period (expires_ms) has ended; `erased`: how many. */
SB_API sb_status sb_engine_expire(sb_engine *engine, size_t *erased, sb_error *error);
/* Changes what the person agreed to. NULL leaves a text unchanged; `expires_ms` below 0 leaves the date unchanged, 0 is
 * never. SB_NOT_FOUND, SB_INVALID. */
SB_API sb_status sb_engine_set_terms(sb_engine *engine, const char *collection, const char *id, const char *consent,
                                     const char *purpose, int64_t expires_ms, sb_error *error);

/* A stored face. Its template is stored, its photo is not. */
typedef struct sb_kept_face {
  int64_t face; /* its number, which is never used again */
  char *id;     /* of its person */
  float quality;
  int64_t created_ms;
} sb_kept_face;

typedef struct sb_kept_faces {
  size_t total, offset, count;
  sb_kept_face *items;
} sb_kept_faces;
SB_API void sb_kept_faces_free(sb_kept_faces *faces);
/* Lists the stored faces of a person, or of the whole collection with `id` NULL, in order of enrolment. `limit`
 * 1..1000. SB_NOT_FOUND: there is no such person. */
SB_API sb_status sb_engine_faces(sb_engine *engine, const char *collection, const char *id, size_t offset, size_t limit,
                                 sb_kept_faces **out, sb_error *error);
/* Erases one face; its person stays. `*id` (`id` NULL allowed): the person's id, released by free(). SB_NOT_FOUND. */
SB_API sb_status sb_engine_face_delete(sb_engine *engine, const char *collection, int64_t face, char **id,
                                       sb_error *error);
/* The thumbnail of a person's face, or of the first face that has one with `face` 0: a JPEG, released by free(). With
 * `owed` it is for the person, who may see everything that is stored. SB_NOT_FOUND: there is none, there is no such
 * person, or the engine was opened without `thumbnails` and it is not `owed`. */
SB_API sb_status sb_engine_thumbnail(sb_engine *engine, const char *collection, const char *id, int64_t face, bool owed,
                                     uint8_t **bytes, size_t *size, sb_error *error);
/* Erases all thumbnails of a collection, as sb_engine_delete erases people; the faces stay. `erased`: how many there
 * were. */
SB_API sb_status sb_engine_thumbnails_erase(sb_engine *engine, const char *collection, size_t *erased, sb_error *error);
/* Compares the face of a photo that is most similar to a stored face with it. `out->faces[0]` is the photo's face,
 * `[1]` is zero. `*id` (`id` NULL allowed): the id of the stored face's person, released by free(). SB_NOT_FOUND,
 * SB_NO_FACE, the photo errors. */
SB_API sb_status sb_engine_verify_kept(sb_engine *engine, const char *collection, int64_t face, sb_photo photo,
                                       sb_comparison *out, char **id, sb_error *error);

/* ---- Grouping ---------------------------------------------------------------------------------------------------- */

/* Two people of one collection whose faces match: one person under two ids, or relatives. */
typedef struct sb_duplicate {
  char *ids[2], *names[2];
  double similarity, score, false_match_rate, false_match_upper; /* of their most similar faces, as in sb_candidate */
  bool false_match_bound;
  bool child; /* not sure: by the stored age, one of them looks like a child (sb_children_policy) */
} sb_duplicate;

typedef struct sb_duplicates {
  size_t total, count; /* pairs found; pairs in `items`, most similar first */
  sb_duplicate *items;
  size_t people, faces; /* compared */
  double threshold;
  double expected_by_chance; /* pairs of strangers that reach the threshold among so many faces: best estimate */
  size_t different;          /* further pairs, left out because of sb_engine_set_different */
  double elapsed_ms;
} sb_duplicates;
SB_API void sb_duplicates_free(sb_duplicates *duplicates);

typedef struct sb_dedup_request {
  size_t struct_size;
  const char *collection; /* NULL: default */
  sb_target target;       /* as for a search */
  size_t limit;           /* pairs to return at most; 0: all */
} sb_dedup_request;
/* Finds people who are enrolled under several ids: compares every face of a collection with every other through the
 * index. SB_NOT_FOUND, SB_INVALID (target, or the database searches), the store errors. */
SB_API sb_status sb_engine_dedup(sb_engine *engine, const sb_dedup_request *request, sb_duplicates **out,
                                 sb_error *error);

/* Says that two people of a collection are different people, however alike (twins), or takes that back: sb_engine_dedup
 * leaves the pair out, sb_engine_cluster never puts their faces together, and sb_engine_merge refuses to merge them.
 * SB_NOT_FOUND, SB_INVALID (both are the same person). */
SB_API sb_status sb_engine_set_different(sb_engine *engine, const char *collection, const char *id, const char *other,
                                         bool different, sb_error *error);

/* Reads the photo of face number `face` of a request to group faces, and says where the face is in it. `*bytes` is
 * released by free(). */
typedef sb_status (*sb_cluster_photo)(void *context, size_t face, void **bytes, size_t *size, sb_box *box,
                                      sb_error *error);

typedef struct sb_cluster_request {
  size_t struct_size;
  const char *collection;         /* whose people the groups are named after; NULL: default */
  const float *const *embeddings; /* of faces: unit length, by the collection's model */
  size_t count;
  sb_target target; /* as for a search among these faces */
  /* Of each face, the number of its photo, 0..count-1: two faces of one photo are two people, unless one is a copy of
   * the other or its mirror image (which needs `photo`, below). NULL: nothing is known about that. */
  const uint32_t *photos;
  bool collages; /* a photo may show a person several times: two faces of one photo may be one person */
  /* For the age of a group that would be named (sb_children_policy): called for up to three of its faces. NULL: only
   * ages that are stored with people count. */
  sb_cluster_photo photo;
  void *context;
} sb_cluster_request;

typedef struct sb_clusters {
  size_t count;         /* groups, the largest first */
  uint32_t *cluster_of; /* the group of each face, 0..count-1 */
  sb_candidate *names;  /* of each group: the enrolled person that it matches; `id` NULL: none */
  bool *children;       /* of each group: it matches somebody, but looks like a child, so it is not named */
  /* Of each group: it matches somebody, but is certainly another person: a group that is more similar to that person
   * has a face in one of its photos, or sb_engine_set_different says so. So it is not named. */
  bool *rivals;
  bool *copies;      /* of each face: it is a copy or the mirror image of another face of its photo */
  size_t kept_apart; /* pairs of faces that look like one person, and are certainly two */
  double threshold;
} sb_clusters;
SB_API void sb_clusters_free(sb_clusters *clusters);
/* Groups faces by person, whether enrolled or not. The same faces give the same groups. SB_NOT_FOUND, SB_INVALID,
 * SB_MODEL. */
SB_API sb_status sb_engine_cluster(sb_engine *engine, const sb_cluster_request *request, sb_clusters **out,
                                   sb_error *error);

/* ---- Collections ------------------------------------------------------------------------------------------------- */

typedef struct sb_collection {
  char name[SB_COLLECTION_MAX + 1];
  char model[64];
  size_t dim, people, faces;
  int64_t created_ms;
} sb_collection;
/* All collections: an array of `*count`, released by sb_collections_free. */
SB_API sb_status sb_engine_collections(sb_engine *engine, sb_collection **out, size_t *count, sb_error *error);
SB_API void sb_collections_free(sb_collection *collections);
/* Makes a collection for the embeddings of one model (NULL: the engine's), which cannot be changed later. SB_EXISTS,
 * SB_INVALID, SB_NOT_FOUND (no such model), SB_MODEL. */
SB_API sb_status sb_engine_collection_create(sb_engine *engine, const char *name, const char *model, sb_error *error);
/* Erases a collection with all its people. The default collection is emptied, not removed. SB_NOT_FOUND. */
SB_API sb_status sb_engine_collection_delete(sb_engine *engine, const char *name, sb_error *error);

/* ---- Models: these open no gallery; of the options they use data_dir, store, models_path and cache_dir ---------- */

typedef struct sb_model_info {
  char name[64], task[16]; /* task: "detect", "verify_face", "landmarks", "embed", "attributes" */
  char licence[128], origin[1024];
  char source[256];  /* "pypi NAME VERSION", an address, or "" */
  char file[128];    /* the model file's name */
  char sha256[65];   /* the digest that it must have, in hexadecimal */
  size_t file_size;  /* bytes; 0: the file is missing (an optional model that was not downloaded) */
  size_t dim;        /* of an embedding model's embeddings, else 0 */
  int width, height; /* of the input, in pixels */
  bool experimental;
  bool calibrated;   /* an embedding model whose false match rates were measured */
  bool added;        /* installed by sb_model_add */
  char problem[512]; /* what is wrong with the manifest, or ""; then only name and `added` are set */
} sb_model_info;
/* The models of all folders, by name: an array of `*count`, released by free(). */
SB_API sb_status sb_models_list(const sb_engine_options *options, sb_model_info **out, size_t *count, sb_error *error);
/* One model by name. SB_NOT_FOUND, SB_MODEL (its manifest is damaged). */
SB_API sb_status sb_model_get(const sb_engine_options *options, const char *name, sb_model_info *out, sb_error *error);
/* Checks that a model does what its manifest says: digest, shapes, outputs, finite numbers. Runs the model in a
 * separate process. `load_ms`, `run_ms` (NULL allowed): the time to load it, and the median of `rounds` runs on one
 * thread. SB_NOT_FOUND, SB_MODEL. */
SB_API sb_status sb_model_check(const sb_engine_options *options, const char *name, size_t rounds, double *load_ms,
                                double *run_ms, sb_error *error);
/* Installs a model: checks it and copies its manifest (`manifest` is the path; the model file is in the same folder)
 * and its file into data_dir/models. After a failure nothing was added. SB_MODEL says what is wrong with the model;
 * SB_EXISTS, SB_NOT_FOUND, SB_DISK_FULL, SB_READ_ONLY, SB_IO. */
SB_API sb_status sb_model_add(const sb_engine_options *options, const char *manifest, sb_model_info *out,
                              sb_error *error);
/* Removes a model that sb_model_add installed. SB_NOT_FOUND; SB_INVALID: it is part of the installation, or a
 * collection uses it. */
SB_API sb_status sb_model_remove(const sb_engine_options *options, const char *name, sb_error *error);

#ifdef __cplusplus
}
#endif

#endif
