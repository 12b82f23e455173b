/* The embedded page: files that are part of the program. */
#ifndef SB_HTTP_OPS_PAGE_H
#define SB_HTTP_OPS_PAGE_H

#include "http/core/request.h"

/* Replies with the file at that path, 304 where the client has it; false where there is none. */
bool sb_http_page_reply(sb_http_request *request, const char *path);

#endif
