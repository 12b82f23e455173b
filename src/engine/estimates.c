/* Age, gender and ethnicity as names: in requests, in the setting --estimates, and in what a server says of itself. */
#include "engine/engine.h"

#include <string.h>

static const struct {
  const char *name;
  unsigned flag;
} estimates[] = {{"age", SB_ENROLL_AGE}, {"gender", SB_ENROLL_GENDER}, {"ethnicity", SB_ENROLL_ETHNICITY}};
enum { COUNT = sizeof estimates / sizeof *estimates };

static unsigned flag_of(const char *name, size_t length) {
  for (size_t i = 0; i < COUNT; i++)
    if (strlen(estimates[i].name) == length && !strncmp(name, estimates[i].name, length)) return estimates[i].flag;
  return 0;
}

bool sb_engine_estimates_read(const char *list, unsigned *flags) {
  *flags = 0;
  if (!strcmp(list, "none")) return true;
  for (const char *name = list;; name++) {
    size_t length = strcspn(name, ",");
    unsigned flag = flag_of(name, length);
    *flags |= flag;
    name += length;
    if (!flag || !*name) return flag;
  }
}

const char *sb_engine_estimate_name(size_t index, unsigned *flag) {
  if (index >= COUNT) return NULL;
  *flag = estimates[index].flag;
  return estimates[index].name;
}
