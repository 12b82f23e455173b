/* The audit subcommand. */
#include "cli/cli.h"
#include "cli/erasure_receipt.h"
#include "http/api/json_trust.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 1 << 16 };

static void print_line(json_t *json) {
  char *text = sb_json_write(json);
  if (text) puts(text);
  free(text);
  json_decref(json);
}

static sb_status print_json(void *context, const sb_audit_entry *entry, sb_error *error) {
  (void)context, (void)error;
  print_line(sb_json_audit_entry(entry));
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
  return sb_cli_print_json(cli, sb_json_audit_head(&head), SB_EXIT_OK);
}

/* ---- Files of before: heads and receipts */

static sb_status read_kept(const char *path, uint8_t **bytes, size_t *size, sb_error *error) {
  sb_status status = sb_file_read(path, FILE_BYTES_MAX, bytes, size, error);
  if (status == SB_TOO_LARGE) return sb_fail(error, SB_INVALID, "%s is no such file: it is too large", path);
  return status == SB_NOT_FOUND ? sb_fail(error, SB_INVALID, "there is no file %s", path) : status;
}

static sb_status read_anchor(const char *path, sb_audit_head *out, sb_error *error) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = read_kept(path, &bytes, &size, error);
  if (status == SB_OK && !sb_audit_head_read((const char *)bytes, size, out))
    status = sb_fail(error, SB_INVALID, "%s holds no head as `audit export --head` prints it", path);
  free(bytes);
  return status;
}

static sb_status read_receipt(const char *path, sb_audit_receipt *out, sb_error *error) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = read_kept(path, &bytes, &size, error);
  if (status == SB_OK && !sb_receipt_read((const char *)bytes, size, out))
    status = sb_fail(error, SB_INVALID, "the receipt does not hold: it was changed, or is none");
  free(bytes);
  return status;
}

static sb_exit verify(sb_cli *cli, const char *anchor_path, const char *receipt_path) {
  sb_error error = {0};
  sb_engine *engine = NULL;
  sb_audit_head anchor, head;
  sb_audit_receipt receipt;
  sb_status status = anchor_path ? read_anchor(anchor_path, &anchor, &error) : SB_OK;
  if (status == SB_OK && receipt_path) status = read_receipt(receipt_path, &receipt, &error);
  if (status == SB_OK) status = sb_cli_engine(cli, false, &engine, &error);
  if (status == SB_OK) status = sb_engine_audit_verify(engine, anchor_path ? &anchor : NULL, &head, &error);
  if (status == SB_OK && receipt_path && memcmp(receipt.public_key, head.public_key, sizeof head.public_key))
    status = sb_fail(&error, SB_INVALID, "the receipt is one of another gallery");
  sb_engine_free(engine);
  if (status != SB_OK) return sb_cli_fail(cli, status, &error);
  if (cli->json) return sb_cli_print_json(cli, sb_json_audit_head(&head), SB_EXIT_OK);
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
