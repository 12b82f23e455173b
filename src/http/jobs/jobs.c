/* The queue of jobs and the thread that runs them, one at a time.
 *
 * A job's photos are processed by as many threads as the engine has workers; each takes the next item of the bundle
 * under the lock. States: queued -> reading (the bundle is resolved) -> running <-> paused -> done, cancelled or
 * failed. The bundle is erased when the job ends. The last 32 jobs are kept for those who ask. */
#include "crypto/crypto.h"
#include "http/jobs/job.h"
#include "json/write.h"

#include <stdlib.h>
#include <string.h>

enum {
  KEPT = SB_HTTP_JOBS_MAX - 9, /* jobs that have ended and can still be asked about */
  WAITING_MAX = 8,
  PREVIEW_MS = 3600000,        /* how long a preview waits, once another job wants its place */
  REFUSED_MAX = 100000,        /* refusals that are listed; beyond it they are only counted */
  REFUSED_BYTES_MAX = 4 << 20, /* and of the texts that they take */
  THREADS_MAX = 64,
  SHOWN = 100 /* the newest refusals, in the job's JSON */
};
#define NO_JOB "there is no job with this id; jobs end when the server stops"
typedef sb_http_job job;

static const char *const state_words[] = {"queued", "reading", "preview",   "running",
                                          "paused", "done",    "cancelled", "failed"};
static const char *const kind_words[] = {"import", "reembed", "cluster", "dedup"};

static void job_free(job *j) {
  if (!j) return;
  for (size_t i = 0; i < j->refused_count; i++) {
    free(j->refused[i].path);
    free(j->refused[i].message);
  }
  free(j->refused);
  free(j->collection);
  free(j->into);
  free(j->consent);
  free(j->model);
  free(j->result);
  sb_import_free(j->bundle);
  free(j);
}

static bool has_ended(const job *j) {
  return j->state == SB_HTTP_JOB_DONE || j->state == SB_HTTP_JOB_CANCELLED || j->state == SB_HTTP_JOB_FAILED;
}

/* ---- The photos of a job, in several threads */

static sb_status add_refusal(job *j, const char *path, const sb_error *error) {
  size_t bytes = strlen(path) + strlen(error->message) + sizeof *j->refused;
  if (j->refused_count == REFUSED_MAX || j->refused_bytes + bytes > REFUSED_BYTES_MAX) {
    j->refused_more++;
    return SB_OK;
  }
  void *grown = j->refused;
  sb_status status = SB_OK;
  if (!(j->refused_count & (j->refused_count - 1)))
    status = sb_grow(&grown, j->refused_count ? 2 * j->refused_count : 1, sizeof *j->refused, NULL);
  if (status != SB_OK) return status;
  j->refused = grown;
  sb_http_job_refusal *refusal = &j->refused[j->refused_count++];
  *refusal = (sb_http_job_refusal){sb_strdup(path, NULL), sb_strdup(error->message, NULL), error->code};
  j->refused_bytes += bytes;
  return refusal->path && refusal->message ? SB_OK : SB_NO_MEMORY;
}

/* A fault of the photo is noted and the job goes on. Any other failure ends it: the next photo would fail as well. */
static void photo_done(job *j, const sb_import_item *item, sb_status status, const sb_error *error) {
  bool passed_over = sb_import_passes_over(item, status);
  pthread_mutex_lock(&j->jobs->lock);
  j->passed_over += passed_over;
  j->looked += status == SB_OK;
  if (!passed_over && status != SB_OK &&
      (sb_status_fault(status) != SB_FAULT_INPUT || add_refusal(j, item->path, error) != SB_OK)) {
    j->error = *error;
    j->cancel = true;
  }
  j->version++;
  pthread_mutex_unlock(&j->jobs->lock);
}

/* The next photo; NULL after the last one, when the job was cancelled, or when the server stops. Waits while paused. */
static const sb_import_item *next_photo(job *j) {
  const sb_import_item *item = NULL;
  pthread_mutex_lock(&j->jobs->lock);
  while (j->pause && !j->cancel && !j->jobs->stopping) pthread_cond_wait(&j->jobs->changed, &j->jobs->lock);
  if (!j->cancel && !j->jobs->stopping && j->next < j->total) item = &j->bundle->items[j->next++];
  pthread_mutex_unlock(&j->jobs->lock);
  return item;
}

