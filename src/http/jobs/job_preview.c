/* The preview of an import: who is in the bundle, with how many photos, which photos are the same, and who is
 * registered already, under this id or, by the face, under another one. Nothing is enrolled.
 *
 * All photos are read; of each person the first photo with a face is searched for in the collection, which the audit
 * notes as a search. The job then waits in the state `preview` until it is resumed or cancelled. */
#include "base/hash.h"
#include "engine/engine.h"
#include "http/core/reply.h"
#include "http/jobs/job.h"
#include "json/write.h"

#include <stdlib.h>
#include <string.h>

enum { LISTED_MAX = 1000 }; /* people in the result */

/* A person of the bundle. */
typedef struct entry {
  const sb_import_item *first;
  size_t photos, doubles;
  bool searched;   /* a photo with a face was searched for */
  bool known;      /* the id is registered */
  char *id, *name; /* of the registered person who looks alike under another id; NULL: nobody */
  double score;
  sb_verdict verdict;
} entry;

/* What tells two photos apart: bytes and a hash of them. Equal ones are reported, and nothing is decided by it. */
typedef struct print {
  uint64_t hash, size;
  size_t entry;
} print;

struct sb_http_job_preview {
  size_t count, *entry_of; /* the entry of each item */
  entry *entries;          /* in order of id */
  size_t print_count;
  print *prints;
};

/* ---- The people of a bundle */

static int by_id(const void *a, const void *b) {
  const sb_import_item *one = *(const sb_import_item *const *)a, *other = *(const sb_import_item *const *)b;
  int order = strcmp(one->id, other->id);
  return order ? order : (one > other) - (one < other);
}

static void group_items(struct sb_http_job_preview *p, const sb_import *bundle, const sb_import_item **order) {
  for (size_t i = 0; i < bundle->count; i++) order[i] = &bundle->items[i];
  if (bundle->count) qsort(order, bundle->count, sizeof *order, by_id);
  for (size_t i = 0; i < bundle->count; i++) {
    bool same = i && !strcmp(order[i]->id, order[i - 1]->id);
    if (!same) p->entries[p->count++] = (entry){.first = order[i]};
    p->entries[p->count - 1].photos++;
    p->entry_of[order[i] - bundle->items] = p->count - 1;
  }
}

static sb_status find_people(sb_http_job *job, sb_error *error) {
  const sb_import *bundle = job->bundle;
  struct sb_http_job_preview *p = job->preview = sb_alloc(1, sizeof *p, error);
  const sb_import_item **order = sb_alloc(bundle->count, sizeof *order, error);
  if (p) {
    p->entry_of = sb_alloc(bundle->count, sizeof *p->entry_of, error);
    p->entries = sb_alloc(bundle->count, sizeof *p->entries, error);
    p->prints = sb_alloc(bundle->count, sizeof *p->prints, error);
  }
  bool made = p && order && p->entry_of && p->entries && p->prints;
  if (made) group_items(p, bundle, order);
  free(order);
  return made ? SB_OK : SB_NO_MEMORY;
}

/* ---- One photo */

/* Keeps the best candidate under another id. Under the jobs' lock. */
static void keep_candidate(entry *e, const char *id, const sb_search_face *face) {
  const sb_candidate *best = face->count ? &face->candidates[0] : NULL;
  e->searched = true;
  if (!best || face->verdict == SB_VERDICT_NONE || !strcmp(best->id, id) || e->id) return;
  e->id = sb_strdup(best->id, NULL); /* without memory nobody is named */
  e->name = sb_strdup(best->name, NULL);
  e->score = best->score;
  e->verdict = face->verdict;
}

static sb_status search(sb_http_job *job, const sb_import_item *item, sb_photo photo, entry *e, sb_error *error) {
  sb_search_result *found = NULL;
  const sb_search_request request = {
      .struct_size = sizeof request, .collection = job->collection, .photo = photo, .k = 1, .largest_only = true};
  sb_status status = sb_engine_search(job->jobs->engine, &request, &found, error);
  if (status == SB_OK && !found->count) status = sb_engine_fail_no_face(NULL, error);
  if (status == SB_OK) {
    pthread_mutex_lock(&job->jobs->lock);
    keep_candidate(e, item->id, &found->faces[0]);
    pthread_mutex_unlock(&job->jobs->lock);
  }
  sb_search_result_free(found);
  return status;
}

