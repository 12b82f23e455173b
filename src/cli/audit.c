/* The audit subcommand. */
#include "cli/cli.h"
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FILE_BYTES_MAX = 1 << 16 };

static json_t *hex_json(const uint8_t *bytes, size_t size) {
  char text[2 * SB_SIGNATURE_SIZE + 1];
  sb_hex(bytes, size, text);
  return json_string(text);
}

static json_t *entry_json(const sb_audit_entry *entry) {
  const sb_chain_entry *e = &entry->entry;
  char at[32];
  sb_time_iso(e->at_ms, at);
  return json_pack("{s:I,s:s,s:s,s:s,s:I,s:s,s:I,s:I,s:o}", "sequence", (json_int_t)e->sequence, "at", at, "actor",
                   e->actor, "verb", e->verb, "collection", (json_int_t)e->collection, "collection_name",
                   entry->collection, "person", (json_int_t)e->person, "count", (json_int_t)e->count, "link",
                   hex_json(entry->link, sizeof entry->link));
}

static json_t *head_json(const sb_audit_head *head) {
  return json_pack("{s:I,s:o,s:o,s:o}", "head", (json_int_t)head->sequence, "link", hex_json(head->link, SB_LINK_SIZE),
                   "signature", hex_json(head->signature, SB_SIGNATURE_SIZE), "public_key",
                   hex_json(head->public_key, SB_PUBLIC_SIZE));
}

static void print_line(json_t *json) {
  char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
  if (text) puts(text);
  free(text);
  json_decref(json);
}

static sb_status print_json(void *context, const sb_audit_entry *entry, sb_error *error) {
  (void)context, (void)error;
  print_line(entry_json(entry));
  return SB_OK;
}

static sb_status print_words(void *context, const sb_audit_entry *entry, sb_error *error) {
  (void)context, (void)error;
  const sb_chain_entry *e = &entry->entry;
  char at[32];
  sb_time_iso(e->at_ms, at);
  printf("%lld\t%s\t%s\t%s", (long long)e->sequence, at, e->actor, e->verb);
  if (e->collection) printf("\tcollection %s", *entry->collection ? entry->collection : "(gone)");
  if (e->person) printf("\tperson %lld", (long long)e->person);
  if (e->count) printf("\tcount %lld", (long long)e->count);
  puts("");
  return SB_OK;
}

static sb_exit show(sb_cli *cli, size_t after, size_t limit) {
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK)
    status = sb_engine_audit(engine, (int64_t)after, limit, cli->json ? print_json : print_words, NULL, &error);
  sb_engine_free(engine);
  return status == SB_OK ? SB_EXIT_OK : sb_cli_fail(cli, status, &error);
}

static sb_exit export_all(sb_cli *cli, bool head_only) {
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_audit_head head;
  sb_status status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) status = sb_engine_audit_verify(engine, NULL, &head, &error);
  if (status == SB_OK && !head_only)
    status = sb_engine_audit(engine, 0, (size_t)head.sequence, print_json, NULL, &error);
  sb_engine_free(engine);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  return sb_cli_print_json(cli, head_json(&head), SB_EXIT_OK);
}

/* ---- Files of before: heads and receipts */

static sb_status read_json(const char *path, json_t **out, sb_error *error) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = sb_file_read(path, FILE_BYTES_MAX, &bytes, &size, error);
  if (status == SB_NOT_FOUND) return sb_fail(error, SB_INVALID, "there is no file %s", path);
  if (status != SB_OK) return status;
  *out = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, NULL);
  free(bytes);
  return json_is_object(*out) ? SB_OK : sb_fail(error, SB_INVALID, "%s holds no JSON object", path);
}

static bool read_hex(const json_t *json, const char *name, uint8_t *bytes, size_t size) {
  const char *text = json_string_value(json_object_get(json, name));
  if (!text || strlen(text) != 2 * size || strspn(text, "0123456789abcdef") != 2 * size) return false;
  for (size_t i = 0; i < size; i++) {
    char pair[3] = {text[2 * i], text[2 * i + 1], 0};
    bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
  }
  return true;
}

static sb_status read_anchor(const char *path, sb_audit_head *out, sb_error *error) {
  json_t *json = NULL;
  sb_status status = read_json(path, &json, error);
  *out = (sb_audit_head){.sequence = json_integer_value(json_object_get(json, "head"))};
  if (status == SB_OK && (!read_hex(json, "link", out->link, SB_LINK_SIZE) || out->sequence < 0))
    status = sb_fail(error, SB_INVALID, "%s holds no head as `audit export --head` prints it", path);
  json_decref(json);
  return status;
}

