/* L3: what the files of the engine share. The public contract is <semblance/semblance.h>. */
#ifndef SB_ENGINE_H
#define SB_ENGINE_H

#include "base/base.h"
#include "crypto/crypto.h"
#include "face/face.h"
#include "image/image.h"
#include "store/gallery/access.h"
#include "store/store.h"
#include "vector/vector.h"

/* ---- gallery.c: one index a collection, in step with the store. Locked. */

typedef struct sb_gallery sb_gallery;
/* `remote`: nothing is kept in memory, the database is asked (sb_database_search, which `ef` is for). */
sb_status sb_gallery_new(sb_store *store, bool remote, int ef, sb_gallery **out, sb_error *error);
void sb_gallery_free(sb_gallery *gallery);
/* Applies what changed since the last time, by this or another process; then every acknowledged change counts. */
sb_status sb_gallery_sync(sb_gallery *gallery, sb_error *error);
/* Are the faces being read for the first time? Then how many have been, of how many, and of how many people. Never waits. */
bool sb_gallery_loading(sb_gallery *gallery, size_t *loaded, size_t *people, size_t *faces);
/* Milliseconds since the last sync that succeeded began; -1: none did, or the database searches. */
double sb_gallery_age_ms(sb_gallery *gallery);
/* How many changes of the database the indexes have not got yet; -1: not known, as they are being filled, the database searches,
 * or it does not answer. */
int64_t sb_gallery_lag(sb_gallery *gallery);
/* Changes that were applied since the gallery was opened, without the first filling. */
size_t sb_gallery_followed(sb_gallery *gallery);
/* Memory of the indexes of all collections. */
size_t sb_gallery_bytes(sb_gallery *gallery);
/* The k best people of a collection, or the k best faces; `hits` has room for k. Call sb_gallery_sync before. */
sb_status sb_gallery_search(sb_gallery *gallery, int64_t collection, const float *query, size_t k, bool by_person,
                            sb_hit *hits, size_t *found, sb_error *error);
/* The same for templates as the store keeps them, already protected; `query` and results as of sb_index_search. */
sb_status sb_gallery_search_kept(sb_gallery *gallery, int64_t collection, const sb_index_query *query, sb_hit *hits,
                                 size_t *found, sb_error *error);

/* ---- thumbnail.c: a JPEG of a face, 96x96 */

typedef struct sb_thumbnail {
  uint8_t *bytes; /* owned; NULL: none */
  size_t size;
} sb_thumbnail;
/* `face` is of `image`. */
sb_status sb_thumbnail_make(const sb_image *image, const sb_face *face, sb_thumbnail *out, sb_error *error);
void sb_thumbnail_clear(sb_thumbnail *thumbnail); /* wiped */

/* ---- follower.c: keeps a server near the database's state while nobody searches: its indexes, and how sure a match must be. Its
 * thread is its own. */

typedef struct sb_index_refresher sb_index_refresher;
/* `*out` NULL: there is no need, as the gallery is a file. The engine's store and gallery are there. */
sb_status sb_index_refresher_start(sb_engine *engine, sb_index_refresher **out, sb_error *error);
void sb_index_refresher_stop(sb_index_refresher *follower); /* NULL allowed */

/* ---- engine.c */

struct sb_engine {
  char *data_dir, *models_path, *cache_dir;
  char *model, *pipeline_name, *calibration; /* as asked for; NULL: the defaults */
  int workers, threads;
  bool flip;
  bool search_remotely; /* of sb_engine_options */
  int hnsw;             /* the same */
  bool thumbnails;      /* are kept of the faces that are enrolled, and shown */
  sb_liveness_policy liveness;
  sb_store *store;
  sb_gallery *gallery;
  sb_index_refresher *follower; /* NULL: none */
  sb_pool *pool;                /* of sb_worker */
  pthread_mutex_t targeting;    /* held while the target is read from the store, or written there: the newest is kept */
  pthread_mutex_t lock;         /* guards what follows */
  pthread_cond_t idle;          /* `calls` reached 0 */
  size_t calls;
  bool closing;
  bool camera;         /* a server: what pictures of a camera need loads with the rest */
  sb_target target;    /* that an admin chose; all zero: nobody did */
  bool target_damaged; /* what is kept of it cannot be trusted */
  sb_pipeline *pipeline;
  sb_worker **all_workers; /* for freeing them */
  sb_embedder *embedders;  /* those that were asked for; the first is the engine's own */
  size_t embedder_count;
  sb_engine_state state;
  char state_message[512];
};

