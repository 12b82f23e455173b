/* Who looks at which camera: the page shows a picture a second, and the audit is to have one entry a minute for it. */
#ifndef SB_HTTP_CORE_CAMERA_LOOKS_H
#define SB_HTTP_CORE_CAMERA_LOOKS_H

#include "base/base.h"

/* Locked. */
typedef struct sb_http_camera_looks sb_http_camera_looks;
sb_status sb_http_camera_looks_new(sb_http_camera_looks **out, sb_error *error);
void sb_http_camera_looks_free(sb_http_camera_looks *looks); /* NULL allowed */
/* Has this caller no entry for this camera in the last minute? */
bool sb_http_camera_looks_is_due(sb_http_camera_looks *looks, const char *caller, const char *camera);
/* The audit has an entry now. */
void sb_http_camera_looks_note(sb_http_camera_looks *looks, const char *caller, const char *camera);

#endif
