/* The list of jobs, the thread that works on them, and an import's way. */
#include "http/jobs.h"
#include "crypto/crypto.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT = 32, WAITING_MAX = 8, REFUSED_MAX = 100000, THREADS_MAX = 64, SHOWN = 100 };

typedef enum job_state { QUEUED, READING, RUNNING, PAUSED, DONE, CANCELLED, FAILED } job_state;
static const char *const state_words[] = {"queued", "reading", "running", "paused", "done", "cancelled", "failed"};

typedef struct refusal {
  char *path;
  sb_error error;
} refusal;

typedef struct job {
  char id[SB_JOB_ID + 1];
  sb_jobs *jobs;
  sb_caller caller;
  job_state state;
  bool pause, cancel;
  uint64_t version;
  char *collection, *consent;
  unsigned flags;
  sb_cargo *cargo; /* NULL when the job has ended: nothing of the photos is kept */
  size_t next, total, enrolled, skipped, warnings, refused_count, refused_more;
  refusal *refused;
  sb_error error; /* why it failed */
  int64_t created_ms, ended_ms;
  double worked_ms; /* in state RUNNING, for the rate */
} job;

struct sb_jobs {
  sb_engine *engine;
  int workers;
  pthread_mutex_t lock; /* of all that follows, and of the jobs' fields */
  pthread_cond_t changed;
  pthread_t thread;
  bool started, stopping;
  size_t count;
  job *list[KEPT + WAITING_MAX + 1]; /* oldest first */
};

static void job_free(job *j) {
  if (!j) return;
  for (size_t i = 0; i < j->refused_count; i++) free(j->refused[i].path);
  free(j->refused);
  free(j->collection);
  free(j->consent);
  sb_cargo_free(j->cargo);
  free(j);
}

static bool has_ended(const job *j) {
  return j->state == DONE || j->state == CANCELLED || j->state == FAILED;
}

/* ---- An import */

static sb_status note_refusal(job *j, const char *path, const sb_error *error) {
  if (j->refused_count == REFUSED_MAX) {
    j->refused_more++;
    return SB_OK;
  }
  void *grown = j->refused;
  sb_status status = SB_OK;
  if (!(j->refused_count & (j->refused_count - 1)))
    status = sb_grow(&grown, j->refused_count ? 2 * j->refused_count : 1, sizeof *j->refused, NULL);
  if (status != SB_OK) return status;
  j->refused = grown;
  j->refused[j->refused_count] = (refusal){sb_strdup(path, NULL), *error};
  if (!j->refused[j->refused_count].path) return SB_NO_MEMORY;
  j->refused_count++;
  return SB_OK;
}

/* Is it the photo's fault? Else the job ends: the next photo would meet the same trouble. */
static bool is_refusal(sb_status status) {
  switch (status) {
  case SB_INVALID:
  case SB_BAD_IMAGE:
  case SB_UNSUPPORTED_IMAGE:
  case SB_IMAGE_TOO_LARGE:
  case SB_NO_FACE:
  case SB_SEVERAL_FACES:
  case SB_LOW_QUALITY:
  case SB_NOT_LIVE:
  case SB_EXISTS:
  case SB_DUPLICATE:
  case SB_TOO_LARGE: return true;
  default: return false;
  }
}

static void note(job *j, const char *path, sb_status status, const sb_enrolled *enrolled, const sb_error *error) {
  pthread_mutex_lock(&j->jobs->lock);
  if (status == SB_OK) {
    j->enrolled += enrolled->faces_added;
    j->skipped += enrolled->faces_skipped;
    j->warnings += enrolled->duplicate_count > 0;
  } else if (!is_refusal(status) || note_refusal(j, path, error) != SB_OK) {
    j->error = *error;
    j->cancel = true;
  }
  j->version++;
  pthread_mutex_unlock(&j->jobs->lock);
}