static sb_status look_at_photo(sb_http_job *job, const sb_import_item *item, sb_photo photo, sb_error *error) {
  struct sb_http_job_preview *p = job->preview;
  size_t number = p->entry_of[item - job->bundle->items];
  entry *e = &p->entries[number];
  uint64_t hash = sb_hash_add(SB_HASH_INIT, photo.bytes, photo.size);
  pthread_mutex_lock(&job->jobs->lock);
  p->prints[p->print_count++] = (print){hash, photo.size, number};
  bool wanted = !e->searched;
  pthread_mutex_unlock(&job->jobs->lock);
  if (wanted) return search(job, item, photo, e, error);
  if (sb_photo_is_known(&photo)) return SB_OK;
  return sb_fail(error, SB_UNSUPPORTED_IMAGE, "this file is not a photo of a format that can be read");
}

/* ---- The result */

static int by_print(const void *a, const void *b) {
  const print *x = a, *y = b;
  if (x->hash != y->hash) return x->hash > y->hash ? 1 : -1;
  return (x->size > y->size) - (x->size < y->size);
}

static size_t count_doubles(struct sb_http_job_preview *p) {
  size_t doubles = 0;
  if (p->print_count) qsort(p->prints, p->print_count, sizeof *p->prints, by_print);
  for (size_t i = 1; i < p->print_count; i++) {
    if (by_print(&p->prints[i - 1], &p->prints[i]) != 0) continue;
    p->entries[p->prints[i].entry].doubles++;
    doubles++;
  }
  return doubles;
}

/* Is the id registered? */
static sb_status find_known(sb_http_job *job, entry *e, sb_error *error) {
  sb_error cause = {0};
  sb_kept_faces *faces = NULL;
  const char *id = e->first->id;
  sb_status status = sb_engine_faces(job->jobs->engine, job->collection, id, 0, 1, &faces, &cause);
  sb_kept_faces_free(faces);
  e->known = status == SB_OK;
  if (status == SB_OK || status == SB_NOT_FOUND || status == SB_INVALID) return SB_OK; /* a bad id is refused later */
  return sb_fail(error, status, "%s", cause.message);
}

static json_t *entry_json(const entry *e) {
  const sb_import_item *item = e->first;
  json_t *alike = e->id && e->name ? json_pack("{s:s,s:s,s:o,s:b}", "id", e->id, "name", e->name, "score",
                                               sb_json_rounded(e->score, 4), "match", e->verdict == SB_VERDICT_MATCH)
                                   : json_null();
  return json_pack("{s:s,s:s,s:I,s:I,s:b,s:o}", "id", item->id, "name", item->name, "photos", (json_int_t)e->photos,
                   "doubles", (json_int_t)e->doubles, "registered", e->known, "looks_like", alike);
}

/* First those with doubles, a registered id or a look-alike. */
static json_t *list_json(const sb_http_job *job) {
  const struct sb_http_job_preview *p = job->preview;
  json_t *list = json_array();
  for (int plain = 0; plain < 2; plain++)
    for (size_t i = 0; i < p->count && json_array_size(list) < LISTED_MAX; i++) {
      const entry *e = &p->entries[i];
      bool noteworthy = e->id || e->known || e->doubles;
      if (noteworthy != (bool)plain) sb_json_append(&list, entry_json(e));
    }
  return list;
}

static sb_status report(sb_http_job *job, sb_error *error) {
  struct sb_http_job_preview *p = job->preview;
  size_t known = 0, alike = 0, doubles = count_doubles(p);
  for (size_t i = 0; i < p->count; i++) {
    sb_status status = find_known(job, &p->entries[i], error);
    if (status != SB_OK) return status;
    known += p->entries[i].known;
    alike += p->entries[i].id != NULL;
  }
  return sb_http_job_keep_result(job,
                                 json_pack("{s:I,s:I,s:I,s:I,s:I,s:o}", "people", (json_int_t)p->count, "photos",
                                           (json_int_t)job->total, "doubles", (json_int_t)doubles, "registered",
                                           (json_int_t)known, "look_alike", (json_int_t)alike, "list", list_json(job)),
                                 error);
}

static void clear(sb_http_job *job) {
  struct sb_http_job_preview *p = job->preview;
  job->preview = NULL;
  if (!p) return;
  for (size_t i = 0; p->entries && i < p->count; i++) {
    free(p->entries[i].id);
    free(p->entries[i].name);
  }
  free(p->entry_of);
  free(p->entries);
  free(p->prints);
  free(p);
}

const sb_http_job_steps sb_http_job_preview = {
    .begin = find_people, .photo = look_at_photo, .finish = report, .clear = clear};
