/* The handlers that the route table names, a file for each family. */
#ifndef SB_HTTP_HANDLERS_H
#define SB_HTTP_HANDLERS_H

#include "http/request.h"

/* handlers_people.c */
void sb_handle_people_list(sb_request *request);
void sb_handle_people_add(sb_request *request);
void sb_handle_person_get(sb_request *request);
void sb_handle_person_rename(sb_request *request);
void sb_handle_person_delete(sb_request *request);
void sb_handle_person_faces(sb_request *request);
void sb_handle_collections_list(sb_request *request);
void sb_handle_collections_add(sb_request *request);
void sb_handle_collection_delete(sb_request *request);

/* handlers_faces.c */
void sb_handle_health(sb_request *request);
void sb_handle_version(sb_request *request);
void sb_handle_openapi(sb_request *request);
void sb_handle_search(sb_request *request);
void sb_handle_verify(sb_request *request);
void sb_handle_detect(sb_request *request);
void sb_handle_represent(sb_request *request);
void sb_handle_analyze(sb_request *request);

/* handlers_article.c */
void sb_handle_article_status(sb_request *request);
void sb_handle_article_register(sb_request *request);
void sb_handle_article_verify(sb_request *request);
void sb_handle_article_people(sb_request *request);
void sb_handle_article_family(sb_request *request);

/* page.c: replies with the page's file of that path where there is one. */
bool sb_page_reply(sb_request *request, const char *path);

#endif
