/* Target: arbitrary bytes as semblance.conf: read, or refused with the line number. */
#include "base/base.h"
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  char path[64], name[] = "semblance", *arguments[] = {name, NULL};
  int count = 1, file = memfd_create("fuzz", MFD_CLOEXEC);
  sb_config config = {0};
  sb_error error = {0};
  if (file < 0 || write(file, bytes, size) != (ssize_t)size) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  setenv("SEMBLANCE_CONF", path, 1);
  if (sb_config_load(&config, &count, arguments, &error) == SB_OK)
    sb_config_free(&config);
  else if (error.code != SB_INVALID || !*error.message)
    abort();
  close(file);
  return 0;
}
