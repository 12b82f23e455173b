/* Background jobs of the server: imports, re-embedding, clustering, deduplication. A job goes on when the client that
 * posted it has disconnected. One job runs at a time, over several threads; the others wait in a queue. */
#ifndef SB_HTTP_JOBS_H
#define SB_HTTP_JOBS_H

#include "http/core/auth.h"
#include "import/import.h"

#include <jansson.h>

/* Locked. Jobs are kept in memory and end with the server. An import that is posted again skips the photos that are
 * enrolled already. */
typedef struct sb_http_jobs sb_http_jobs;
sb_status sb_http_jobs_new(sb_engine *engine, int workers, sb_http_jobs **out, sb_error *error);
/* Stops the running job after the photos that its threads have begun. */
void sb_http_jobs_free(sb_http_jobs *jobs);

enum { SB_HTTP_JOB_ID = 16, SB_HTTP_JOBS_MAX = 41 };
typedef enum sb_http_job_kind {
  SB_HTTP_JOB_IMPORT,  /* enrols the people of the bundle in `collection` */
  SB_HTTP_JOB_REEMBED, /* enrols the people of `collection` in `into`, which has another model; photos are not stored,
                          so the bundle brings them once more */
  SB_HTTP_JOB_CLUSTER, /* groups the faces of the bundle by person; people of `collection` give names to groups */
  SB_HTTP_JOB_DEDUP,   /* finds people of `collection` who seem to be the same person; no bundle */
} sb_http_job_kind;
typedef struct sb_http_job_request {
  sb_http_job_kind kind;
  sb_import *bundle;
  const char *collection, *into, *consent; /* NULL: "" */
  const char *model;                       /* for cluster, that of the collection; NULL: the engine's */
  unsigned flags;                          /* SB_ENROLL_*; ADD and SKIP_KNOWN are always set */
  sb_target target;                        /* operating point, for cluster and dedup */
  size_t limit;                            /* most pairs in the result of dedup */
  bool collages;                           /* for cluster: a photo may show a person several times */
  bool preview;                            /* for import: say first what it would do, and wait to be resumed */
} sb_http_job_request;
/* Queues a job. Takes the bundle over, also when it fails. SB_BUSY: too many jobs wait. */
sb_status sb_http_jobs_add(sb_http_jobs *jobs, const sb_http_job_request *request, char id[SB_HTTP_JOB_ID + 1],
                           sb_error *error);
/* Of the jobs, a caller sees those that it posted itself, with the same key or as the same person; an admin sees all of
 * the collections that the key is for. To anybody else a job does not exist: its file names may be people's names.
 *
 * The result of a cluster or dedup job, or the preview of an import, as JSON; released by free(). SB_NOT_FOUND for a
 * job of another kind, too, and before it is done. */
sb_status sb_http_jobs_result(sb_http_jobs *jobs, const sb_http_principal *caller, const char *id, char **out,
                              sb_error *error);
/* The job as JSON; SB_NOT_FOUND. `*version` (NULL allowed) grows with each change; `*ended` (NULL allowed): nothing
 * will change any more. */
sb_status sb_http_jobs_get(sb_http_jobs *jobs, const sb_http_principal *caller, const char *id, json_t **out,
                           uint64_t *version, bool *ended, sb_error *error);
json_t *sb_http_jobs_list(sb_http_jobs *jobs, const sb_http_principal *caller); /* newest first */
typedef enum sb_http_job_order { SB_HTTP_JOB_PAUSE, SB_HTTP_JOB_RESUME, SB_HTTP_JOB_CANCEL } sb_http_job_order;
sb_status sb_http_jobs_order(sb_http_jobs *jobs, const sb_http_principal *caller, const char *id,
                             sb_http_job_order order, sb_error *error);
/* The photos that were refused and why, as CSV with a heading. */
sb_status sb_http_jobs_refused(sb_http_jobs *jobs, const sb_http_principal *caller, const char *id, sb_buffer *out,
                               sb_error *error);

#endif
