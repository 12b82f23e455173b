/* Jobs that compare faces: clustering (unknown people in photos) and deduplication (one person under two ids). */
#include "engine/engine.h"
#include "http/core/reply.h"
#include "http/jobs/job.h"
#include "json/groups.h"
#include "json/write.h"

#include <stdlib.h>
#include <string.h>

enum { FACES_MAX = 1000000 };

/* The faces that were found so far; grows under the jobs' lock. */
struct sb_http_job_seen {
  size_t count, room;
  sb_groups_face *faces; /* `photo` points into the bundle; `embedding` is owned */
};

static sb_status make_room(struct sb_http_job_seen *seen, size_t more, sb_error *error) {
  size_t wanted = seen->count + more, room = seen->room ? seen->room : 64;
  if (wanted > FACES_MAX)
    return sb_fail(error, SB_TOO_LARGE, "a job groups %d faces at most: send fewer photos", FACES_MAX);
  if (wanted <= seen->room) return SB_OK;
  while (room < wanted) room *= 2;
  void *faces = seen->faces;
  sb_status status = sb_grow(&faces, room, sizeof *seen->faces, error);
  seen->faces = faces;
  if (status == SB_OK) seen->room = room;
  return status;
}

static sb_status take_faces(sb_http_job *job, const sb_import_item *item, sb_faces *faces, sb_error *error) {
  if (!job->seen && !(job->seen = sb_alloc(1, sizeof *job->seen, error))) return SB_NO_MEMORY;
  struct sb_http_job_seen *seen = job->seen;
  sb_status status = make_room(seen, faces->count, error);
  for (size_t i = 0; status == SB_OK && i < faces->count; i++) {
    seen->faces[seen->count++] = (sb_groups_face){item->path, faces->items[i].box, faces->items[i].embedding};
    faces->items[i].embedding = NULL;
  }
  return status;
}

static sb_status collect_faces(sb_http_job *job, const sb_import_item *item, sb_photo photo, sb_error *error) {
  sb_faces *faces = NULL;
  const sb_find_request find = {
      .struct_size = sizeof find, .photo = photo, .want = SB_WANT_EMBEDDING, .model = *job->model ? job->model : NULL};
  sb_status status = sb_engine_find_faces(job->jobs->engine, &find, &faces, error);
  if (status == SB_OK && !faces->count) status = sb_engine_fail_no_face(NULL, error);
  if (status == SB_OK) {
    pthread_mutex_lock(&job->jobs->lock);
    status = take_faces(job, item, faces, error);
    pthread_mutex_unlock(&job->jobs->lock);
  }
  sb_faces_free(faces);
  return status;
}

static sb_status read_photo(void *context, size_t face, void **bytes, size_t *size, sb_box *box, sb_error *error) {
  const sb_http_job *job = context;
  const sb_groups_face *wanted = &job->seen->faces[face];
  uint8_t *photo = NULL;
  size_t i = 0;
  while (i < job->bundle->count && job->bundle->items[i].path != wanted->photo) i++;
  if (i == job->bundle->count) return sb_fail(error, SB_INTERNAL, "a photo of the job is gone");
  sb_status status = sb_import_read(job->bundle, &job->bundle->items[i], &photo, size, error);
  if (status != SB_OK) return status;
  *bytes = photo;
  *box = wanted->box;
  return SB_OK;
}

static sb_status cluster_faces(sb_http_job *job, sb_error *error) {
  sb_clusters *clusters = NULL;
  const struct sb_http_job_seen *seen = job->seen;
  if (!seen || !seen->count)
    return sb_fail(error, SB_NO_FACE, "no face was found in any photo: there is nothing to group");
  const float **embeddings = sb_alloc(seen->count, sizeof *embeddings, error);
  uint32_t *photos = sb_alloc(seen->count, sizeof *photos, error);
  sb_status status = embeddings && photos ? SB_OK : SB_NO_MEMORY;
  if (status != SB_OK) goto done;
  sb_groups_sort(seen->faces, seen->count, embeddings);
  sb_groups_photos(seen->faces, seen->count, photos);
  const sb_cluster_request request = {.struct_size = sizeof request,
                                      .collection = job->collection,
                                      .embeddings = embeddings,
                                      .count = seen->count,
                                      .photos = photos,
                                      .collages = job->collages,
                                      .photo = read_photo,
                                      .context = job,
                                      .target = job->target};
  status = sb_engine_cluster(job->jobs->engine, &request, &clusters, error);
  if (status == SB_OK)
    status = sb_http_job_keep_result(job, sb_json_clusters(clusters, seen->faces, seen->count, job->total), error);
done:
  sb_clusters_free(clusters);
  free(embeddings);
  free(photos);
  return status;
}

static void clear_faces(sb_http_job *job) {
  struct sb_http_job_seen *seen = job->seen;
  job->seen = NULL;
  if (!seen) return;
  for (size_t i = 0; i < seen->count; i++) free(seen->faces[i].embedding);
  free(seen->faces);
  free(seen);
}

const sb_http_job_steps sb_http_job_cluster = {.photo = collect_faces, .finish = cluster_faces, .clear = clear_faces};

static sb_status find_pairs(sb_http_job *job, sb_error *error) {
  sb_duplicates *found = NULL;
  const sb_dedup_request request = {
      .struct_size = sizeof request, .collection = job->collection, .target = job->target, .limit = job->limit};
  sb_status status = sb_engine_dedup(job->jobs->engine, &request, &found, error);
  if (status == SB_OK) status = sb_http_job_keep_result(job, sb_json_duplicates(found), error);
  sb_duplicates_free(found);
  return status;
}

const sb_http_job_steps sb_http_job_dedup = {.finish = find_pairs};