/* The next photo; NULL at the end, when cancelled, or when the server stops. Waits while the job is paused. */
static const sb_cargo_item *take(job *j) {
  const sb_cargo_item *item = NULL;
  pthread_mutex_lock(&j->jobs->lock);
  while (j->pause && !j->cancel && !j->jobs->stopping) pthread_cond_wait(&j->jobs->changed, &j->jobs->lock);
  if (!j->cancel && !j->jobs->stopping && j->next < j->total) item = &j->cargo->items[j->next++];
  pthread_mutex_unlock(&j->jobs->lock);
  return item;
}

static void *import_photos(void *context) {
  job *j = context;
  sb_caller_set(j->caller.actor, j->caller.collection);
  for (const sb_cargo_item *item; (item = take(j));) {
    sb_error error = {0};
    sb_enrolled *enrolled = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;
    sb_status status = sb_cargo_read(j->cargo, item, &bytes, &size, &error);
    sb_photo photo = {bytes, size};
    sb_enroll_request request = {.struct_size = sizeof request,
                                 .collection = j->collection,
                                 .id = item->id,
                                 .name = item->name,
                                 .consent = j->consent,
                                 .photos = &photo,
                                 .photo_count = 1,
                                 .flags = j->flags | SB_ENROLL_ADD | SB_ENROLL_SKIP_KNOWN};
    if (status == SB_OK) status = sb_engine_enroll(j->jobs->engine, &request, &enrolled, &error);
    note(j, item->path, status, enrolled, &error);
    sb_enrolled_free(enrolled);
    free(bytes);
  }
  sb_caller_set(NULL, NULL);
  return NULL;
}

static void run_threads(job *j) {
  pthread_t threads[THREADS_MAX];
  int wanted = j->jobs->workers < THREADS_MAX ? j->jobs->workers : THREADS_MAX, started = 0;
  while (started < wanted - 1 && !pthread_create(&threads[started], NULL, import_photos, j)) started++;
  import_photos(j);
  for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
}

static void set_state(job *j, job_state state) {
  pthread_mutex_lock(&j->jobs->lock);
  j->state = state;
  j->version++;
  pthread_mutex_unlock(&j->jobs->lock);
}

static void work_on(job *j) {
  sb_error error = {0};
  set_state(j, READING);
  sb_status status = sb_cargo_settle(j->cargo, &error);
  pthread_mutex_lock(&j->jobs->lock);
  j->total = status == SB_OK ? j->cargo->count : 0;
  j->state = status == SB_OK ? (j->pause ? PAUSED : RUNNING) : FAILED;
  pthread_mutex_unlock(&j->jobs->lock);
  double start = sb_monotonic_ms();
  if (status == SB_OK) run_threads(j);
  pthread_mutex_lock(&j->jobs->lock);
  j->worked_ms += sb_monotonic_ms() - start;
  if (status != SB_OK) j->error = error;
  j->state = j->error.code != SB_OK ? FAILED : j->cancel || j->jobs->stopping ? CANCELLED : DONE;
  j->ended_ms = sb_now_ms();
  j->version++;
  sb_cargo *cargo = j->cargo;
  j->cargo = NULL;
  pthread_mutex_unlock(&j->jobs->lock);
  sb_cargo_free(cargo);
}

/* ---- The list */

static job *next_waiting(const sb_jobs *jobs) {
  for (size_t i = 0; i < jobs->count; i++)
    if (jobs->list[i]->state == QUEUED) return jobs->list[i];
  return NULL;
}

static void *work(void *context) {
  sb_jobs *jobs = context;
  pthread_mutex_lock(&jobs->lock);
  while (!jobs->stopping) {
    job *j = next_waiting(jobs);
    if (!j) {
      pthread_cond_wait(&jobs->changed, &jobs->lock);
      continue;
    }
    j->state = READING;
    pthread_mutex_unlock(&jobs->lock);
    work_on(j);
    pthread_mutex_lock(&jobs->lock);
  }
  pthread_mutex_unlock(&jobs->lock);
  return NULL;
}

