/* L3: the verbs of the product. Each does one thing once and whole: look-ups, checks, the work, the audit entry, and
 * the index in step. http, sql and cli call these and never the store, so this header includes value types only; what
 * the engine's own files share is in internal.h and in one small header a part. The public contract is
 * <semblance/semblance.h>.
 *
 * Every function may be called from any thread unless it says otherwise, and returns SB_STOPPING once sb_engine_free
 * has begun. */
#ifndef SB_ENGINE_H
#define SB_ENGINE_H

#include "base/base.h"
#include "liveness/challenge.h"
#include "store/store_types.h"

struct sb_hit;
struct sb_calibration;

/* ---- locations.c: where things are, without opening a gallery. Strings: free(); NULL after a failure. */

/* The gallery's folder: `given`, or $XDG_DATA_HOME/semblance. */
char *sb_engine_folder(const char *given, sb_error *error);
/* The folder of compiled models: `given`, or $XDG_CACHE_HOME/semblance. */
char *sb_engine_cache_folder(const char *given, sb_error *error);
/* The ':'-separated folders of models: the options', or the installation's (sb_install_models_path), then
 * <data_dir>/models. */
char *sb_engine_models_path(const sb_engine_options *options, const char *data_dir, sb_error *error);
/* The TCP ports of a database's connection string, for the sandbox. Returns how many, at most `room`; 0: it cannot be
 * read. */
size_t sb_engine_database_ports(const char *url, uint16_t *ports, size_t room);

/* ---- engine.c */

/* The gallery's folder; valid as long as the engine. */
const char *sb_engine_data_dir(const sb_engine *engine);
/* For a process that is about to end: calls that wait for an unreachable database give up at once. */
void sb_engine_cancel_waits(sb_engine *engine);

/* ---- flow.c */

/* Do the first bytes (some tens are enough) say that this is a photo of a format that can be decoded? */
bool sb_photo_is_known(const sb_photo *photo);

/* SB_NO_FACE, with what to do about it. `which` ("the first photo") is named, unless it is NULL. */
sb_status sb_engine_fail_no_face(const char *which, sb_error *error);

/* ---- collections.c */

/* Looks a collection up by name (NULL: default) and checks that this thread's actor may use it. A missing default
 * collection is made with `create`; without it `out->row` is 0, which holds nobody. SB_NOT_FOUND, SB_INVALID (the
 * name), SB_FORBIDDEN. */
sb_status sb_engine_collection(sb_engine *engine, const char *name, bool create, sb_store_collection *out,
                               sb_error *error);
/* The embedding model of a collection, or the one that a missing default collection will be made with. Errors as above,
 * SB_MODEL. */
sb_status sb_engine_collection_model(sb_engine *engine, const char *name, char model[64], sb_error *error);

/* Fails unless the collection exists and this thread's actor may use it, and leaves no trace. A missing default
 * collection is as good as an empty one. Errors as of sb_engine_collection. */
sb_status sb_engine_collection_check(sb_engine *engine, const char *name, sb_error *error);

/* ---- people.c, export.c */

/* Changes what is stored about a person: all of `change`, or nothing. `out` (NULL allowed): the person as it is
 * afterwards. SB_NOT_FOUND, SB_EXISTS (`new_id`), SB_INVALID. */
sb_status sb_engine_person_change(sb_engine *engine, const char *collection, const char *id,
                                  const sb_store_person_edit *change, sb_people **out, sb_error *error);
/* Replaces some attributes of a person, as above. */
sb_status sb_engine_describe(sb_engine *engine, const char *collection, const char *id, unsigned which,
                             const sb_attributes *attributes, sb_error *error);

/* Everything that is stored about a person, for the person. */
typedef struct sb_person_export_request {
  const char *collection; /* NULL: default */
  const char *id;
  sb_audit_visit visit; /* gets the person's audit entries, oldest first; must not call the engine */
  void *context;
} sb_person_export_request;
/* The record as an sb_people of one, the faces (the first 1,000), and the history by visits; enters the export in the
 * audit. */
sb_status sb_engine_person_export(sb_engine *engine, const sb_person_export_request *request, sb_people **person,
                                  sb_kept_faces **faces, sb_error *error);

