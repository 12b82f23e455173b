/* Jobs that enrol: an import, and people who move to a collection with another model. */
#include "http/jobs/job.h"

static sb_status enroll(sb_http_job *job, const sb_enroll_request *request, sb_error *error) {
  sb_enrolled *enrolled = NULL;
  sb_status status = sb_engine_enroll(job->jobs->engine, request, &enrolled, error);
  if (status != SB_OK) {
    sb_enrolled_free(enrolled);
    return status;
  }
  pthread_mutex_lock(&job->jobs->lock);
  job->enrolled += enrolled->faces_added;
  job->skipped += enrolled->faces_skipped;
  job->warnings += enrolled->duplicate_count > 0;
  pthread_mutex_unlock(&job->jobs->lock);
  sb_enrolled_free(enrolled);
  return SB_OK;
}

static sb_status import_photo(sb_http_job *job, const sb_import_item *item, sb_photo photo, sb_error *error) {
  const sb_enroll_request request = {.struct_size = sizeof request,
                                     .collection = job->collection,
                                     .id = item->id,
                                     .name = item->name,
                                     .consent = job->consent,
                                     .photos = &photo,
                                     .photo_count = 1,
                                     .flags = job->flags | SB_ENROLL_ADD | SB_ENROLL_SKIP_KNOWN};
  return enroll(job, &request, error);
}

const sb_http_job_steps sb_http_job_import = {.photo = import_photo};

/* Copies the person's record: name, consent, purpose, end of retention. */
static sb_status reembed_photo(sb_http_job *job, const sb_import_item *item, sb_photo photo, sb_error *error) {
  sb_people *people = NULL;
  sb_status status = sb_engine_get(job->jobs->engine, job->collection, item->id, &people, error);
  if (status == SB_NOT_FOUND)
    return sb_fail(error, SB_INVALID, "the collection has no person with this id to re-embed");
  if (status != SB_OK) return status;
  const sb_person *person = &people->items[0];
  const sb_enroll_request request = {.struct_size = sizeof request,
                                     .collection = job->into,
                                     .id = person->id,
                                     .name = person->name,
                                     .consent = person->consent,
                                     .purpose = person->purpose,
                                     .expires_ms = person->expires_ms,
                                     .photos = &photo,
                                     .photo_count = 1,
                                     .flags = job->flags | SB_ENROLL_ADD | SB_ENROLL_SKIP_KNOWN |
                                              (person->has_attributes ? SB_ENROLL_ATTRIBUTES : 0u)};
  status = enroll(job, &request, error);
  sb_people_free(people);
  return status;
}

const sb_http_job_steps sb_http_job_reembed = {.photo = reembed_photo};