static void *process_photos(void *context) {
  job *j = context;
  sb_actor_set(j->caller.name, j->caller.collection);
  for (const sb_import_item *item; (item = next_photo(j));) {
    sb_error error = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    sb_status status = sb_import_read(j->bundle, item, &bytes, &size, &error);
    if (status == SB_OK) status = j->steps->photo(j, item, (sb_photo){bytes, size}, &error);
    photo_done(j, item, status, &error);
    free(bytes);
  }
  sb_actor_set(NULL, NULL);
  return NULL;
}

static void run_threads(job *j) {
  pthread_t threads[THREADS_MAX];
  int wanted = j->jobs->workers < THREADS_MAX ? j->jobs->workers : THREADS_MAX, started = 0;
  while (started < wanted - 1 && !pthread_create(&threads[started], NULL, process_photos, j)) started++;
  process_photos(j);
  for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
}

/* The step after the photos, unless the job was cancelled or has failed. */
static sb_status finish(job *j, sb_error *error) {
  pthread_mutex_lock(&j->jobs->lock);
  bool over = j->cancel || j->jobs->stopping;
  pthread_mutex_unlock(&j->jobs->lock);
  if (over || !j->steps->finish) return SB_OK;
  sb_actor_set(j->caller.name, j->caller.collection);
  sb_status status = j->steps->finish(j, error);
  sb_actor_set(NULL, NULL);
  return status;
}

static void end_job(job *j, sb_status status, const sb_error *error) {
  pthread_mutex_lock(&j->jobs->lock);
  if (status != SB_OK) j->error = *error;
  j->state = j->error.code != SB_OK           ? SB_HTTP_JOB_FAILED
             : j->cancel || j->jobs->stopping ? SB_HTTP_JOB_CANCELLED
                                              : SB_HTTP_JOB_DONE;
  j->ended_ms = sb_now_ms();
  j->version++;
  sb_import *bundle = j->bundle;
  j->bundle = NULL;
  pthread_mutex_unlock(&j->jobs->lock);
  sb_import_free(bundle);
}

/* The preview is ready: the import itself is next, once the job is resumed. False: it was cancelled meanwhile. */
static bool wait_for_consent(job *j) {
  pthread_mutex_lock(&j->jobs->lock);
  bool waits = !j->cancel && !j->jobs->stopping;
  if (waits) {
    j->steps = &sb_http_job_import;
    j->state = SB_HTTP_JOB_PREVIEW;
    j->previewed_ms = sb_now_ms();
    j->version++;
  }
  pthread_mutex_unlock(&j->jobs->lock);
  return waits;
}

/* The import counts again what its preview has counted. Under the lock. */
static void forget_counts(job *j) {
  for (size_t i = 0; i < j->refused_count; i++) {
    free(j->refused[i].path);
    free(j->refused[i].message);
  }
  free(j->refused);
  j->refused = NULL;
  j->next = j->looked = j->enrolled = j->skipped = j->passed_over = j->warnings = 0;
  j->refused_count = j->refused_more = j->refused_bytes = 0;
}

static sb_status begin(job *j, sb_error *error) {
  sb_status status = j->bundle && !j->previewed_ms ? sb_import_resolve(j->bundle, error) : SB_OK;
  if (status == SB_OK && j->steps->begin) status = j->steps->begin(j, error);
  pthread_mutex_lock(&j->jobs->lock);
  forget_counts(j);
  j->total = status == SB_OK && j->bundle ? j->bundle->count : 0;
  if (status == SB_OK) j->state = j->pause ? SB_HTTP_JOB_PAUSED : SB_HTTP_JOB_RUNNING;
  j->version++;
  pthread_mutex_unlock(&j->jobs->lock);
  return status;
}

static void run_job(job *j) {
  sb_error error = {0};
  const sb_http_job_steps *steps = j->steps;
  sb_status status = begin(j, &error);
  if (status == SB_OK && j->bundle) run_threads(j);
  if (status == SB_OK) status = finish(j, &error);
  if (steps->clear) steps->clear(j);
  bool waits = steps == &sb_http_job_preview && status == SB_OK && wait_for_consent(j);
  if (!waits) end_job(j, status, &error);
}

