/* Containment: what a hostile photo that took over a decoder could still do is little. */
#ifndef SB_SANDBOX_H
#define SB_SANDBOX_H

#include "base/base.h"

/* Confines this process for good, before it starts threads; each part where the kernel has it, with a line in the log where
 * not. Landlock: no writing but under the folders of `writable` (NULL at the end; made when absent), no starting of
 * programs, no TCP connections but to `ports` (0 at the end; NULL: none). seccomp: no system calls by which a process gets at other processes, the kernel or
 * the machine's set-up, nor connects where `ports` is NULL; without `network` no sockets at all. Not in builds with sanitizers, which need some of these. */
void sb_sandbox_enter(const char *const *writable, bool network, const uint16_t *ports);

#endif
