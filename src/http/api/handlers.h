/* The handlers of the native API, /v1, as the table of routes (http/routes.c) names them: one file a family. */
#ifndef SB_HTTP_API_HANDLERS_H
#define SB_HTTP_API_HANDLERS_H

#include "http/core/request.h"

/* people.c */
void sb_http_handle_people_list(sb_http_request *request);
void sb_http_handle_people_add(sb_http_request *request);
void sb_http_handle_person_get(sb_http_request *request);
void sb_http_handle_person_change(sb_http_request *request);
void sb_http_handle_person_delete(sb_http_request *request);
void sb_http_handle_person_faces_add(sb_http_request *request);
void sb_http_handle_person_face_delete(sb_http_request *request);
void sb_http_handle_person_merge(sb_http_request *request);

/* cameras.c */
void sb_http_handle_cameras_list(sb_http_request *request);
void sb_http_handle_cameras_add(sb_http_request *request);
void sb_http_handle_camera_get(sb_http_request *request);
void sb_http_handle_camera_change(sb_http_request *request);
void sb_http_handle_camera_test(sb_http_request *request);
void sb_http_handle_camera_remove(sb_http_request *request);
void sb_http_handle_camera_snapshot(sb_http_request *request);

/* person_review.c */
void sb_http_handle_person_faces(sb_http_request *request);
void sb_http_handle_person_review(sb_http_request *request);
void sb_http_handle_person_history(sb_http_request *request);
void sb_http_handle_person_different(sb_http_request *request);

/* collections.c */
void sb_http_handle_collections_list(sb_http_request *request);
void sb_http_handle_collections_add(sb_http_request *request);
void sb_http_handle_collection_delete(sb_http_request *request);

/* faces.c */
void sb_http_handle_search(sb_http_request *request);
void sb_http_handle_search_embedding(sb_http_request *request);
void sb_http_handle_verify(sb_http_request *request);
void sb_http_handle_quality(sb_http_request *request);
void sb_http_handle_detect(sb_http_request *request);
void sb_http_handle_preview(sb_http_request *request);
void sb_http_handle_represent(sb_http_request *request);
void sb_http_handle_analyze(sb_http_request *request);
void sb_http_handle_live(sb_http_request *request);

/* events.c */
void sb_http_handle_events(sb_http_request *request);

/* receivers.c */
void sb_http_handle_receivers_list(sb_http_request *request);
void sb_http_handle_receivers_add(sb_http_request *request);
void sb_http_handle_receiver_remove(sb_http_request *request);
void sb_http_handle_receiver_test(sb_http_request *request);
void sb_http_handle_receiver_dead_letters(sb_http_request *request);

/* liveness.c */
void sb_http_handle_liveness_add(sb_http_request *request);
void sb_http_handle_liveness_get(sb_http_request *request);
void sb_http_handle_liveness_end(sb_http_request *request);
void sb_http_handle_liveness_frame(sb_http_request *request);
void sb_http_handle_liveness_stream(sb_http_request *request);

/* jobs.c */
void sb_http_handle_jobs_list(sb_http_request *request);
void sb_http_handle_jobs_import(sb_http_request *request);
void sb_http_handle_jobs_reembed(sb_http_request *request);
void sb_http_handle_jobs_cluster(sb_http_request *request);
void sb_http_handle_jobs_dedup(sb_http_request *request);
void sb_http_handle_job_get(sb_http_request *request);
void sb_http_handle_job_result(sb_http_request *request);
void sb_http_handle_job_pause(sb_http_request *request);
void sb_http_handle_job_resume(sb_http_request *request);
void sb_http_handle_job_cancel(sb_http_request *request);
void sb_http_handle_job_refused(sb_http_request *request);
void sb_http_handle_job_events(sb_http_request *request);

/* access_keys.c */
void sb_http_handle_keys_list(sb_http_request *request);
void sb_http_handle_keys_add(sb_http_request *request);
void sb_http_handle_key_revoke(sb_http_request *request);

/* audit.c */
void sb_http_handle_audit_list(sb_http_request *request);
void sb_http_handle_audit_head(sb_http_request *request);

/* models.c */
void sb_http_handle_models_list(sb_http_request *request);
void sb_http_handle_report(sb_http_request *request);

/* thresholds.c */
void sb_http_handle_thresholds_get(sb_http_request *request);
void sb_http_handle_thresholds_set(sb_http_request *request);
void sb_http_handle_thresholds_reset(sb_http_request *request);

/* session.c */
void sb_http_handle_session_get(sb_http_request *request);
void sb_http_handle_session_add(sb_http_request *request);
void sb_http_handle_session_delete(sb_http_request *request);

#endif
