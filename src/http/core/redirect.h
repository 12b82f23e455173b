/* Plain HTTP that redirects to HTTPS (--redirect-port). */
#ifndef SB_HTTP_CORE_REDIRECT_H
#define SB_HTTP_CORE_REDIRECT_H

#include "http/core/daemon.h"

typedef struct sb_http_redirect sb_http_redirect;

/* Answers every request on listener->redirect, which it takes over, with 308 to the same path at https. */
sb_status sb_http_redirect_start(sb_http_listener *listener, sb_http_redirect **out, sb_error *error);
void sb_http_redirect_stop(sb_http_redirect *redirect); /* NULL is accepted */

#endif