/* The audit's entries about a person, newest first, at most `limit`; `before`: entries below this number, 0: from the
 * newest on. `visit` must not call the engine. SB_NOT_FOUND. */
typedef struct sb_person_history_request {
  const char *collection; /* NULL: default */
  const char *id;
  int64_t before;
  size_t limit;
} sb_person_history_request;
sb_status sb_engine_person_history(sb_engine *engine, const sb_person_history_request *request, sb_audit_visit visit,
                                   void *context, sb_error *error);

/* ---- person_review.c */

/* A person's templates compared with each other, and with everybody else's. */
enum { SB_REVIEW_FACES = 64 }; /* so many of the person's templates are compared: the first */
typedef struct sb_person_agreement {
  int64_t face;
  double best, worst; /* similarity with the person's other templates; -1 and 1 where there is no other */
} sb_person_agreement;
typedef struct sb_person_pair {
  int faces[2]; /* indexes into sb_person_review.faces */
  double similarity, score;
  sb_verdict verdict; /* of these two alone */
} sb_person_pair;
enum { SB_REVIEW_BEST, SB_REVIEW_WORST, SB_REVIEW_PAIRS };
typedef struct sb_person_review {
  size_t count;
  sb_person_agreement faces[SB_REVIEW_FACES];
  sb_person_pair pairs[SB_REVIEW_PAIRS]; /* the most and the least similar; only with count > 1 */
  size_t alike_count;
  sb_candidate *alike;      /* other people who match or may match, best score first: possible duplicates */
  bool *different;          /* of each of `alike`: sb_engine_set_different says that it is another person */
  double threshold, unsure; /* of a search */
} sb_person_review;
/* Adds an entry to the audit. SB_NOT_FOUND, SB_MODEL (the collection's model is not installed). */
sb_status sb_engine_person_review(sb_engine *engine, const char *collection, const char *id, sb_person_review **out,
                                  sb_error *error);
void sb_person_review_free(sb_person_review *review); /* NULL allowed */

/* ---- template.c */

typedef struct sb_template_request {
  const char *collection; /* NULL: default */
  const char *id, *name;
  const float *vector; /* of any length but zero; scaled to unit length */
  size_t dim;
  const sb_attributes *attributes; /* NULL: none */
  int64_t
      face; /* 0: a new person. Else the face of a person whom `id` and `name` do not name: the template replaces it */
} sb_template_request;
/* Enrols a person by a template that was made elsewhere, or replaces the template of a face: the new one is stored, as
 * another face, before the old one is erased. SB_EXISTS, SB_INVALID, SB_NOT_FOUND, the store errors. */
sb_status sb_engine_enroll_template(sb_engine *engine, const sb_template_request *request, sb_error *error);

/* ---- enroll.c, faces.c, erasure.c */

enum { SB_MADE_ID = 37 };
/* A random id (a UUID) for a person who was given none. */
void sb_engine_make_id(char out[SB_MADE_ID]);

#define SB_UNNAMED "face-"
typedef struct sb_engine_each_request {
  const char *collection; /* NULL: default */
  sb_photo photo;
  size_t most;    /* faces, the largest first; 0: all */
  unsigned flags; /* SB_ENROLL_ANY_QUALITY */
  unsigned want;  /* SB_WANT_...: what the result says of the faces besides; none of it is stored */
  /* Where exactly one face is enrolled, the id of its person, who may exist. Several faces are several people: their
   * ids are made, SB_UNNAMED and a UUID, and this is their name. NULL: the ids of all are made, and are their names. */
  const char *id;
} sb_engine_each_request;
typedef struct sb_engine_each_face {
  sb_status outcome; /* SB_OK, SB_LOW_QUALITY, SB_NOT_LIVE; SB_TOO_LARGE: more than `most` */
  int64_t face;      /* its number; 0: not enrolled */
  char id[SB_ID_MAX + 1];
} sb_engine_each_face;
typedef struct sb_engine_each_enrolled {
  sb_faces *faces; /* of the photo, also those that were not enrolled */
  size_t count;
  sb_engine_each_face *items; /* of each face */
} sb_engine_each_enrolled;
/* Enrols the faces of a photo, each on its own: after an error those before it may be enrolled. A photo without a face
 * is not an error. Does not look for duplicates. Errors as of sb_engine_enroll. */
