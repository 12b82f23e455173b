/* Long work that goes on when the client has gone: imports and what goes over a whole gallery. One works at a time,
 * the others wait. */
#ifndef SB_HTTP_JOBS_H
#define SB_HTTP_JOBS_H

#include "import/import.h"

#include <jansson.h>

/* Locked. Jobs are in memory: they end with the server; what is sent again skips what was enrolled. */
typedef struct sb_http_jobs sb_http_jobs;
sb_status sb_http_jobs_new(sb_engine *engine, int workers, sb_http_jobs **out, sb_error *error);
/* Stops the work after the photos that are in work. */
void sb_http_jobs_free(sb_http_jobs *jobs);

enum { SB_HTTP_JOB_ID = 16, SB_HTTP_JOBS_MAX = 41 };
typedef enum sb_http_job_kind {
  SB_HTTP_JOB_IMPORT, /* enrols the people of the bundle in `collection` */
  SB_HTTP_JOB_REEMBED, /* enrols the people of `collection` in `into`, whose model is another, from their photos: nobody keeps those */
  SB_HTTP_JOB_CLUSTER, /* puts the faces of the bundle together by person; `collection` gives names */
  SB_HTTP_JOB_DEDUP,   /* looks for people of `collection` who are one; no bundle */
} sb_http_job_kind;
typedef struct sb_http_job_request {
  sb_http_job_kind kind;
  sb_import *bundle;
  const char *collection, *into, *consent; /* NULL: "" */
  const char *model;                       /* of the collection, for cluster; NULL: the engine's */
  unsigned flags;                          /* SB_ENROLL_* beside ADD and SKIP_KNOWN */
  sb_target target;                        /* of cluster and dedup */
  size_t limit;                            /* of pairs that dedup lists */
} sb_http_job_request;
/* The bundle is taken over, whatever comes out. SB_BUSY: too many wait. */
sb_status sb_http_jobs_add(sb_http_jobs *jobs, const sb_http_job_request *request, char id[SB_HTTP_JOB_ID + 1],
                           sb_error *error);
/* What a cluster or dedup job found, as JSON; released by free(). SB_NOT_FOUND: also of another kind, and before it
 * is done. */
sb_status sb_http_jobs_result(sb_http_jobs *jobs, const char *id, char **out, sb_error *error);
/* The job as JSON; SB_NOT_FOUND. `*version` (NULL allowed) grows with each change, `*ended` (NULL allowed): it will
 * not. */
sb_status sb_http_jobs_get(sb_http_jobs *jobs, const char *id, json_t **out, uint64_t *version, bool *ended,
                           sb_error *error);
json_t *sb_http_jobs_list(sb_http_jobs *jobs); /* newest first */
typedef enum sb_http_job_order { SB_HTTP_JOB_PAUSE, SB_HTTP_JOB_RESUME, SB_HTTP_JOB_CANCEL } sb_http_job_order;
sb_status sb_http_jobs_order(sb_http_jobs *jobs, const char *id, sb_http_job_order order, sb_error *error);
/* What was refused and why, as CSV with a heading. */
sb_status sb_http_jobs_refused(sb_http_jobs *jobs, const char *id, sb_buffer *out, sb_error *error);

#endif