static bool read_time(const char *text, int64_t *unix_ms) {
  int y, mo, d, h, mi, s, ms, end = 0;
  if (!text || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &y, &mo, &d, &h, &mi, &s, &ms, &end) != 7 || text[end])
    return false;
  struct tm parts = {.tm_year = y - 1900, .tm_mon = mo - 1, .tm_mday = d, .tm_hour = h, .tm_min = mi, .tm_sec = s};
  *unix_ms = (int64_t)timegm(&parts) * 1000 + ms;
  return true;
}

static bool copy_text(const json_t *json, const char *name, char *out, size_t size) {
  const char *text = json_string_value(json_object_get(json, name));
  if (!text || strlen(text) >= size) return false;
  strcpy(out, text);
  return true;
}

/* A receipt's link must follow from its entry, and be signed; whether by this gallery, its public key tells. */
static bool receipt_holds(const json_t *json) {
  sb_receipt r = {.entry = {.sequence = json_integer_value(json_object_get(json, "sequence")),
                            .collection = json_integer_value(json_object_get(json, "collection")),
                            .person = json_integer_value(json_object_get(json, "person")),
                            .count = json_integer_value(json_object_get(json, "count"))}};
  uint8_t link[SB_LINK_SIZE];
  if (!read_time(json_string_value(json_object_get(json, "at")), &r.entry.at_ms) ||
      !copy_text(json, "actor", r.entry.actor, sizeof r.entry.actor) ||
      !copy_text(json, "verb", r.entry.verb, sizeof r.entry.verb) ||
      !read_hex(json, "before", r.before, SB_LINK_SIZE) || !read_hex(json, "link", r.link, SB_LINK_SIZE) ||
      !read_hex(json, "signature", r.signature, SB_SIGNATURE_SIZE) ||
      !read_hex(json, "public_key", r.public_key, SB_PUBLIC_SIZE))
    return false;
  sb_chain_link(r.before, &r.entry, link);
  return !memcmp(link, r.link, SB_LINK_SIZE) &&
         sb_chain_signed(r.public_key, r.entry.sequence, r.link, r.signature);
}

static sb_exit verify(sb_cli *cli, const char *anchor_path, const char *receipt_path) {
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_audit_head anchor, head;
  json_t *receipt = NULL;
  uint8_t signer[SB_PUBLIC_SIZE];
  sb_status status = anchor_path ? read_anchor(anchor_path, &anchor, &error) : SB_OK;
  if (status == SB_OK && receipt_path) status = read_json(receipt_path, &receipt, &error);
  if (status == SB_OK) status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) status = sb_engine_audit_verify(engine, anchor_path ? &anchor : NULL, &head, &error);
  if (status == SB_OK && receipt && !receipt_holds(receipt))
    status = sb_fail(&error, SB_INVALID, "the receipt does not hold: it was changed, or is none");
  if (status == SB_OK && receipt &&
      (!read_hex(receipt, "public_key", signer, sizeof signer) || memcmp(signer, head.public_key, sizeof signer)))
    status = sb_fail(&error, SB_INVALID, "the receipt is one of another gallery");
  json_decref(receipt);
  sb_engine_free(engine);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  if (cli->json) return sb_cli_print_json(cli, head_json(&head), SB_EXIT_OK);
  printf("the audit is whole: %lld entries%s\n", (long long)head.sequence, receipt_path ? "; the receipt holds" : "");
  return SB_EXIT_OK;
}

sb_exit sb_command_audit(sb_cli *cli) {
  const char *anchor = NULL, *receipt = NULL;
  size_t after = 0, limit = 100;
  bool head = false;
  const sb_flag flags[] = {{"--anchor", SB_FLAG_TEXT, &anchor},
                           {"--receipt", SB_FLAG_TEXT, &receipt},
                           {"--after", SB_FLAG_COUNT, &after},
                           {"--limit", SB_FLAG_COUNT, &limit},
                           {"--head", SB_FLAG_SWITCH, &head}};
  if (!SB_FLAGS_TAKE(cli, flags, 1, 1)) return SB_EXIT_USAGE;
  if (!strcmp(cli->words[0], "show")) return show(cli, after, limit);
  if (!strcmp(cli->words[0], "verify")) return verify(cli, anchor, receipt);
  if (!strcmp(cli->words[0], "export")) return export_all(cli, head);
  return sb_cli_usage(cli, "there is no `audit %s`", cli->words[0]);
}