sb_status sb_engine_enroll_each(sb_engine *engine, const sb_engine_each_request *request, sb_engine_each_enrolled **out,
                                sb_error *error);
void sb_engine_each_enrolled_free(sb_engine_each_enrolled *enrolled); /* NULL allowed */

/* For sb_enroll_request.flags, with SB_ENROLL_ADD: the person must exist. SB_NOT_FOUND. */
enum { SB_ENROLL_MUST_EXIST = 1u << 16 };
/* Erases a face of this person. SB_NOT_FOUND: there is no such person, or it is not the person's face. */
sb_status sb_engine_person_face_delete(sb_engine *engine, const char *collection, const char *id, int64_t face,
                                       sb_error *error);
/* Erases all faces of a person, who stays. `faces`: how many there were. */
sb_status sb_engine_person_faces_delete(sb_engine *engine, const char *collection, const char *id, size_t *faces,
                                        sb_error *error);
/* Erases a person who has no face; SB_OK also where the person has one, or is not there. */
sb_status sb_engine_delete_without_faces(sb_engine *engine, const char *collection, const char *id, sb_error *error);
/* Erases everybody in a collection, which stays. `people`: how many there were. */
sb_status sb_engine_people_delete(sb_engine *engine, const char *collection, size_t *people, sb_error *error);

/* ---- compare.c */

/* The largest face of one photo against every face of another, with the engine's own embedder. */
typedef struct sb_photo_comparison {
  sb_faces *source, *target; /* at least one face each, with embeddings */
  double *scores;            /* of each face of `target`, normalised: at most 1 */
  sb_verdict *verdicts;      /* of each face of `target` */
  double threshold, unsure;  /* the scores from which a pair is a match, and "not sure" */
} sb_photo_comparison;
/* `want`: SB_WANT_... for both photos. SB_NO_FACE names the photo without one. */
sb_status sb_engine_compare_photos(sb_engine *engine, const sb_photo photos[2], unsigned want,
                                   sb_photo_comparison **out, sb_error *error);
void sb_photo_comparison_free(sb_photo_comparison *comparison); /* NULL allowed */

typedef struct sb_named_photo {
  sb_photo photo;
  const char *name; /* for messages: "the father's photo" */
} sb_named_photo;
/* How alike the largest face of `reference` is to that of each of `photos`: `scores` has room for `count` cosines. */
sb_status sb_engine_resemblance(sb_engine *engine, const sb_named_photo *reference, const sb_named_photo *photos,
                                size_t count, double *scores, sb_error *error);

/* ---- flow.c */

/* As sb_engine_search, with the embeddings of the photo's faces (`dim` numbers each) in the result. */
sb_status sb_engine_search_embedded(sb_engine *engine, const sb_search_request *request, size_t *dim,
                                    sb_search_result **out, sb_error *error);

/* ---- search_template.c, verify_template.c: templates in the place of photos */

typedef struct sb_template_search {
  const char *collection; /* NULL: default */
  const float *vector;    /* of any length but zero, as the collection's model makes it; NULL: `face` */
  size_t dim;
  int64_t face; /* instead: a stored face of the collection */
  bool others;  /* with `face`: its own person is no candidate */
  size_t k;     /* candidates, 1..SB_K_MAX; 0: 5 */
  sb_target target;
} sb_template_search;
/* As sb_engine_search, with one face in the result, of which only verdict and candidates are set: nothing is known of
 * the quality, and of the age only what is stored (sb_children_policy). Who may send templates can approach a stored
 * one step by step: leave that to admins. `owner` (NULL allowed), with `face`: the id of its person, released by
 * free(). SB_NOT_FOUND: there is no such face. SB_INVALID: `vector` has another length than the model's, or is zero. */
sb_status sb_engine_search_template(sb_engine *engine, const sb_template_search *request, sb_search_result **out,
                                    char **owner, sb_error *error);

/* A template against one of: another, a stored face of the collection, the most similar face of a photo. */
typedef struct sb_template_comparison {
  const char *collection; /* as in sb_verify_request */
  const char *model;      /* that made the templates; NULL: the engine's. With `face` it is the collection's */
  const float *vector;    /* of any length but zero */
  size_t dim;
  const float *other; /* NULL: `face` */
  size_t other_dim;
  int64_t face; /* 0: `photo` */
  sb_photo photo;
} sb_template_comparison;
/* As sb_engine_verify; out->faces has the face of the photo, else nothing. SB_INVALID: a template has another length
 * than the model's, or is zero. */
