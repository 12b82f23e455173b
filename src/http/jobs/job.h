/* Private to jobs/: one job, and the steps that make up its kind. jobs.c runs the steps; job_enroll.c and job_group.c
 * implement them. */
#ifndef SB_HTTP_JOBS_JOB_H
#define SB_HTTP_JOBS_JOB_H

#include "http/jobs/jobs.h"

typedef enum sb_http_job_state {
  SB_HTTP_JOB_QUEUED,
  SB_HTTP_JOB_READING,
  SB_HTTP_JOB_PREVIEW, /* waits for somebody to look at the preview: resumed, the job is queued again */
  SB_HTTP_JOB_RUNNING,
  SB_HTTP_JOB_PAUSED,
  SB_HTTP_JOB_DONE,
  SB_HTTP_JOB_CANCELLED,
  SB_HTTP_JOB_FAILED
} sb_http_job_state;

typedef struct sb_http_job_refusal {
  char *path, *message;
  sb_status code;
} sb_http_job_refusal;

typedef struct sb_http_job sb_http_job;

/* Called in the name of the caller who posted the job (sb_actor). */
typedef struct sb_http_job_steps {
  sb_status (*begin)(sb_http_job *job, sb_error *error); /* before the photos, by one thread; NULL: nothing to do */
  /* Processes one photo; called by several threads at once. A fault of the photo (SB_FAULT_INPUT) is noted as a refusal
   * and the job goes on; any other failure ends the job. */
  sb_status (*photo)(sb_http_job *job, const sb_import_item *item, sb_photo photo, sb_error *error);
  /* Called after the photos, by one thread; NULL: nothing to do. */
  sb_status (*finish)(sb_http_job *job, sb_error *error);
  void (*clear)(sb_http_job *job); /* releases what the steps held; NULL: nothing */
} sb_http_job_steps;
extern const sb_http_job_steps sb_http_job_import, sb_http_job_reembed; /* job_enroll.c */
extern const sb_http_job_steps sb_http_job_preview;                     /* job_preview.c: the first half of an import */
extern const sb_http_job_steps sb_http_job_cluster, sb_http_job_dedup;  /* job_group.c */
/* job_result.c: the result of a job. Takes `json` over. */
sb_status sb_http_job_keep_result(sb_http_job *job, json_t *json, sb_error *error);

struct sb_http_job {
  char id[SB_HTTP_JOB_ID + 1];
  sb_http_jobs *jobs;
  sb_http_job_kind kind;
  const sb_http_job_steps *steps; /* of an import with a preview, the preview's first */
  sb_actor caller;
  char *collection, *into, *consent, *model;
  unsigned flags;
  sb_target target;
  size_t limit;
  bool collages; /* as in sb_cluster_request */
  /* The lock of `jobs` guards what follows. */
  sb_http_job_state state;
  bool pause, cancel;
  uint64_t version;
  sb_import *bundle; /* NULL: none, or the job has ended, which erases the photos */
  size_t next, total, looked, enrolled, skipped, passed_over, warnings, refused_count, refused_more, refused_bytes;
  sb_http_job_refusal *refused;
  char *result;                  /* JSON; NULL: none, or none yet */
  struct sb_http_job_seen *seen; /* the faces of a cluster job so far; NULL: none */
  struct sb_http_job_preview *preview;
  sb_error error; /* why it failed */
  int64_t created_ms, ended_ms;
  int64_t previewed_ms; /* when the preview was ready; 0: there is none */
};

struct sb_http_jobs {
  sb_engine *engine;
  int workers;
  pthread_mutex_t lock; /* guards what follows, and the jobs' fields from `state` on */
  pthread_cond_t changed;
  pthread_t thread;
  bool started, stopping;
  size_t count;
  sb_http_job *list[SB_HTTP_JOBS_MAX]; /* oldest first */
};

#endif
