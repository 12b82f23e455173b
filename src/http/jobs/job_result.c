/* What a job found, for sb_http_jobs_result. */
#include "http/jobs/job.h"
#include "json/write.h"

#include <stdlib.h>

sb_status sb_http_job_keep_result(sb_http_job *j, json_t *json, sb_error *error) {
  char *text = sb_json_write(json);
  json_decref(json);
  if (!text) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  pthread_mutex_lock(&j->jobs->lock);
  free(j->result); /* of a preview before */
  j->result = text;
  pthread_mutex_unlock(&j->jobs->lock);
  return SB_OK;
}
