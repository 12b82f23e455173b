/* Target: arbitrary bytes as an erasure receipt or a saved audit head. */
#include "cli/commands/erasure_receipt.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  sb_audit_receipt receipt;
  sb_audit_head head;
  memset(&receipt, 0, sizeof receipt);
  if (sb_cli_receipt_read((const char *)bytes, size, &receipt) && strlen(receipt.entry.verb) > SB_VERB_MAX) abort();
  if (sb_cli_audit_head_read((const char *)bytes, size, &head) && head.sequence < 0) abort();
  return 0;
}