sb_status sb_jobs_new(sb_engine *engine, int workers, sb_jobs **out, sb_error *error) {
  sb_jobs *jobs = sb_alloc(1, sizeof *jobs, error);
  if (!jobs) return SB_NO_MEMORY;
  jobs->engine = engine;
  jobs->workers = workers;
  pthread_mutex_init(&jobs->lock, NULL);
  pthread_cond_init(&jobs->changed, NULL);
  int failure = pthread_create(&jobs->thread, NULL, work, jobs);
  jobs->started = !failure;
  if (failure) {
    sb_jobs_free(jobs);
    return sb_fail_errno(error, failure, "start a thread for jobs", NULL);
  }
  *out = jobs;
  return SB_OK;
}

void sb_jobs_free(sb_jobs *jobs) {
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

/* Makes room by forgetting the oldest job that has ended. */
static bool make_room(sb_jobs *jobs) {
  size_t waiting = 0;
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

sb_status sb_jobs_import(sb_jobs *jobs, sb_cargo *cargo, const char *collection, const char *consent, unsigned flags,
                         char id[SB_JOB_ID + 1], sb_error *error) {
  job *j = sb_alloc(1, sizeof *j, error);
  if (!j) {
    sb_cargo_free(cargo);
    return SB_NO_MEMORY;
  }
  uint8_t random[SB_JOB_ID / 2];
  sb_random(random, sizeof random);
  *j = (job){.jobs = jobs, .caller = *sb_caller_get(), .flags = flags, .cargo = cargo, .created_ms = sb_now_ms()};
  sb_hex(random, sizeof random, j->id);
  j->collection = sb_strdup(collection, error);
  j->consent = sb_strdup(consent, error);
  sb_status status = j->collection && j->consent ? SB_OK : SB_NO_MEMORY;
  pthread_mutex_lock(&jobs->lock);
  if (status == SB_OK && !make_room(jobs))
    status = sb_fail(error, SB_BUSY, "too many imports wait already: try again when one has ended");
  if (status == SB_OK) {
    memcpy(id, j->id, sizeof j->id);
    jobs->list[jobs->count++] = j;
    pthread_cond_broadcast(&jobs->changed);
  }
  pthread_mutex_unlock(&jobs->lock);
  if (status != SB_OK) job_free(j);
  return status;
}

/* A job of another caller's collection is not there. */
static job *find(const sb_jobs *jobs, const char *id) {
  const char *bound = sb_caller_get()->collection;
  for (size_t i = 0; i < jobs->count; i++)
    if (!strcmp(jobs->list[i]->id, id) && (!*bound || !strcmp(bound, jobs->list[i]->collection))) return jobs->list[i];
  return NULL;
}

static json_t *time_json(int64_t ms) {
  char text[32];
  if (!ms) return json_null();
  sb_time_iso(ms, text);
  return json_string(text);
}

static json_t *job_json(const job *j) {
  json_t *refused = json_array();
  for (size_t i = j->refused_count > SHOWN ? j->refused_count - SHOWN : 0; i < j->refused_count; i++)
    json_array_append_new(refused,
                          json_pack("{s:s,s:s,s:s}", "path", j->refused[i].path, "code",
                                    sb_status_code(j->refused[i].error.code), "message", j->refused[i].error.message));
  json_t *json =
      json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:o}", "id", j->id, "kind", "import", "state",
                state_words[j->state], "collection", j->collection, "total", (json_int_t)j->total, "done",
                (json_int_t)(j->enrolled + j->skipped + j->refused_count + j->refused_more), "enrolled",
                (json_int_t)j->enrolled, "skipped", (json_int_t)j->skipped, "refused",
                (json_int_t)(j->refused_count + j->refused_more), "possible_duplicates", (json_int_t)j->warnings,
                "created", time_json(j->created_ms), "ended", time_json(j->ended_ms), "last_refused", refused);
  if (json && j->error.code != SB_OK) json_object_set_new(json, "message", json_string(j->error.message));
  return json;
}

