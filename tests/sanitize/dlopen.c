/* Only in sanitizer builds: TBB, inside the inference runtime, opens an optional library with RTLD_DEEPBIND, at which the address
 * sanitizer ends the process. This dlopen stands before the sanitizer's and takes the flag away. */
#include <dlfcn.h>
#include <stddef.h>

void *dlopen(const char *path, int flags) {
  union {
    void *symbol;
    void *(*open)(const char *, int);
  } next = {dlsym(RTLD_NEXT, "dlopen")};
  return next.open ? next.open(path, flags & ~RTLD_DEEPBIND) : NULL;
}
