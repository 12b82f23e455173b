/* Process sandbox (Landlock and seccomp-bpf): limits what an attacker can do who takes over an image decoder with a
 * crafted photo. */
#ifndef SB_SANDBOX_H
#define SB_SANDBOX_H

#include "base/base.h"

/* Restricts this process for good. Call it before threads are started. Each part applies where the kernel supports it;
 * where it does not, a warning is logged and the process goes on without.
 *
 *   Landlock  writing only below the folders of `writable` (NULL-terminated; created when absent), no execution of
 *             programs, TCP connections only to `ports` (ends with 0; NULL: none)
 *   seccomp   no system calls that reach other processes, the kernel or the machine's configuration, or that change the
 *             attributes of files; no sockets but those that are open already, on which a server may accept clients;
 *             where there are `ports`, also sockets for streams (TCP, local), but no datagrams and no TCP Fast Open
 *
 * Does nothing in builds with sanitizers, which need some of these system calls. */
void sb_sandbox_enter(const char *const *writable, const uint16_t *ports);

/* For a process that decodes what others made and only talks over the files that it has open already. In addition to
 * what sb_sandbox_enter refuses:
 *
 *   Landlock  reading any file, and any connection
 *   seccomp   opening, renaming and removing files, all sockets, new processes, signals, prctl(), executable memory
 *
 * Call it after the libraries were loaded; threads may be started afterwards. */
void sb_sandbox_enter_decoder(void);

/* For a process that decodes what a camera sends. As for sb_sandbox_enter_decoder, but:
 *
 *   Landlock  reading the files by which names are looked up (/etc/resolv.conf and the like); TCP connections to
 *             `ports` (ends with 0), at any address
 *   seccomp   opening files, which Landlock limits; sockets for streams and datagrams of the Internet, bind()
 *
 * Landlock knows ports of TCP, not addresses and not UDP: whoever takes such a process over can send datagrams to any
 * address, and connect to those ports of any. */
void sb_sandbox_enter_camera(const uint16_t *ports);
/* For a process that talks to servers that others choose. In addition to what sb_sandbox_enter refuses:
 *
 *   Landlock  reading any file but libraries, certificates and what looking up names needs; writing anywhere
 *   seccomp   other sockets than streams and datagrams of the Internet; new processes
 *
 * Connections may go anywhere: which addresses are allowed is the process's own rule. */
void sb_sandbox_enter_sender(void);

#endif
