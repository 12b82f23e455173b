/* Keys and audit entries as JSON, one shape for `--json` and for /v1. */
#ifndef SB_HTTP_API_JSON_TRUST_H
#define SB_HTTP_API_JSON_TRUST_H

#include "engine/engine.h"

#include <jansson.h>

enum { SB_ROLES_TEXT = 24 };
/* "read,enroll"; 0: there is a word that is no role. */
unsigned sb_roles_read(const char *text);
void sb_roles_write(unsigned roles, char text[SB_ROLES_TEXT]);

/* Each gives a new reference, or NULL when out of memory. */
json_t *sb_json_access_key(const sb_access_key *key);
json_t *sb_json_audit_entry(const sb_audit_entry *entry);
json_t *sb_json_audit_head(const sb_audit_head *head);

#endif
