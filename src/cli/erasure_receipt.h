/* What an audit's reader kept on disk: heads and receipts, as JSON. Hostile until checked. */
#ifndef SB_CLI_ERASURE_RECEIPT_H
#define SB_CLI_ERASURE_RECEIPT_H

#include "engine/engine.h"

/* False for what is no head as `audit export --head` prints it. Whether it is signed is not asked. */
bool sb_audit_head_read(const char *text, size_t size, sb_audit_head *out);
/* False for what is no receipt, or one whose link does not follow from its entry, or whose signature is not its key's. */
bool sb_receipt_read(const char *text, size_t size, sb_audit_receipt *out);

#endif
