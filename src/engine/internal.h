/* The inside of an engine, for the files of this folder.
 *
 * The files build on each other in this order; no file calls one of a later line:
 *
 *   calls.c                                 which calls are in progress
 *   locations.c                             folders and addresses
 *   embedders.c, model_loader.c             what is known of an embedder; loading the models
 *   indexed_row.c, search_batcher.c,
 *   collection_indexes.c                    the indexes in memory, in step with the store
 *   collections.c, audit.c                  a collection by name, with the actor's scope; audit entries
 *   verdict.c, operating_point.c            what a score means; how sure a match must be
 *   child_rule.c                            no match is said where a face looks like a child's
 *   live_person.c                           who is enrolled or verified passed a challenge
 *   index_refresher.c                       the thread that follows a shared database
 *   density.c, candidates.c                 densities of faces; embedding -> candidates
 *   thumbnail.c, flow.c                     photo -> faces -> candidates
 *   film.c                                  pictures of a film -> tracks -> candidates
 *   people.c, enroll.c, faces.c, ...        verbs, a file a family
 *   engine.c                                lifecycle and state
 *
 * Locks, in the order in which they may be taken: `reading_point`, then `lock`. Neither is held while a model runs or
 * the index is searched, and only `reading_point` while the store is asked: it exists for that. */
#ifndef SB_ENGINE_INTERNAL_H
#define SB_ENGINE_INTERNAL_H

#include "engine/engine.h"
#include "face/face.h"
#include "store/store.h"

struct sb_engine {
  char *data_dir, *models_path, *cache_dir;
  char *model, *pipeline_name, *calibration, *device; /* as asked for; NULL: the defaults */
  int workers, threads;
  bool flip;
  bool search_remotely;  /* of sb_engine_options */
  int hnsw;              /* of sb_engine_options */
  bool strict_single;    /* of sb_engine_options: SB_ENROLL_STRICT_SINGLE for every enrolment */
  bool thumbnails;       /* of sb_engine_options: stored with new faces, and given out */
  unsigned no_estimates; /* of sb_engine_options */
  sb_liveness_policy liveness;
  sb_children_policy children;
  sb_store *store;
  struct sb_collection_indexes *indexes;
  struct sb_engine_refresher *refresher;         /* NULL: none */
  struct sb_engine_density_refresher *densities; /* NULL: none */
  sb_pool *pool;                                 /* of sb_worker */
  struct sb_engine_event_signal *event_signal;   /* wakes those who wait for an event (events.c) */
  pthread_mutex_t access_lock;                   /* guards `access` until it is set */
  struct sb_access *access;                      /* opened when first needed (access.c) */
  /* Held while the operating point is read from the store or written there, so that the newest wins. */
  pthread_mutex_t reading_point;
  pthread_mutex_t lock;   /* guards what follows */
  pthread_cond_t changed; /* `calls` reached 0, or loading the models ended */
  size_t calls;           /* in progress */
  bool closing;
  bool camera;                  /* a server: load at once what pictures of a camera's size need */
  sb_target operating_point;    /* chosen by an admin; all zero: none */
  bool operating_point_damaged; /* what the store holds of it cannot be trusted */
  sb_pipeline *pipeline;
  sb_worker **all_workers; /* to free them */
  sb_embedder *embedders;  /* those that were asked for so far; the first is the engine's own */
  size_t embedder_count;
  sb_engine_state state; /* of the models */
  char state_message[512];
};

/* ---- calls.c: every public function stands between these two, so that sb_engine_free can wait for it. */

sb_status sb_engine_enter(sb_engine *engine, sb_error *error); /* SB_STOPPING */
void sb_engine_leave(sb_engine *engine);

/* ---- template.c */

/* Checks a vector of `given` numbers against the model's `dim`, and scales it to unit length. SB_INVALID. */
sb_status sb_engine_template_unit(const float *vector, size_t given, size_t dim, float *unit, sb_error *error);

/* ---- embedders.c */

enum { SB_ENGINE_CAMERA_WIDTH = 640, SB_ENGINE_CAMERA_HEIGHT = 480 }; /* what most cameras give */

/* The configuration of this engine's pipeline; borrows from the engine. */
sb_pipeline_config sb_engine_pipeline_config(const sb_engine *engine);
/* What is known of an embedder (NULL or "": the engine's own) without loading a model. SB_MODEL, SB_NOT_FOUND. */
sb_status sb_engine_embedder(sb_engine *engine, const char *name, sb_embedder *out, sb_error *error);
/* The same for the model that a collection was made with. SB_MODEL: it is not installed, or has another dimension. */
sb_status sb_engine_collection_embedder(sb_engine *engine, const sb_store_collection *collection, sb_embedder *out,
                                        sb_error *error);

/* ---- model_loader.c */

/* Loads the models unless they are loaded. SB_MODEL. */
sb_status sb_engine_load_models(sb_engine *engine, sb_error *error);

/* ---- collections.c */

/* sb_engine_enter and sb_engine_find_person in one; to be followed by sb_engine_leave unless it failed. */
sb_status sb_engine_enter_person(sb_engine *engine, const char *name, const char *id, int64_t *row, sb_error *error);
/* A person by id, in the collection of that name (NULL: default). `collection`, `row`, `out`: NULL allowed.
 * SB_NOT_FOUND. */
sb_status sb_engine_find_person(sb_engine *engine, const char *name, const char *id, sb_store_collection *collection,
                                int64_t *row, sb_people **out, sb_error *error);

/* ---- audit.c */

sb_status sb_engine_audit_event(sb_engine *engine, const sb_audit_event *event, sb_error *error);
/* The same for an act that says who somebody is. Its verb says so where children are matched like adults: "verify
 * children=match". */
sb_status sb_engine_audit_verdict(sb_engine *engine, const sb_audit_event *event, sb_error *error);
/* Adds the entries of a search: one a face, with the row of the person that it matched (`matched`, 0: none); of a
 * camera's frame only what its watch has not had lately. */
sb_status sb_engine_audit_search(sb_engine *engine, int64_t collection, const sb_search_result *result,
                                 const int64_t *matched, sb_search_watch *watch, sb_error *error);

/* ---- embedders.c */

/* Reads a calibration file of this model (NULL: of any). SB_INVALID: it is damaged, or of another model. */
sb_status sb_engine_calibration_read(const char *path, const char *model, sb_calibration *out, sb_error *error);

/* ---- operating_point.c */

/* Reads it from the store, where another server may have changed it. A damaged one is logged, and ignored. */
sb_status sb_engine_operating_point_refresh(sb_engine *engine, sb_error *error);

/* ---- people.c */

/* The texts that a person agreed to, each NULL or "" where there is none. SB_INVALID names the one that is too long. */
sb_status sb_engine_check_terms(const char *consent, const char *purpose, sb_error *error);

/* ---- events.c */

sb_status sb_engine_event_signal_new(sb_engine *engine, sb_error *error);
void sb_engine_event_signal_free(sb_engine *engine);

/* ---- results.c */

void sb_candidates_free(sb_candidate *candidates, size_t count);

#endif
