/* The handlers that the route table names, a file for each family. */
#ifndef SB_HTTP_API_HANDLERS_H
#define SB_HTTP_API_HANDLERS_H

#include "http/core/request.h"

/* handlers_people.c */
void sb_handle_people_list(sb_request *request);
void sb_handle_people_add(sb_request *request);
void sb_handle_person_get(sb_request *request);
void sb_handle_person_change(sb_request *request);
void sb_handle_person_delete(sb_request *request);
void sb_handle_person_faces(sb_request *request);
void sb_handle_person_faces_add(sb_request *request);
void sb_handle_person_face_delete(sb_request *request);
void sb_handle_person_merge(sb_request *request);
void sb_handle_collections_list(sb_request *request);
void sb_handle_collections_add(sb_request *request);
void sb_handle_collection_delete(sb_request *request);

/* handlers_faces.c */
void sb_handle_search(sb_request *request);
void sb_handle_live(sb_request *request);
void sb_handle_verify(sb_request *request);
void sb_handle_detect(sb_request *request);
void sb_handle_represent(sb_request *request);
void sb_handle_analyze(sb_request *request);

/* handlers_state.c: the server's own state */
void sb_handle_health(sb_request *request);
void sb_handle_version(sb_request *request);
void sb_handle_healthz(sb_request *request);
void sb_handle_readyz(sb_request *request);
void sb_handle_metrics(sb_request *request);
void sb_handle_stats(sb_request *request);
void sb_handle_openapi_yaml(sb_request *request);
void sb_handle_openapi_json(sb_request *request);
void sb_handle_docs(sb_request *request);

/* handlers_jobs.c */
void sb_handle_jobs_list(sb_request *request);
void sb_handle_jobs_import(sb_request *request);
void sb_handle_jobs_reembed(sb_request *request);
void sb_handle_jobs_cluster(sb_request *request);
void sb_handle_jobs_dedup(sb_request *request);
void sb_handle_job_result(sb_request *request);
void sb_handle_job_get(sb_request *request);
void sb_handle_job_cancel(sb_request *request);
void sb_handle_job_pause(sb_request *request);
void sb_handle_job_resume(sb_request *request);
void sb_handle_job_refused(sb_request *request);
void sb_handle_job_events(sb_request *request);

/* handlers_admin.c */
void sb_handle_keys_list(sb_request *request);
void sb_handle_keys_add(sb_request *request);
void sb_handle_key_revoke(sb_request *request);
void sb_handle_models_list(sb_request *request);
void sb_handle_audit_list(sb_request *request);
void sb_handle_audit_head(sb_request *request);
void sb_handle_report(sb_request *request);
void sb_handle_thresholds_get(sb_request *request);
void sb_handle_thresholds_set(sb_request *request);
void sb_handle_thresholds_reset(sb_request *request);

/* handlers_article.c */
void sb_handle_article_status(sb_request *request);
void sb_handle_article_register(sb_request *request);
void sb_handle_article_verify(sb_request *request);
void sb_handle_article_people(sb_request *request);
void sb_handle_article_family(sb_request *request);

/* handlers_session.c */
void sb_handle_session_get(sb_request *request);
void sb_handle_session_add(sb_request *request);
void sb_handle_session_delete(sb_request *request);

/* handlers_deepface.c */
void sb_handle_deepface_represent(sb_request *request);
void sb_handle_deepface_verify(sb_request *request);
void sb_handle_deepface_analyze(sb_request *request);
void sb_handle_deepface_register(sb_request *request);
void sb_handle_deepface_search(sb_request *request);
void sb_handle_deepface_build(sb_request *request);

/* handlers_compreface.c */
void sb_handle_compreface_subjects(sb_request *request);
void sb_handle_compreface_subject_add(sb_request *request);
void sb_handle_compreface_subject_rename(sb_request *request);
void sb_handle_compreface_subject_delete(sb_request *request);
void sb_handle_compreface_subjects_delete(sb_request *request);
void sb_handle_compreface_faces(sb_request *request);
void sb_handle_compreface_face_add(sb_request *request);
void sb_handle_compreface_faces_delete(sb_request *request);
void sb_handle_compreface_faces_delete_some(sb_request *request);
void sb_handle_compreface_face_delete(sb_request *request);
void sb_handle_compreface_face_verify(sb_request *request);
void sb_handle_compreface_recognize(sb_request *request);
void sb_handle_compreface_detect(sb_request *request);
void sb_handle_compreface_verify(sb_request *request);
/* CompreFace's number for one of our error codes ("no_face" is 28). */
int sb_compreface_code(const char *code);

/* page.c: replies with the page's file of that path where there is one. */
bool sb_page_reply(sb_request *request, const char *path);

#endif
