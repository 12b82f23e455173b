/* The actor: on whose behalf this thread works. The audit trail records it, and it limits which collection may be used.
 * A thread that works for a request or a job sets it first and resets it (NULL, NULL) afterwards. */
#ifndef SB_BASE_ACTOR_H
#define SB_BASE_ACTOR_H

#include <semblance/semblance.h>

typedef struct sb_actor {
  char name[64];                          /* "local" (the user who runs the program), "key:PREFIX", "admin", "timer" */
  char collection[SB_COLLECTION_MAX + 1]; /* the only collection that it may use; "": every one */
} sb_actor;
void sb_actor_set(const char *name, const char *collection); /* NULL: "local", every collection; both are copied */
const sb_actor *sb_actor_get(void);                          /* of this thread; never NULL */

#endif
