#include "cli/erasure_receipt.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool read_hex(const json_t *json, const char *name, uint8_t *bytes, size_t size) {
  const char *text = json_string_value(json_object_get(json, name));
  if (!text || strlen(text) != 2 * size || strspn(text, "0123456789abcdef") != 2 * size) return false;
  for (size_t i = 0; i < size; i++) {
    char pair[3] = {text[2 * i], text[2 * i + 1], 0};
    bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
  }
  return true;
}

static bool read_text(const json_t *json, const char *name, char *out, size_t size) {
  const char *text = json_string_value(json_object_get(json, name));
  if (!text || strlen(text) >= size) return false;
  strcpy(out, text);
  return true;
}

static bool read_time(const json_t *json, int64_t *unix_ms) {
  const char *text = json_string_value(json_object_get(json, "at"));
  int y, mo, d, h, mi, s, ms, end = 0;
  if (!text || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &y, &mo, &d, &h, &mi, &s, &ms, &end) != 7 || text[end])
    return false;
  struct tm parts = {.tm_year = y - 1900, .tm_mon = mo - 1, .tm_mday = d, .tm_hour = h, .tm_min = mi, .tm_sec = s};
  *unix_ms = (int64_t)timegm(&parts) * 1000 + ms;
  return true;
}

static int64_t read_number(const json_t *json, const char *name) {
  return json_integer_value(json_object_get(json, name));
}

bool sb_audit_head_read(const char *text, size_t size, sb_audit_head *out) {
  json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
  sb_audit_head head = {.sequence = read_number(json, "head")};
  bool right = json_is_integer(json_object_get(json, "head")) && head.sequence >= 0 &&
               read_hex(json, "link", head.link, SB_LINK_SIZE);
  json_decref(json);
  if (right) *out = head;
  return right;
}

bool sb_receipt_read(const char *text, size_t size, sb_audit_receipt *out) {
  json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
  uint8_t link[SB_LINK_SIZE];
  sb_audit_receipt r = {.entry = {.sequence = read_number(json, "sequence"),
                                  .collection = read_number(json, "collection"),
                                  .person = read_number(json, "person"),
                                  .count = read_number(json, "count")}};
  bool right = read_time(json, &r.entry.at_ms) && read_text(json, "actor", r.entry.actor, sizeof r.entry.actor) &&
               read_text(json, "verb", r.entry.verb, sizeof r.entry.verb) &&
               read_hex(json, "before", r.before, SB_LINK_SIZE) && read_hex(json, "link", r.link, SB_LINK_SIZE) &&
               read_hex(json, "signature", r.signature, SB_SIGNATURE_SIZE) &&
               read_hex(json, "public_key", r.public_key, SB_PUBLIC_SIZE);
  json_decref(json);
  if (!right) return false;
  sb_chain_link(r.before, &r.entry, link);
  if (memcmp(link, r.link, SB_LINK_SIZE) || !sb_chain_verify(r.public_key, r.entry.sequence, r.link, r.signature))
    return false;
  *out = r;
  return true;
}