/* The gallery's folder: `given`, or $XDG_DATA_HOME/semblance; released by free(). NULL after a failure. */
char *sb_engine_folder(const char *given, sb_error *error);
char *sb_engine_cache_folder(const char *given, sb_error *error); /* the same for compiled models */
/* Every public function is between these two, so that sb_engine_free can wait. SB_STOPPING. */
sb_status sb_engine_enter(sb_engine *engine, sb_error *error);
void sb_engine_leave(sb_engine *engine);
/* The end is near: who waits for a database that cannot be reached waits no longer. */
void sb_engine_cancel_waits(sb_engine *engine);
/* What is known of an embedder (NULL or "": the engine's own) without loading a model. SB_MODEL, SB_NOT_FOUND. */
sb_status sb_engine_embedder(sb_engine *engine, const char *name, sb_embedder *out, sb_error *error);
/* The same for the model that a collection was made with: SB_MODEL when it is not here or has another dimension. */
sb_status sb_engine_collection_embedder(sb_engine *engine, const sb_store_collection *collection, sb_embedder *out,
                                        sb_error *error);
/* Loads the models unless they are there. SB_MODEL. */
sb_status sb_engine_models(sb_engine *engine, sb_error *error);

/* ---- people.c */

/* The collection by name (NULL: default); SB_NOT_FOUND, SB_INVALID. With `create` a missing default collection is made;
 * without it a missing default one gives row 0, which holds nobody. */
sb_status sb_engine_collection(sb_engine *engine, const char *name, bool create, sb_store_collection *out,
                               sb_error *error);

/* By id; row, out: NULL allowed. SB_NOT_FOUND. */
sb_status sb_engine_find_person(sb_engine *engine, const char *collection, const char *id, int64_t *row,
                                sb_people **out, sb_error *error);

/* Replaces some of a person's attributes by those of `attributes` (below zero: not known). SB_NOT_FOUND. */
enum { SB_DESCRIBE_AGE = 1, SB_DESCRIBE_GENDER = 2, SB_DESCRIBE_ETHNICITY = 4 };
sb_status sb_engine_describe(sb_engine *engine, const char *collection, const char *id, unsigned which,
                             const sb_attributes *attributes, sb_error *error);

/* ---- record.c: the audit, erasure, terms */

/* Notes an act that changes nothing. `collection` NULL: default. */
sb_status sb_engine_note(sb_engine *engine, const char *verb, const char *collection, int64_t person, int64_t count,
                         sb_error *error);
/* Notes a search: an entry a face, with the person where there was a match. */
sb_status sb_engine_note_search(sb_engine *engine, const sb_store_collection *collection,
                                const sb_search_result *result, sb_error *error);
/* Notes a login, or that one failed; to fail to do so is logged. */
void sb_engine_note_access(sb_engine *engine, const char *verb, sb_error *error);
/* For the server: to ask who may come in. To be closed before the engine is freed. */
sb_status sb_engine_access(sb_engine *engine, sb_access **out, sb_error *error);
/* For the command line: the gallery's store, for sb_access_...; it belongs to the engine. */
sb_store *sb_engine_store(sb_engine *engine);
sb_status sb_engine_audit(sb_engine *engine, int64_t after, size_t limit, sb_audit_visit visit, void *context,
                          sb_error *error);
sb_status sb_engine_audit_last(sb_engine *engine, int64_t *sequence, sb_error *error);
sb_status sb_engine_audit_verify(sb_engine *engine, const sb_audit_head *anchor, sb_audit_head *out, sb_error *error);

/* ---- keys.c */

sb_status sb_engine_keys(sb_engine *engine, sb_store_key_status *out, sb_error *error);
typedef struct sb_engine_rotation {
  bool root;                 /* a new root key in the folder's file, too */
  const char *new_root_file; /* or: wrap under the key in this file; NULL: not */
  sb_store_progress report;  /* NULL: none */
  void *context;
} sb_engine_rotation;
sb_status sb_engine_rotate(sb_engine *engine, const sb_engine_rotation *rotation, sb_error *error);
/* New transform for a collection; gives how many templates were turned. */
sb_status sb_engine_revoke(sb_engine *engine, const char *collection, size_t *templates, sb_error *error);

/* ---- template.c */

typedef struct sb_template_request {
  const char *collection; /* NULL: default */
  const char *id, *name;
  const float *vector; /* of any length but zero */
  size_t dim;
  const sb_attributes *attributes; /* NULL: none */
} sb_template_request;
/* Enrols a person by a template that was made elsewhere. SB_EXISTS, SB_INVALID, SB_NOT_FOUND (collection), the store's. */
sb_status sb_engine_enroll_template(sb_engine *engine, const sb_template_request *request, sb_error *error);

/* ---- flow.c: the way of a photo */