sb_status sb_engine_verify_template(sb_engine *engine, const sb_template_comparison *request, sb_comparison *out,
                                    sb_error *error);

/* ---- verify.c */

/* Reads which faces of two photos are compared: "best", "largest" or a number for both, or two of these with a comma
 * between. SB_INVALID. */
sb_status sb_engine_face_choice(const char *text, int out[2], sb_error *error);

/* ---- flow.c: for sql/, which has an embedding and no photo */

typedef struct sb_engine_query {
  int64_t collection;  /* its row */
  const float *vector; /* as the model made it; the collection's dim */
  size_t k;
  bool by_person; /* one hit a person, the best face; else one a face */
  size_t certain; /* so many hits are found with the index's full recall (sb_index_query); 0: all k */
} sb_engine_query;
/* Brings the index in step and finds the k best; `hits` has room for k. */
sb_status sb_engine_nearest(sb_engine *engine, const sb_engine_query *query, struct sb_hit *hits, size_t *found,
                            sb_error *error);

/* ---- density.c: for a program that ends soon; a server does it in the background */

/* Measures the surroundings of every face for which that is due (stats/cohort.h), if the gallery has been read. */
sb_status sb_engine_measure_densities(sb_engine *engine, sb_error *error);

/* ---- liveness.c: active liveness */

/* Draws a challenge for faces that `model` embeds (NULL: the engine's). SB_INVALID: the embeddings are too long. */
sb_status sb_engine_challenge_begin(sb_engine *engine, const char *model, sb_challenge *out, sb_error *error);
/* Measures the face of a frame that arrived at `at_ms` and feeds it to the challenge. One thread at a time. The errors
 * of sb_engine_find_faces leave the challenge as it is. */
sb_status sb_engine_challenge_feed(sb_engine *engine, const char *model, sb_photo photo, double at_ms,
                                   sb_challenge *challenge, sb_error *error);

/* ---- thumbnail.c */

/* The photo as a JPEG of at most 1600 pixels a side, for browsers that cannot read its format; released by free().
 * Nothing is stored. The photo errors. */
sb_status sb_engine_preview(sb_engine *engine, sb_photo photo, uint8_t **bytes, size_t *size, sb_error *error);

/* ---- estimates.c */

/* Reads a list of age, gender and ethnicity with ',' between, or "none", as SB_ENROLL_AGE, _GENDER and _ETHNICITY.
 * False: it names something else. */
bool sb_engine_estimates_read(const char *list, unsigned *flags);
/* The name and the flag of an estimate, 0 and up; NULL: there is none with this index. */
const char *sb_engine_estimate_name(size_t index, unsigned *flag);

/* ---- cameras.c: what a server watches. Watching is the room above (camera/camera.h). */

enum {
  SB_CAMERA_PURPOSE_MAX = 512,
  SB_CAMERA_AREA_MAX = 2048,
  SB_CAMERA_HOURS_MAX = 512,
  SB_CAMERA_FACE_MAX = 4096,
  SB_CAMERAS_PER_CORE = 4,
  SB_CAMERAS_MOST = 64,
  SB_CAMERA_RATE = 5
};
typedef struct sb_engine_camera {
  char name[65];                          /* 1 to 64 of a-z, 0-9, _ and - */
  char collection[SB_COLLECTION_MAX + 1]; /* whose people are looked for */
  char *address;                          /* with its password: never print, log or send it */
  char *purpose;                          /* what the camera is for, as data protection law wants it stated */
  char *masks;                            /* areas that nobody looks at (camera/area.h); "": none */
  char *watch;                            /* areas in which faces are looked for; "": everywhere */
  char *hours;                            /* when it is watched (camera/hours.h); "": always */
  char watchlist[SB_COLLECTION_MAX + 1];  /* a collection whose people alert; "": none */
  int smallest_face;                      /* pixels of the stream: faces with a shorter side are ignored; 1: none is */
  int rate;                               /* pictures that are searched a second, at most */
  bool udp;                               /* RTSP with UDP */
  int64_t created_ms;
  int64_t row; /* in the store */
} sb_engine_camera;
/* How many cameras this machine may watch. */
size_t sb_engine_cameras_most(void);
/* Stores a camera, sealed, and enters it in the audit; its address must have been checked. SB_INVALID names the field;
 * SB_EXISTS; SB_NOT_FOUND, SB_FORBIDDEN (the collection); SB_TOO_LARGE: there are sb_engine_cameras_most. */