/* ---- The list */

static job *next_waiting(const sb_http_jobs *jobs) {
  for (size_t i = 0; i < jobs->count; i++)
    if (jobs->list[i]->state == SB_HTTP_JOB_QUEUED) return jobs->list[i];
  return NULL;
}

static void *work(void *context) {
  sb_http_jobs *jobs = context;
  pthread_mutex_lock(&jobs->lock);
  while (!jobs->stopping) {
    job *j = next_waiting(jobs);
    if (!j) {
      pthread_cond_wait(&jobs->changed, &jobs->lock);
      continue;
    }
    j->state = SB_HTTP_JOB_READING;
    j->version++;
    pthread_mutex_unlock(&jobs->lock);
    run_job(j);
    pthread_mutex_lock(&jobs->lock);
  }
  pthread_mutex_unlock(&jobs->lock);
  return NULL;
}

sb_status sb_http_jobs_new(sb_engine *engine, int workers, sb_http_jobs **out, sb_error *error) {
  sb_http_jobs *jobs = sb_alloc(1, sizeof *jobs, error);
  if (!jobs) return SB_NO_MEMORY;
  jobs->engine = engine;
  jobs->workers = workers;
  pthread_mutex_init(&jobs->lock, NULL);
  pthread_cond_init(&jobs->changed, NULL);
  int failure = pthread_create(&jobs->thread, NULL, work, jobs);
  jobs->started = !failure;
  if (failure) {
    sb_http_jobs_free(jobs);
    return sb_fail_errno(error, failure, "start a thread for jobs", NULL);
  }
  *out = jobs;
  return SB_OK;
}

void sb_http_jobs_free(sb_http_jobs *jobs) {
  if (!jobs) return;
  pthread_mutex_lock(&jobs->lock);
  jobs->stopping = true;
  pthread_cond_broadcast(&jobs->changed);
  pthread_mutex_unlock(&jobs->lock);
  if (jobs->started) pthread_join(jobs->thread, NULL);
  for (size_t i = 0; i < jobs->count; i++) job_free(jobs->list[i]);
  pthread_cond_destroy(&jobs->changed);
  pthread_mutex_destroy(&jobs->lock);
  free(jobs);
}

/* Whoever left a preview alone does not want the import: its photos are erased. */
static void drop_old_previews(sb_http_jobs *jobs) {
  for (size_t i = 0; i < jobs->count; i++) {
    job *j = jobs->list[i];
    if (j->state != SB_HTTP_JOB_PREVIEW || sb_now_ms() - j->previewed_ms < PREVIEW_MS) continue;
    j->state = SB_HTTP_JOB_CANCELLED;
    j->ended_ms = sb_now_ms();
    j->version++;
    sb_import_free(j->bundle);
    j->bundle = NULL;
  }
}

/* Makes room by dropping the oldest job that has ended. */
static bool make_room(sb_http_jobs *jobs) {
  size_t waiting = 0;
  drop_old_previews(jobs);
  for (size_t i = 0; i < jobs->count; i++) waiting += !has_ended(jobs->list[i]);
  if (waiting > WAITING_MAX) return false;
  if (jobs->count <= KEPT) return true;
  for (size_t i = 0; i < jobs->count; i++) {
    if (!has_ended(jobs->list[i])) continue;
    job_free(jobs->list[i]);
    memmove(&jobs->list[i], &jobs->list[i + 1], (jobs->count - i - 1) * sizeof *jobs->list);
    jobs->count--;
    return true;
  }
  return false;
}

static sb_status job_new(sb_http_jobs *jobs, const sb_http_job_request *request, job **out, sb_error *error) {
  static const sb_http_job_steps *const steps[] = {&sb_http_job_import, &sb_http_job_reembed, &sb_http_job_cluster,
                                                   &sb_http_job_dedup};
  job *j = sb_alloc(1, sizeof *j, error);
  if (!j) {
    sb_import_free(request->bundle);
    return SB_NO_MEMORY;
  }
  uint8_t random[SB_HTTP_JOB_ID / 2];
  sb_crypto_random(random, sizeof random);
  *j = (job){.jobs = jobs,
             .kind = request->kind,
             .steps = request->preview ? &sb_http_job_preview : steps[request->kind],
             .caller = *sb_actor_get(),
             .flags = request->flags,
             .target = request->target,
             .limit = request->limit,
             .collages = request->collages,
             .bundle = request->bundle,
             .created_ms = sb_now_ms()};
  sb_hex(random, sizeof random, j->id);
  j->collection = sb_strdup(request->collection, error);
  j->into = sb_strdup(request->into, error);
  j->consent = sb_strdup(request->consent, error);
  j->model = sb_strdup(request->model, error);
  *out = j;
  return j->collection && j->into && j->consent && j->model ? SB_OK : SB_NO_MEMORY;
}

