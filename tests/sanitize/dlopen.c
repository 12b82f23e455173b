/* Only in sanitizer builds: TBB, which is part of the inference runtime, opens an optional library with RTLD_DEEPBIND,
 * and the address sanitizer then aborts the process. This dlopen replaces the sanitizer's and clears the flag. */
#include <dlfcn.h>
#include <stddef.h>

void *dlopen(const char *path, int flags) {
  union {
    void *symbol;
    void *(*open)(const char *, int);
  } next = {dlsym(RTLD_NEXT, "dlopen")};
  return next.open ? next.open(path, flags & ~RTLD_DEEPBIND) : NULL;
}
