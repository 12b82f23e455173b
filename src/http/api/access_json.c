/* Roles as text, and access keys and audit entries as JSON. Secrets are not among the members: a key shows its
 * prefix, an audit entry its place in the chain of hashes. */
#include "http/api/access_json.h"

#include "json/write.h"

#include <string.h>

static const struct {
  const char *name;
  unsigned role;
} roles[] = {{"read", SB_ROLE_READ}, {"enroll", SB_ROLE_ENROLL}, {"admin", SB_ROLE_ADMIN}};
enum { ROLES = sizeof roles / sizeof *roles };

unsigned sb_http_roles_parse(const char *text) {
  unsigned found = 0;
  while (*text) {
    size_t length = strcspn(text, ",");
    unsigned role = 0;
    for (int i = 0; i < ROLES; i++)
      if (strlen(roles[i].name) == length && !strncmp(text, roles[i].name, length)) role = roles[i].role;
    if (!role) return 0;
    found |= role;
    text += length + (text[length] == ',');
  }
  return found;
}

void sb_http_roles_write(unsigned held, char text[SB_HTTP_ROLES_TEXT]) {
  *text = 0;
  for (int i = 0; i < ROLES; i++)
    if (held & roles[i].role) strcat(strcat(text, *text ? "," : ""), roles[i].name);
}

json_t *sb_http_access_key_json(const sb_access_key *key) {
  char held[SB_HTTP_ROLES_TEXT];
  sb_http_roles_write(key->roles, held);
  return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:o}", "prefix", key->prefix, "label", key->label, "roles", held,
                   "collection", key->collection, "created", sb_json_time(key->created_ms), "expires",
                   sb_json_time(key->expires_ms), "revoked", sb_json_time(key->revoked_ms));
}

json_t *sb_http_audit_entry_json(const sb_audit_entry *entry) {
  const sb_chain_entry *e = &entry->entry;
  return json_pack("{s:I,s:o,s:s,s:s,s:I,s:s,s:I,s:I,s:o}", "sequence", (json_int_t)e->sequence, "at",
                   sb_json_time(e->at_ms), "actor", e->actor, "verb", e->verb, "collection", (json_int_t)e->collection,
                   "collection_name", entry->collection, "person", (json_int_t)e->person, "count", (json_int_t)e->count,
                   "link", sb_json_hex(entry->link, sizeof entry->link));
}

json_t *sb_http_audit_head_json(const sb_audit_head *head) {
  return json_pack("{s:I,s:o,s:o,s:o}", "head", (json_int_t)head->sequence, "link",
                   sb_json_hex(head->link, SB_LINK_SIZE), "signature", sb_json_hex(head->signature, SB_SIGNATURE_SIZE),
                   "public_key", sb_json_hex(head->public_key, SB_PUBLIC_SIZE));
}