sb_status sb_engine_camera_add(sb_engine *engine, const sb_engine_camera *camera, sb_error *error);
/* What is to change of a camera; NULL, 0: it stays. */
typedef struct sb_engine_camera_change {
  const char *address, *purpose;
  const char *masks, *watch, *hours, *watchlist; /* "": none from now on */
  const char *transport;                         /* "tcp", "udp" */
  int rate, smallest_face;
} sb_engine_camera_change;
/* Stores all of it, or nothing; address, areas and hours must have been checked. SB_INVALID names the field;
 * SB_NOT_FOUND as below. */
sb_status sb_engine_camera_change_to(sb_engine *engine, const char *name, const sb_engine_camera_change *change,
                                     sb_error *error);
/* Removes and erases it. SB_NOT_FOUND: there is none of that name in a collection that this thread's actor may use. */
sb_status sb_engine_camera_remove(sb_engine *engine, const char *name, sb_error *error);
/* The cameras of the collections that this thread's actor may use, oldest first; released by sb_cameras_free. */
sb_status sb_engine_cameras(sb_engine *engine, sb_engine_camera **out, size_t *count, sb_error *error);
/* One of them; released by sb_cameras_free(camera, 1). SB_NOT_FOUND. */
sb_status sb_engine_camera_get(sb_engine *engine, const char *name, sb_engine_camera **out, sb_error *error);
void sb_cameras_free(sb_engine_camera *cameras, size_t count); /* NULL allowed; wipes the addresses */

/* ---- audit.c */

/* Adds an entry for an act that changes nothing. `collection` NULL: default; `person`: a row, 0: none. */
sb_status sb_engine_audit_note(sb_engine *engine, const char *verb, const char *collection, int64_t person,
                               int64_t count, sb_error *error);
/* Visits the entries after number `after`, oldest first, at most `limit`. `visit` must not call the engine. */
sb_status sb_engine_audit(sb_engine *engine, int64_t after, size_t limit, sb_audit_visit visit, void *context,
                          sb_error *error);
/* Unix time of the newest entry in milliseconds; 0: the audit is empty. */
sb_status sb_engine_audit_time(sb_engine *engine, int64_t *at_ms, sb_error *error);
/* The newest entry's number; 0: the audit is empty. */
sb_status sb_engine_audit_last(sb_engine *engine, int64_t *sequence, sb_error *error);
/* Follows the whole chain. SB_STORE names the entry where it is broken. `anchor` (NULL: none): a head that was stored
 * elsewhere, which the chain must contain. */
sb_status sb_engine_audit_verify(sb_engine *engine, const sb_audit_head *anchor, sb_audit_head *out, sb_error *error);

/* ---- access.c: API keys and the admin's password */

/* All keys, oldest first, released by free(); `has_admin` (NULL allowed): an admin's password is set. */
sb_status sb_engine_access_list(sb_engine *engine, sb_access_key **keys, size_t *count, bool *has_admin,
                                sb_error *error);
/* Makes a key with the label, roles and expiry of `key`, for one collection (NULL: all), and fills in the rest. `text`
 * is the secret, which is not stored: nobody can read it again. SB_NOT_FOUND, SB_INVALID: the collection. */
sb_status sb_engine_access_key_add(sb_engine *engine, const char *collection, sb_access_key *key,
                                   char text[SB_API_KEY_SIZE], sb_error *error);
sb_status sb_engine_access_key_revoke(sb_engine *engine, const char *prefix, sb_error *error); /* SB_NOT_FOUND */
/* The admin's password; NULL removes the admin. */
sb_status sb_engine_access_password_set(sb_engine *engine, const char *password, sb_error *error);
/* Makes a new secret for one-time passwords, or removes it with NULL. SB_NOT_FOUND: there is no password yet. */
sb_status sb_engine_access_totp_set(sb_engine *engine, uint8_t secret[SB_TOTP_SECRET], sb_error *error);

