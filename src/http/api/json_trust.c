#include "http/api/json_trust.h"

#include <string.h>

static const struct {
  const char *name;
  unsigned role;
} roles[] = {{"read", SB_ROLE_READ}, {"enroll", SB_ROLE_ENROLL}, {"admin", SB_ROLE_ADMIN}};
enum { ROLES = sizeof roles / sizeof *roles };

unsigned sb_roles_read(const char *text) {
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

void sb_roles_write(unsigned held, char text[SB_ROLES_TEXT]) {
  *text = 0;
  for (int i = 0; i < ROLES; i++)
    if (held & roles[i].role) strcat(strcat(text, *text ? "," : ""), roles[i].name);
}

static json_t *time_json(int64_t ms) {
  char text[32];
  if (!ms) return json_null();
  sb_time_iso(ms, text);
  return json_string(text);
}

json_t *sb_json_access_key(const sb_access_key *key) {
  char held[SB_ROLES_TEXT];
  sb_roles_write(key->roles, held);
  return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:o}", "prefix", key->prefix, "label", key->label, "roles", held,
                   "collection", key->collection, "created", time_json(key->created_ms), "expires",
                   time_json(key->expires_ms), "revoked", time_json(key->revoked_ms));
}

static json_t *hex_json(const uint8_t *bytes, size_t size) {
  char text[2 * SB_SIGNATURE_SIZE + 1];
  sb_hex(bytes, size, text);
  return json_string(text);
}

json_t *sb_json_audit_entry(const sb_audit_entry *entry) {
  const sb_chain_entry *e = &entry->entry;
  char at[32];
  sb_time_iso(e->at_ms, at);
  return json_pack("{s:I,s:s,s:s,s:s,s:I,s:s,s:I,s:I,s:o}", "sequence", (json_int_t)e->sequence, "at", at, "actor",
                   e->actor, "verb", e->verb, "collection", (json_int_t)e->collection, "collection_name",
                   entry->collection, "person", (json_int_t)e->person, "count", (json_int_t)e->count, "link",
                   hex_json(entry->link, sizeof entry->link));
}

json_t *sb_json_audit_head(const sb_audit_head *head) {
  return json_pack("{s:I,s:o,s:o,s:o}", "head", (json_int_t)head->sequence, "link", hex_json(head->link, SB_LINK_SIZE),
                   "signature", hex_json(head->signature, SB_SIGNATURE_SIZE), "public_key",
                   hex_json(head->public_key, SB_PUBLIC_SIZE));
}
