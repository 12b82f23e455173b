/* Handlers that report the server's own state: health, readiness, metrics, the page's charts, the API's description. */
#ifndef SB_HTTP_OPS_HEALTH_H
#define SB_HTTP_OPS_HEALTH_H

#include "http/core/request.h"

void sb_http_handle_health(sb_http_request *request);
void sb_http_handle_version(sb_http_request *request);
void sb_http_handle_healthz(sb_http_request *request);
void sb_http_handle_readyz(sb_http_request *request);
void sb_http_handle_metrics(sb_http_request *request);
void sb_http_handle_stats(sb_http_request *request);
void sb_http_handle_openapi_yaml(sb_http_request *request);
void sb_http_handle_openapi_json(sb_http_request *request);
void sb_http_handle_docs(sb_http_request *request);

#endif