/* For the server; these use a database connection of their own, so they do not wait for work on the gallery. */

/* Is there any key (also an expired one) or an admin? From then on every request needs one. */
sb_status sb_engine_access_required(sb_engine *engine, bool *required, sb_error *error);
/* The key of that text; SB_FORBIDDEN (in the same time) where there is none, or it has expired or was revoked. */
sb_status sb_engine_access_key_find(sb_engine *engine, const char *text, sb_access_key *out, sb_error *error);
/* Is the key with this prefix, which was found before, still valid? SB_FORBIDDEN as above. */
sb_status sb_engine_access_key_recheck(sb_engine *engine, const char *prefix, sb_error *error);
/* Checks the admin's password and the one-time password (-1: none was given), and adds the login or the failed login to
 * the audit. SB_FORBIDDEN. A one-time password is accepted once. */
sb_status sb_engine_access_login(sb_engine *engine, const char *password, int one_time, sb_error *error);
/* What a session of the admin is bound to: another value once the password is changed or removed. */
sb_status sb_engine_access_stamp(sb_engine *engine, uint8_t stamp[SB_DIGEST_SIZE], sb_error *error);

/* ---- keys.c: root key, data keys and transforms (docs/keys.md) */

sb_status sb_engine_keys(sb_engine *engine, sb_store_key_status *out, sb_error *error);
typedef struct sb_engine_rotation {
  bool data_only;             /* keep the root key; else it is renewed, too, where it lies in the gallery's folder */
  const char *new_root_file;  /* instead: wrap the data keys under the root key of this file; NULL: not */
  sb_store_progress progress; /* NULL: none */
  void *context;
} sb_engine_rotation;
/* Seals everything under a new data key; continues a rotation that was interrupted. `new_root` (NULL allowed): the root
 * key was renewed, too. */
sb_status sb_engine_rotate(sb_engine *engine, const sb_engine_rotation *rotation, bool *new_root, sb_error *error);
/* Draws a new transform for a collection and re-protects its templates; `templates`: how many. */
sb_status sb_engine_revoke(sb_engine *engine, const char *collection, size_t *templates, sb_error *error);
/* Writes a root key into a folder that has none, and takes it back if it does not open the gallery that is there. `url`
 * "": the gallery is in the folder. SB_EXISTS, SB_WRONG_KEY. */
sb_status sb_engine_root_import(const char *folder, const char *url, const sb_root *root, sb_error *error);

/* ---- backup.c. `folder` NULL: the default folder. */

/* Writes an encrypted backup, reads it back and checks everything in it. */
sb_status sb_engine_backup(sb_engine *engine, const char *path, sb_error *error);
/* Opens a backup with the folder's root key and checks everything in it. SB_INVALID, SB_WRONG_KEY, SB_STORE. */
sb_status sb_engine_backup_verify(const char *folder, const char *path, sb_error *error);
/* Verifies a backup and puts it into a folder that has no gallery yet. SB_EXISTS. */
sb_status sb_engine_restore(const char *folder, const char *path, sb_error *error);

typedef struct sb_engine_migration {
  const char *folder, *url;
  bool back;                  /* from the database into the folder */
  sb_store_progress progress; /* NULL: none */
  void *context;
} sb_engine_migration;
/* Copies the gallery of a folder into the empty database at `url`, or back, and compares both row by row; continues
 * where an earlier call was interrupted. `rows`: how many were copied. */
sb_status sb_engine_migrate(const sb_engine_migration *migration, size_t *rows, sb_error *error);

/* ---- hnsw.c: the HNSW indexes of pgvector, one a collection, for searches by the database */

/* Of all collections; released by free(). */
sb_status sb_engine_hnsw_states(sb_engine *engine, sb_hnsw_state **out, size_t *count, sb_error *error);
/* Takes minutes for many faces. SB_EXISTS, SB_BUSY (another program builds one), SB_INVALID (the gallery is a file, or
 * its vectors are too long), SB_NOT_FOUND (collection). */
