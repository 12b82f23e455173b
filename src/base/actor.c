/* One sb_actor a thread, in thread-local storage. */
#include "base/actor.h"

#include <stdio.h>

static _Thread_local sb_actor current = {.name = "local"};

void sb_actor_set(const char *name, const char *collection) {
  snprintf(current.name, sizeof current.name, "%s", name ? name : "local");
  snprintf(current.collection, sizeof current.collection, "%s", collection ? collection : "");
}

const sb_actor *sb_actor_get(void) {
  return &current;
}