sb_status sb_http_jobs_add(sb_http_jobs *jobs, const sb_http_job_request *request, char id[SB_HTTP_JOB_ID + 1],
                           sb_error *error) {
  job *j = NULL;
  sb_status status = job_new(jobs, request, &j, error);
  pthread_mutex_lock(&jobs->lock);
  if (status == SB_OK && !make_room(jobs))
    status = sb_fail(error, SB_BUSY, "too many jobs are waiting: try again when one has ended");
  if (status == SB_OK) {
    memcpy(id, j->id, sizeof j->id);
    jobs->list[jobs->count++] = j;
    pthread_cond_broadcast(&jobs->changed);
  }
  pthread_mutex_unlock(&jobs->lock);
  if (status != SB_OK) job_free(j);
  return status;
}

static bool may_see(const sb_http_principal *caller, const job *j) {
  if (*caller->collection && strcmp(caller->collection, j->collection) != 0) return false;
  return sb_http_principal_is_admin(caller) || !strcmp(caller->actor, j->caller.name);
}

static job *find(const sb_http_jobs *jobs, const sb_http_principal *caller, const char *id) {
  for (size_t i = 0; i < jobs->count; i++)
    if (!strcmp(jobs->list[i]->id, id) && may_see(caller, jobs->list[i])) return jobs->list[i];
  return NULL;
}

static json_t *job_json(const job *j) {
  json_t *refused = json_array();
  for (size_t i = j->refused_count > SHOWN ? j->refused_count - SHOWN : 0; i < j->refused_count; i++)
    json_array_append_new(refused, json_pack("{s:s,s:s,s:s}", "path", j->refused[i].path, "code",
                                             sb_status_code(j->refused[i].code), "message", j->refused[i].message));
  json_t *json = json_pack(
      "{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:o,s:o,s:o}", "id", j->id, "kind", kind_words[j->kind],
      "state", state_words[j->state], "collection", j->collection, "total", (json_int_t)j->total, "done",
      (json_int_t)(j->looked + j->passed_over + j->refused_count + j->refused_more), "enrolled",
      (json_int_t)j->enrolled, "skipped", (json_int_t)j->skipped, "passed_over", (json_int_t)j->passed_over, "refused",
      (json_int_t)j->refused_count + (json_int_t)j->refused_more, "possible_duplicates", (json_int_t)j->warnings,
      "has_result", j->result != NULL, "created", sb_json_time(j->created_ms), "ended", sb_json_time(j->ended_ms),
      "last_refused", refused);
  if (json && j->steps == &sb_http_job_preview) json_object_set_new(json, "previewing", json_true());
  if (json && *j->into) json_object_set_new(json, "into", json_string(j->into));
  if (json && j->error.code != SB_OK) json_object_set_new(json, "message", json_string(j->error.message));
  return json;
}

sb_status sb_http_jobs_get(sb_http_jobs *jobs, const sb_http_principal *caller, const char *id, json_t **out,
                           uint64_t *version, bool *ended, sb_error *error) {
  pthread_mutex_lock(&jobs->lock);
  const job *j = find(jobs, caller, id);
  sb_status status = j ? SB_OK : sb_fail(error, SB_NOT_FOUND, NO_JOB);
  if (j) {
    *out = job_json(j);
    if (version) *version = j->version;
    if (ended) *ended = has_ended(j);
  }
  pthread_mutex_unlock(&jobs->lock);
  return status;
}

json_t *sb_http_jobs_list(sb_http_jobs *jobs, const sb_http_principal *caller) {
  json_t *list = json_array();
  pthread_mutex_lock(&jobs->lock);
  for (size_t i = jobs->count; i > 0; i--)
    if (may_see(caller, jobs->list[i - 1])) json_array_append_new(list, job_json(jobs->list[i - 1]));
  pthread_mutex_unlock(&jobs->lock);
  return list;
}

