/* Audit heads and erasure receipts, read from JSON. docs/formats.md describes both. */
#include "cli/commands/erasure_receipt.h"

#include "json/read.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A receipt is one object of a dozen short members. */
static const sb_json_limits limits = {.size = 1 << 20, .depth = 8, .values = 1000};

/* "2026-11-24T08:41:27.000Z" and nothing after it. */
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

bool sb_cli_audit_head_read(const char *text, size_t size, sb_audit_head *out) {
  json_t *json = sb_json_read(text, size, &limits, "the receipt", NULL);
  sb_audit_head head = {.sequence = read_number(json, "head")};
  bool valid = json_is_integer(json_object_get(json, "head")) && head.sequence >= 0 &&
               sb_json_read_hex(json, "link", head.link, SB_LINK_SIZE);
  json_decref(json);
  if (valid) *out = head;
  return valid;
}

bool sb_cli_receipt_read(const char *text, size_t size, sb_audit_receipt *out) {
  json_t *json = sb_json_read(text, size, &limits, "the receipt", NULL);
  uint8_t link[SB_LINK_SIZE];
  sb_audit_receipt r = {.entry = {.sequence = read_number(json, "sequence"),
                                  .collection = read_number(json, "collection"),
                                  .person = read_number(json, "person"),
                                  .count = read_number(json, "count")}};
  bool valid = read_time(json, &r.entry.at_ms) &&
               sb_json_read_text(json, "actor", r.entry.actor, sizeof r.entry.actor) &&
               sb_json_read_text(json, "verb", r.entry.verb, sizeof r.entry.verb) &&
               sb_json_read_hex(json, "before", r.before, SB_LINK_SIZE) &&
               sb_json_read_hex(json, "link", r.link, SB_LINK_SIZE) &&
               sb_json_read_hex(json, "signature", r.signature, SB_SIGNATURE_SIZE) &&
               sb_json_read_hex(json, "public_key", r.public_key, SB_PUBLIC_SIZE);
  json_decref(json);
  if (!valid) return false;
  sb_chain_link(r.before, &r.entry, link);
  if (memcmp(link, r.link, SB_LINK_SIZE) || !sb_chain_verify(r.public_key, r.entry.sequence, r.link, r.signature))
    return false;
  *out = r;
  return true;
}
