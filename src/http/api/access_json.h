/* Access keys and the audit as JSON and text: one shape for `--json` of the program and for /v1. */
#ifndef SB_HTTP_API_ACCESS_JSON_H
#define SB_HTTP_API_ACCESS_JSON_H

#include "engine/engine.h"

#include <jansson.h>

enum { SB_HTTP_ROLES_TEXT = 24 };
/* SB_ROLE_* flags of a list such as "read,enroll"; 0: a word is not a role. */
unsigned sb_http_roles_parse(const char *text);
void sb_http_roles_write(unsigned roles, char text[SB_HTTP_ROLES_TEXT]);

/* Each gives a new reference, or NULL when out of memory. */
json_t *sb_http_access_key_json(const sb_access_key *key);
json_t *sb_http_audit_entry_json(const sb_audit_entry *entry);
json_t *sb_http_audit_head_json(const sb_audit_head *head);

#endif