sb_status sb_engine_hnsw_build(sb_engine *engine, const char *collection, sb_error *error);
sb_status sb_engine_hnsw_drop(sb_engine *engine, const char *collection, sb_error *error); /* SB_NOT_FOUND */
/* Measures recall with `probes` made-up probes for each of `out`, whose `ef` is set, and stores it. SB_INVALID: too few
 * faces. */
sb_status sb_engine_hnsw_measure(sb_engine *engine, const char *collection, size_t probes, sb_hnsw_recall *out,
                                 size_t count, sb_error *error);
/* What was measured last for each of `out`, whose `ef` is set. */
sb_status sb_engine_hnsw_recall(sb_engine *engine, const sb_store_collection *collection, sb_hnsw_recall *out,
                                size_t count, sb_error *error);

/* ---- operating_point.c: how sure a match must be, where an admin chose it at run time. Stored with the gallery. */

bool sb_operating_point_given(const sb_target *target); /* false: all zero */
/* As it was last read from the store; all zero: nobody chose. Never waits for the store. */
sb_target sb_engine_operating_point(sb_engine *engine);
/* Takes effect with the next call. Exactly one number, or all zero to choose nothing. SB_INVALID: out of range, or a
 * rate for a model that was not measured. */
sb_status sb_engine_operating_point_set(sb_engine *engine, const sb_target *target, sb_error *error);

/* What an operating point means for a collection at its present size. */
typedef struct sb_operating_point_meaning {
  sb_error
      why; /* unless its code is SB_OK: why the collection's model cannot keep it; then only people and faces are set */
  double threshold, unsure; /* of a search */
  double verify;            /* the threshold for two photos: a rate of searches says nothing about them */
  bool measured;            /* the rates are known */
  double fmr, fpir;         /* at `threshold`: best estimates */
  bool fmr_bound;           /* `fmr` is an upper bound: lower rates are not claimed */
  size_t people, faces;
} sb_operating_point_meaning;
/* SB_NOT_FOUND, SB_INVALID: the collection. */
sb_status sb_engine_operating_point_explain(sb_engine *engine, const char *collection, const sb_target *target,
                                            sb_operating_point_meaning *out, sb_error *error);

/* ---- embedders.c */

/* The calibration in use for the engine's embedding model: the user's, or that of its manifest. */
sb_status sb_engine_calibration(sb_engine *engine, struct sb_calibration *out, sb_error *error);

/* ---- models.c */

/* The models that the engine knows, as sb_models_list gives them. */
sb_status sb_engine_models_list(sb_engine *engine, sb_model_info **out, size_t *count, sb_error *error);

/* The models that estimate passive liveness in this engine's pipeline. */
typedef struct sb_engine_liveness {
  int count;         /* 0: there is none */
  char names[160];   /* "a, b" */
  bool experimental; /* a hint: what they decide alone is wrong too often */
} sb_engine_liveness;
/* Reads manifests, and loads no model. SB_MODEL. */
sb_status sb_engine_liveness_models(sb_engine *engine, sb_engine_liveness *out, sb_error *error);

/* ---- model_migration.c: a collection gets another embedding model, from photos that the user has, while it serves */

typedef struct sb_engine_model_migration {
  const char *collection;                                          /* borrowed */
  char next[SB_COLLECTION_MAX + 1], before[SB_COLLECTION_MAX + 1]; /* collections beside it, see there */
  bool switched;                                                   /* the collection has the new model */
} sb_engine_model_migration;
/* Begins a migration, or resumes it. SB_EXISTS: the collection has that model already, or another migration is not
 * finished. SB_NOT_FOUND: the collection, or the model. */
sb_status sb_engine_model_migration_begin(sb_engine *engine, const char *collection, const char *model,
                                          sb_engine_model_migration *out, sb_error *error);
typedef struct sb_engine_migrated_photo {
  const char *id; /* of the person */
  sb_photo photo;
  unsigned flags; /* SB_ENROLL_LARGEST, SB_ENROLL_ANY_QUALITY */
} sb_engine_migrated_photo;
/* Enrols a photo under the new model, with what is stored about the person. `*added` 0: it was there. SB_NOT_FOUND:
 * nobody has this id; else as sb_engine_enroll. Any thread. */
sb_status sb_engine_model_migration_enroll(sb_engine *engine, const sb_engine_model_migration *m,
                                           const sb_engine_migrated_photo *photo, size_t *added, sb_error *error);
