#include "base/base.h"

#include <stdio.h>

static _Thread_local sb_caller caller = {.actor = "local"};

void sb_caller_set(const char *actor, const char *collection) {
  snprintf(caller.actor, sizeof caller.actor, "%s", actor ? actor : "local");
  snprintf(caller.collection, sizeof caller.collection, "%s", collection ? collection : "");
}

const sb_caller *sb_caller_get(void) {
  return &caller;
}