sb_status sb_http_jobs_result(sb_http_jobs *jobs, const sb_http_principal *caller, const char *id, char **out,
                              sb_error *error) {
  pthread_mutex_lock(&jobs->lock);
  const job *j = find(jobs, caller, id);
  sb_status status = j ? SB_OK : sb_fail(error, SB_NOT_FOUND, NO_JOB);
  if (j && !j->result)
    status = sb_fail(
        error, SB_NOT_FOUND,
        "this job has no result: cluster and dedup jobs have one when they are done, an import when its preview is");
  if (status == SB_OK && !(*out = sb_strdup(j->result, error))) status = SB_NO_MEMORY;
  pthread_mutex_unlock(&jobs->lock);
  return status;
}

sb_status sb_http_jobs_order(sb_http_jobs *jobs, const sb_http_principal *caller, const char *id,
                             sb_http_job_order order, sb_error *error) {
  sb_import *bundle = NULL;
  pthread_mutex_lock(&jobs->lock);
  job *j = find(jobs, caller, id);
  sb_status status = j ? SB_OK : sb_fail(error, SB_NOT_FOUND, NO_JOB);
  if (j && !has_ended(j)) {
    if (order == SB_HTTP_JOB_CANCEL) j->cancel = true;
    bool waits = j->state == SB_HTTP_JOB_QUEUED || j->state == SB_HTTP_JOB_PREVIEW;
    if (order == SB_HTTP_JOB_RESUME && j->state == SB_HTTP_JOB_PREVIEW) j->state = SB_HTTP_JOB_QUEUED;
    if (order == SB_HTTP_JOB_CANCEL && waits) {
      j->state = SB_HTTP_JOB_CANCELLED;
      j->ended_ms = sb_now_ms();
      bundle = j->bundle;
      j->bundle = NULL;
    }
    if (order != SB_HTTP_JOB_CANCEL) j->pause = order == SB_HTTP_JOB_PAUSE;
    if (j->state == SB_HTTP_JOB_RUNNING || j->state == SB_HTTP_JOB_PAUSED)
      j->state = j->pause && !j->cancel ? SB_HTTP_JOB_PAUSED : SB_HTTP_JOB_RUNNING;
    j->version++;
    pthread_cond_broadcast(&jobs->changed);
  }
  pthread_mutex_unlock(&jobs->lock);
  sb_import_free(bundle);
  return status;
}

/* A quoted field. One that begins with "=", "+", "-" or "@" gets a "'" before it, so that a spreadsheet does not run
 * it as a formula. */
static sb_status add_field(sb_buffer *out, const char *text, char end, sb_error *error) {
  sb_status status = sb_buffer_addf(out, error, "\"%s", *text && strchr("=+-@", *text) ? "'" : "");
  for (const char *c = text; *c && status == SB_OK; c++)
    status = *c == '"' ? sb_buffer_add(out, "\"\"", 2, error) : sb_buffer_add(out, c, 1, error);
  return status == SB_OK ? sb_buffer_addf(out, error, "\"%c", end) : status;
}

static sb_status add_row(sb_buffer *out, const sb_http_job_refusal *refusal, sb_error *error) {
  sb_status status = add_field(out, refusal->path, ',', error);
  if (status != SB_OK) return status;
  status = add_field(out, sb_status_code(refusal->code), ',', error);
  return status == SB_OK ? add_field(out, refusal->message, '\n', error) : status;
}

sb_status sb_http_jobs_refused(sb_http_jobs *jobs, const sb_http_principal *caller, const char *id, sb_buffer *out,
                               sb_error *error) {
  pthread_mutex_lock(&jobs->lock);
  const job *j = find(jobs, caller, id);
  sb_status status = j ? sb_buffer_addf(out, error, "path,code,message\n") : sb_fail(error, SB_NOT_FOUND, NO_JOB);
  for (size_t i = 0; j && status == SB_OK && i < j->refused_count; i++) status = add_row(out, &j->refused[i], error);
  pthread_mutex_unlock(&jobs->lock);
  return status;
}
