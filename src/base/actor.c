#include "base/base.h"

#include <stdio.h>

static _Thread_local sb_actor caller = {.actor = "local"};

void sb_actor_set(const char *actor, const char *collection) {
  snprintf(caller.actor, sizeof caller.actor, "%s", actor ? actor : "local");
  snprintf(caller.collection, sizeof caller.collection, "%s", collection ? collection : "");
}

const sb_actor *sb_actor_get(void) {
  return &caller;
}