typedef void (*sb_engine_person_visit)(void *context, const sb_person *person);
/* Visits everybody who is not under the new model. */
sb_status sb_engine_model_migration_missing(sb_engine *engine, const sb_engine_model_migration *m,
                                            sb_engine_person_visit visit, void *context, sb_error *error);
/* From now on the collection has the new model. `*left`: people who stay in m->before, under the old one; 0: it was
 * deleted. SB_INVALID: nobody is enrolled under the new model. */
sb_status sb_engine_model_migration_switch(sb_engine *engine, sb_engine_model_migration *m, size_t *left,
                                           sb_error *error);

/* ---- report.c: the figures of the last published evaluation, a file of the gallery's folder */

enum { SB_REPORT_MAX = 4 << 20 };
/* Replaces the report: JSON that names no photo and no person. */
sb_status sb_engine_report_write(const char *folder, const char *json, size_t size, sb_error *error);
/* `*json` is NUL-terminated and released by free(). SB_NOT_FOUND: none was published. */
sb_status sb_engine_report(sb_engine *engine, char **json, size_t *size, sb_error *error);

/* Is `device` a word that sb_engine_options takes? SB_INVALID. Whether there is such a device is not looked at. */
sb_status sb_engine_device_check(const char *device, sb_error *error);

/* ---- diagnostics.c: what `semblance doctor` asks of an installation and of a gallery that no engine has opened */

/* Reads the manifests of the pipeline and of its embedder. SB_MODEL, SB_NOT_FOUND: no model of that name. */
sb_status sb_diagnostics_pipeline(const sb_engine_options *options, const char *folder, char embedder[64],
                                  bool *has_age, sb_error *error);
/* The models of passive liveness in that pipeline. SB_MODEL. */
sb_status sb_diagnostics_liveness(const sb_engine_options *options, const char *folder, sb_engine_liveness *out,
                                  sb_error *error);
/* Can this calibration file be used with the model (NULL: with any)? SB_INVALID. */
sb_status sb_diagnostics_calibration(const char *path, const char *model, sb_error *error);
const char *sb_diagnostics_openvino(void); /* its version; static */
/* Can the models run on the device (NULL: the CPU)? SB_MODEL names the devices that are available, as `available` does.
 * It may start threads of the runtime, so the caller does not fork afterwards. */
sb_status sb_diagnostics_device(const char *device, char available[128], sb_error *error);
void sb_diagnostics_photo_formats(bool *heic, bool *avif, bool *jxl);
/* How many temporary key files killed processes left in the folder. */
size_t sb_diagnostics_key_leftovers(const char *folder);
/* Does a server use this folder, for the gallery in it or, with `url`, for one in a database? */
bool sb_diagnostics_served(const char *folder, const char *url);
/* The state of the database: makes, migrates and unlocks nothing. SB_NOT_FOUND: there is none yet. */
sb_status sb_diagnostics_database(const char *folder, const char *url, sb_store_health *out, sb_error *error);

/* An open gallery, to be read. One thread. */
typedef struct sb_diagnostics sb_diagnostics;
sb_status sb_diagnostics_open(const char *folder, const char *url, sb_diagnostics **out, sb_error *error);
void sb_diagnostics_close(sb_diagnostics *gallery); /* NULL allowed */
sb_status sb_diagnostics_keys(sb_diagnostics *gallery, sb_store_key_status *out, sb_error *error);
/* Its collections, released by free(), and the people and faces of all of them. */
sb_status sb_diagnostics_contents(sb_diagnostics *gallery, sb_store_collection **collections, size_t *count,
                                  size_t *people, size_t *faces, sb_error *error);
/* How many cameras it has. */
sb_status sb_diagnostics_cameras(sb_diagnostics *gallery, size_t *count, sb_error *error);
/* Is this standby of use? SB_INVALID: it is no copy of the database. */
sb_status sb_diagnostics_replica(sb_diagnostics *gallery, const char *url, bool *up, sb_error *error);
/* Unix time of the newest audit entry in milliseconds; 0: there is none, or it cannot be read. */
int64_t sb_diagnostics_audit_time(sb_diagnostics *gallery);
/* Is there any API key or an admin's password? */
bool sb_diagnostics_access_required(sb_diagnostics *gallery);

#endif