sb_status sb_jobs_get(sb_jobs *jobs, const char *id, json_t **out, uint64_t *version, bool *ended, sb_error *error) {
  pthread_mutex_lock(&jobs->lock);
  const job *j = find(jobs, id);
  sb_status status = j ? SB_OK : sb_fail(error, SB_NOT_FOUND, "there is no job of this id; jobs end with the server");
  if (j) {
    *out = job_json(j);
    if (version) *version = j->version;
    if (ended) *ended = has_ended(j);
  }
  pthread_mutex_unlock(&jobs->lock);
  return status;
}

json_t *sb_jobs_list(sb_jobs *jobs) {
  json_t *list = json_array();
  const char *bound = sb_caller_get()->collection;
  pthread_mutex_lock(&jobs->lock);
  for (size_t i = jobs->count; i > 0; i--)
    if (!*bound || !strcmp(bound, jobs->list[i - 1]->collection))
      json_array_append_new(list, job_json(jobs->list[i - 1]));
  pthread_mutex_unlock(&jobs->lock);
  return list;
}

sb_status sb_jobs_order(sb_jobs *jobs, const char *id, sb_job_order order, sb_error *error) {
  sb_cargo *cargo = NULL;
  pthread_mutex_lock(&jobs->lock);
  job *j = find(jobs, id);
  sb_status status = j ? SB_OK : sb_fail(error, SB_NOT_FOUND, "there is no job of this id; jobs end with the server");
  if (j && !has_ended(j)) {
    if (order == SB_JOB_CANCEL) j->cancel = true;
    if (order == SB_JOB_CANCEL && j->state == QUEUED) {
      j->state = CANCELLED;
      j->ended_ms = sb_now_ms();
      cargo = j->cargo;
      j->cargo = NULL;
    }
    if (order != SB_JOB_CANCEL) j->pause = order == SB_JOB_PAUSE;
    if (j->state == RUNNING || j->state == PAUSED) j->state = j->pause && !j->cancel ? PAUSED : RUNNING;
    j->version++;
    pthread_cond_broadcast(&jobs->changed);
  }
  pthread_mutex_unlock(&jobs->lock);
  sb_cargo_free(cargo);
  return status;
}

/* A field in quotes; a leading '=', '+', '-' or '@' gets a "'" before it, so that no spreadsheet takes it for a formula. */
static sb_status add_field(sb_buffer *out, const char *text, char end, sb_error *error) {
  sb_status status = sb_buffer_addf(out, error, "\"%s", strchr("=+-@", text[0]) && text[0] ? "'" : "");
  for (const char *c = text; *c && status == SB_OK; c++) {
    status = sb_buffer_add(out, c, 1, error);
    if (status == SB_OK && *c == '"') status = sb_buffer_add(out, c, 1, error);
  }
  return status == SB_OK ? sb_buffer_addf(out, error, "\"%c", end) : status;
}

sb_status sb_jobs_refused(sb_jobs *jobs, const char *id, sb_buffer *out, sb_error *error) {
  pthread_mutex_lock(&jobs->lock);
  const job *j = find(jobs, id);
  sb_status status = j ? sb_buffer_addf(out, error, "path,code,message\n")
                       : sb_fail(error, SB_NOT_FOUND, "there is no job of this id; jobs end with the server");
  for (size_t i = 0; j && status == SB_OK && i < j->refused_count; i++) {
    status = add_field(out, j->refused[i].path, ',', error);
    if (status == SB_OK) status = add_field(out, sb_status_code(j->refused[i].error.code), ',', error);
    if (status == SB_OK) status = add_field(out, j->refused[i].error.message, '\n', error);
  }
  pthread_mutex_unlock(&jobs->lock);
  return status;
}