/* decode -> detect -> align -> embed: the faces of a photo. `model`: the embedder; NULL: the engine's. */
/* With `thumbnail` (NULL: none) also a picture of the largest face, where there is one. */
sb_status sb_flow_portrait(sb_engine *engine, sb_photo photo, unsigned want, const char *model, sb_faces **out,
                           sb_thumbnail *thumbnail, sb_error *error);
sb_status sb_flow_faces(sb_engine *engine, sb_photo photo, unsigned want, const char *model, sb_faces **out,
                        sb_error *error);
/* search -> name: the candidates for an embedding, best first; at most k. */
sb_status sb_flow_candidates(sb_engine *engine, const sb_store_collection *collection, const float *embedding, size_t k,
                             double threshold, sb_candidate **out, size_t *count, sb_error *error);

/* ---- verdict.c: what a score means */

/* The score from which two photos count as of one person. SB_INVALID: the target is out of range, or of a search. */
sb_status sb_verdict_threshold(const sb_embedder *embedder, const sb_target *target, double *threshold,
                               sb_error *error);
/* The same for a search among `faces`. */
sb_status sb_verdict_search_threshold(const sb_embedder *embedder, const sb_target *target, size_t faces,
                                      double *threshold, sb_error *error);
/* "cannot tell" begins here when `threshold` counts as a match. */
double sb_verdict_unsure(const sb_embedder *embedder, double threshold);
sb_verdict sb_verdict_of(const sb_embedder *embedder, double threshold, double similarity);
/* A photo that is too poor cannot say "not the same": mates get low scores from it. A high score stays what it is. */
sb_verdict sb_verdict_with_quality(const sb_embedder *embedder, sb_verdict verdict, const sb_quality *quality,
                                   sb_reason *reason);
/* What the liveness policy adds to `want`. */
unsigned sb_verdict_liveness_want(const sb_engine *engine);
/* Does the policy refuse this face? */
bool sb_verdict_refused(const sb_engine *engine, const sb_face *face);
/* Fills all of `out` but its faces, the first `photos` of which are there. */
void sb_verdict_compare(const sb_engine *engine, const sb_embedder *embedder, double threshold, double similarity,
                        size_t photos, sb_comparison *out);

/* ---- target.c: how sure a match must be, where an admin chose it at run time. It is kept with the gallery. */

bool sb_target_given(const sb_target *target); /* false: all zero */
/* Reads it from the store, where another server may have changed it. What cannot be trusted counts as not chosen, and is logged. */
sb_status sb_engine_target_refresh(sb_engine *engine, sb_error *error);
/* As it was last read; all zero: nobody chose. Never waits for the store. */
sb_target sb_engine_target(sb_engine *engine);
/* Counts from the next call of anything on. Exactly one number, or all zero to choose nothing. SB_INVALID: out of range, or a rate
 * for a model that nobody measured. */
sb_status sb_engine_target_set(sb_engine *engine, const sb_target *target, sb_error *error);

/* What a target means for a collection as it is now. */
typedef struct sb_target_meaning {
  sb_error
      why; /* unless its code is SB_OK: why this collection's model cannot keep the target; the rest is zero but people and faces */
  double threshold, unsure; /* of a search */
  double verify;            /* the threshold for two photos: a rate of searches says nothing about them */
  bool measured;            /* the rates are known */
  double fmr, fpir;         /* at `threshold`: best estimates */
  bool fmr_bound;           /* `fmr` is a bound: rates below are not claimed */
  size_t people, faces;
} sb_target_meaning;
/* SB_NOT_FOUND, SB_INVALID: the collection. */
sb_status sb_engine_target_explain(sb_engine *engine, const char *collection, const sb_target *target,
                                   sb_target_meaning *out, sb_error *error);

/* ---- models.c */

/* The folders of models: the options', or the installation's (sb_install_models_path), then <data_dir>/models. Released by free(). */
char *sb_models_path(const sb_engine_options *options, const char *data_dir, sb_error *error);

/* The models that the engine knows, as of sb_models_list. */
sb_status sb_engine_models_list(sb_engine *engine, sb_model_info **out, size_t *count, sb_error *error);

/* ---- report.c: the figures of the last published evaluation, a file of the gallery's folder */

enum { SB_REPORT_MAX = 4 << 20 };
/* Replaces the report: JSON that names no photo and no person. The folder as of sb_engine_folder. */
sb_status sb_report_write(const char *folder, const char *json, size_t size, sb_error *error);
/* `*json` is NUL-terminated and released by free(). SB_NOT_FOUND: none was published. */
sb_status sb_engine_report(sb_engine *engine, char **json, size_t *size, sb_error *error);

/* ---- results.c */
void sb_candidates_free(sb_candidate *candidates, size_t count);

#endif
