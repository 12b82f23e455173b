/* Landlock rules (files, TCP, scopes) and a seccomp-bpf filter (system calls); see landlock(7) and seccomp(2). To allow
 * or refuse another system call, edit the list `refused`; to allow writing elsewhere, edit the caller's list of
 * folders. */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* ---- Landlock. The kernel's constants are written out, because older headers lack some of them. */

enum {
  FS_EXECUTE = 1 << 0,
  FS_WRITES = 1 << 1 | 0x1ff0, /* write_file; removing and making files, folders, devices, sockets, links */
  FS_REFER = 1 << 13,          /* since ABI version 2 */
  FS_TRUNCATE = 1 << 14,       /* since 3 */
  NET_CONNECT = 1 << 1,        /* since 4 */
  SCOPE_ALL = 3,               /* abstract sockets and signals: since 6 */
};

typedef struct ruleset { /* the kernel's landlock_ruleset_attr */
  uint64_t fs, net, scope;
} ruleset;

static void allow(int rules, const char *path, uint64_t access) {
  struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = open(path, O_PATH | O_CLOEXEC)};
  if (rule.parent_fd < 0) return;
  if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
    sb_log(SB_LOG_WARNING, "sandbox: writing to %s could not be allowed: %s", path, strerror(errno));
  close(rule.parent_fd);
}

/* The struct is the kernel's landlock_net_port_attr. */
static void allow_port(int rules, uint16_t port) {
  enum { RULE_NET_PORT = 2 };
  struct {
    uint64_t allowed_access, port;
  } rule = {NET_CONNECT, port};
  if (syscall(SYS_landlock_add_rule, rules, RULE_NET_PORT, &rule, 0))
    sb_log(SB_LOG_WARNING, "sandbox: connecting to port %d could not be allowed: %s", (int)port, strerror(errno));
}

static void landlock(const char *const *writable, const uint16_t *ports) {
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) {
    sb_log(SB_LOG_WARNING, "sandbox: this kernel does not support Landlock; only file permissions protect files");
    return;
  }
  uint64_t fs = FS_EXECUTE | FS_WRITES | (version >= 2 ? FS_REFER : 0) | (version >= 3 ? FS_TRUNCATE : 0);
  ruleset attributes = {fs, version >= 4 ? NET_CONNECT : 0, version >= 6 ? SCOPE_ALL : 0};
  size_t size = version >= 6 ? sizeof attributes : version >= 4 ? offsetof(ruleset, scope) : offsetof(ruleset, net);
  int rules = (int)syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
  if (rules < 0) {
    sb_log(SB_LOG_WARNING, "sandbox: Landlock could not be enabled: %s", strerror(errno));
    return;
  }
  for (; *writable; writable++)
    if (sb_dir_make(*writable, NULL) == SB_OK) allow(rules, *writable, fs & ~(uint64_t)FS_EXECUTE);
  for (; version >= 4 && ports && *ports; ports++) allow_port(rules, *ports);
  allow(rules, "/dev/null", fs & (1 << 1 | FS_TRUNCATE));
  allow(rules, "/dev/tty", fs & (1 << 1 | FS_TRUNCATE));
  if (syscall(SYS_landlock_restrict_self, rules, 0))
    sb_log(SB_LOG_WARNING, "sandbox: Landlock could not be enabled: %s", strerror(errno));
  close(rules);
}

/* ---- seccomp */

#if defined(__x86_64__)
enum { ARCHITECTURE = (int)AUDIT_ARCH_X86_64 };
#elif defined(__aarch64__)
enum { ARCHITECTURE = (int)AUDIT_ARCH_AARCH64 };
#else
enum { ARCHITECTURE = 0 };
#endif

/* System calls that fail with EPERM: running programs, reaching other processes, the kernel, the machine. */
static const int refused[] = {
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kcmp,
    SYS_pidfd_getfd,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_open_by_handle_at,
    SYS_open_tree,
    SYS_move_mount,
    SYS_fsopen,
    SYS_fsmount,
    SYS_swapon,
    SYS_swapoff,
    SYS_reboot,
    SYS_acct,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_quotactl,
    SYS_syslog,
    SYS_vhangup,
    SYS_fanotify_init,
    SYS_personality,
#if defined(__x86_64__)
    SYS_iopl,
    SYS_ioperm,
    SYS_modify_ldt,
    SYS_kexec_file_load,
    SYS_uselib,
    SYS_ustat,
    SYS__sysctl,
#endif
};
enum { REFUSED = sizeof refused / sizeof *refused, INSTRUCTIONS_MAX = 2 * REFUSED + 18 };

static void seccomp(bool sockets, bool connections) {
  struct sock_filter code[INSTRUCTIONS_MAX];
  unsigned short used = 0;
  const struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
  const struct sock_filter pass = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
#define EMIT(...) code[used++] = (struct sock_filter)__VA_ARGS__
  EMIT(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
  EMIT(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)ARCHITECTURE, 1, 0));
  code[used++] = refuse; /* another architecture has other system call numbers */
  EMIT(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
#if defined(__x86_64__)
  EMIT(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1)); /* x32 */
  code[used++] = refuse;
#endif
  for (size_t i = 0; i < REFUSED; i++) {
    EMIT(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)refused[i], 0, 1));
    code[used++] = refuse;
  }
  if (!connections) {
    EMIT(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 0, 1));
    code[used++] = refuse;
  }
  if (!sockets) {
    EMIT(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1));
    code[used++] = refuse;
  }
  code[used++] = pass;
#undef EMIT
  struct sock_fprog program = {used, code};
  if (!ARCHITECTURE || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
    sb_log(SB_LOG_WARNING, "sandbox: this kernel does not support seccomp filters");
}

void sb_sandbox_enter(const char *const *writable, bool network, const uint16_t *ports) {
  if (SANITIZED) return;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
    sb_log(SB_LOG_WARNING, "sandbox: no_new_privs could not be set: %s", strerror(errno));
    return;
  }
  landlock(writable, ports);
  seccomp(network || ports, ports);
}
