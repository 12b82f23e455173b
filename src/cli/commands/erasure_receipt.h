/* Reads what an auditor keeps outside the gallery: heads of the audit log and erasure receipts, as JSON files. They
 * are hostile input until checked. tests/fuzz/fuzz_receipt.c runs both functions on any bytes. */
#ifndef SB_CLI_ERASURE_RECEIPT_H
#define SB_CLI_ERASURE_RECEIPT_H

#include "engine/engine.h"

/* False if the text is not a head as `audit export --head` prints it. Does not check that the head is signed. */
bool sb_cli_audit_head_read(const char *text, size_t size, sb_audit_head *out);
/* False if the text is not a receipt, if its link does not follow from its entry, or if the signature is not by its
 * key. */
bool sb_cli_receipt_read(const char *text, size_t size, sb_audit_receipt *out);

#endif
