/* audit: shows, verifies and exports the audit log, a hash chain of who did what to whom. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/commands/erasure_receipt.h"
#include "http/api/access_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 1 << 16 };

typedef struct options {
  const char *anchor, *receipt;
  size_t after, limit;
  bool head;
} options;

/* ---- show */

static const sb_cli_option show_options[] = {
    {"--after", "N", "entries after number N", SB_CLI_FIELD(options, after)},
    {"--limit", "N", "how many entries", SB_CLI_FIELD(options, limit), .fallback = "100"},
    {NULL},
};

static sb_status print_json_line(void *context, const sb_audit_entry *entry, sb_error *error) {
  (void)context;
  return sb_cli_print_json(sb_http_audit_entry_json(entry), error);
}

/* One line, with tabs: number, time, actor, verb, then what it concerned. A person is a number here, never a name or
 * an id. */
static sb_status print_text_line(void *context, const sb_audit_entry *entry, sb_error *error) {
  (void)context, (void)error;
  const sb_chain_entry *e = &entry->entry;
  char at[32];
  sb_time_iso(e->at_ms, at);
  printf("%lld\t%s\t%s\t%s", (long long)e->sequence, at, e->actor, e->verb);
  if (e->collection) printf("\tcollection %s", *entry->collection ? entry->collection : "(deleted)");
  if (e->person) printf("\tperson %lld", (long long)e->person);
  if (e->count) printf("\tcount %lld", (long long)e->count);
  puts("");
  return SB_OK;
}

static sb_status run_show(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  return sb_engine_audit(cli->engine, (int64_t)o->after, o->limit, cli->json ? print_json_line : print_text_line, NULL,
                         error);
}

/* ---- export */

static const sb_cli_option export_options[] = {
    {"--head", NULL, "the signed head only: keep it elsewhere, for verify --anchor", SB_CLI_FIELD(options, head)},
    {NULL},
};

static sb_status run_export(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  sb_audit_head head;
  sb_status status = sb_engine_audit_verify(cli->engine, NULL, &head, error);
  if (status == SB_OK && !o->head)
    status = sb_engine_audit(cli->engine, 0, (size_t)head.sequence, print_json_line, NULL, error);
  return status == SB_OK ? sb_cli_print_json(sb_http_audit_head_json(&head), error) : status;
}

/* ---- verify */

static const sb_cli_option verify_options[] = {
    {"--anchor", "FILE", "also check that the log continues the head in FILE, printed by `audit export --head`",
     SB_CLI_FIELD(options, anchor)},
    {"--receipt", "FILE", "also check the erasure receipt in FILE", SB_CLI_FIELD(options, receipt)},
    {NULL},
};

/* A file that the user kept elsewhere. */
static sb_status read_file(const char *path, uint8_t **bytes, size_t *size, sb_error *error) {
  sb_status status = sb_file_read_stream(path, FILE_BYTES_MAX, bytes, size, error);
  if (status == SB_TOO_LARGE)
    return sb_fail(error, SB_INVALID, "%s is too large to be an audit head or an erasure receipt", path);
  return status;
}

static sb_status read_anchor(const char *path, sb_audit_head *out, sb_error *error) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = read_file(path, &bytes, &size, error);
  if (status == SB_OK && !sb_cli_audit_head_read((const char *)bytes, size, out))
    status = sb_fail(error, SB_INVALID, "%s does not hold a head as `audit export --head` prints it", path);
  free(bytes);
  return status;
}

static sb_status read_receipt(const char *path, sb_audit_receipt *out, sb_error *error) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = read_file(path, &bytes, &size, error);
  if (status == SB_OK && !sb_cli_receipt_read((const char *)bytes, size, out))
    status = sb_fail(error, SB_INVALID, "the receipt is not valid: it was changed, or %s is not a receipt", path);
  free(bytes);
  return status;
}

static sb_status run_verify(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  sb_audit_head anchor, head;
  sb_audit_receipt receipt;
  sb_status status = o->anchor ? read_anchor(o->anchor, &anchor, error) : SB_OK;
  if (status != SB_OK) return status;
  if (o->receipt) status = read_receipt(o->receipt, &receipt, error);
  if (status != SB_OK) return status;
  status = sb_cli_open_engine(cli, SB_CLI_GALLERY, error);
  if (status != SB_OK) return status;
  status = sb_engine_audit_verify(cli->engine, o->anchor ? &anchor : NULL, &head, error);
  if (status != SB_OK) return status;
  if (o->receipt && memcmp(receipt.public_key, head.public_key, sizeof head.public_key))
    return sb_fail(error, SB_INVALID, "the receipt belongs to another gallery");
  if (cli->json) return sb_cli_print_json(sb_http_audit_head_json(&head), error);
  printf("the audit log is intact: %lld entries%s\n", (long long)head.sequence,
         o->receipt ? "; the receipt is valid" : "");
  return SB_OK;
}

/* ---- The subcommand */

static const sb_cli_command actions[] = {
    {.name = "show",
     .summary = "the entries, oldest first",
     .options = show_options,
     .opens_gallery = true,
     .run = run_show},
    {.name = "verify",
     .summary = "follow the chain, and report tampering, gaps and a tail that was cut off",
     .options = verify_options,
     .run = run_verify},
    {.name = "export",
     .summary = "all entries as lines of JSON, the signed head last",
     .options = export_options,
     .opens_gallery = true,
     .run = run_export},
    {NULL},
};
const sb_cli_command sb_cli_command_audit = {.name = "audit",
                                             .summary = "who did what to whom, and whether that record is intact",
                                             .options_size = sizeof(options),
                                             .actions = actions};
