/* Landlock rules (files, TCP, scopes) and a seccomp-bpf filter (system calls); see landlock(7) and seccomp(2). To allow
 * or refuse another system call, edit the list `refused`; to allow writing elsewhere, edit the caller's list of
 * folders. */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
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
  FS_READ_FILE = 1 << 2,
  FS_READS = FS_READ_FILE | 1 << 3, /* read_file, read_dir */
  FS_REFER = 1 << 13,               /* since ABI version 2 */
  FS_TRUNCATE = 1 << 14,            /* since 3 */
  NET_BIND = 1 << 0,                /* since 4 */
  NET_CONNECT = 1 << 1,             /* since 4 */
  SCOPE_ALL = 3,                    /* abstract sockets and signals: since 6 */
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

/* The version of Landlock's interface; 0: the kernel has none. */
static long landlock_version(void) {
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version >= 1) return version;
  sb_log(SB_LOG_WARNING, "sandbox: this kernel does not support Landlock; only file permissions protect files");
  return 0;
}

/* All ways of changing files, and of running programs, that this version knows. */
static uint64_t landlock_changes(long version) {
  return FS_EXECUTE | FS_WRITES | (version >= 2 ? FS_REFER : 0) | (version >= 3 ? FS_TRUNCATE : 0);
}

/* A set of rules that refuses `fs` and `net`; -1 with a warning. */
static int landlock_rules(long version, uint64_t fs, uint64_t net) {
  ruleset attributes = {fs, version >= 4 ? net : 0, version >= 6 ? SCOPE_ALL : 0};
  size_t size = version >= 6 ? sizeof attributes : version >= 4 ? offsetof(ruleset, scope) : offsetof(ruleset, net);
  int rules = (int)syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
  if (rules < 0) sb_log(SB_LOG_WARNING, "sandbox: Landlock could not be enabled: %s", strerror(errno));
  return rules;
}

static void landlock_restrict(int rules) {
  if (syscall(SYS_landlock_restrict_self, rules, 0))
    sb_log(SB_LOG_WARNING, "sandbox: Landlock could not be enabled: %s", strerror(errno));
  close(rules);
}

static void landlock(const char *const *writable, const uint16_t *ports) {
  long version = landlock_version();
  uint64_t fs = landlock_changes(version);
  int rules = version ? landlock_rules(version, fs, NET_CONNECT) : -1;
  if (rules < 0) return;
  for (; *writable; writable++)
    if (sb_dir_make(*writable, NULL) == SB_OK) allow(rules, *writable, fs & ~(uint64_t)FS_EXECUTE);
  for (; version >= 4 && ports && *ports; ports++) allow_port(rules, *ports);
  allow(rules, "/dev/null", fs & (1 << 1 | FS_TRUNCATE));
  allow(rules, "/dev/tty", fs & (1 << 1 | FS_TRUNCATE));
  landlock_restrict(rules);
}

/* `readable`: files and folders, ended by NULL. `net`: what is refused, but for `ports`. */
static void landlock_everything(const char *const *readable, uint64_t net, const uint16_t *ports) {
  long version = landlock_version();
  int rules = version ? landlock_rules(version, landlock_changes(version) | FS_READS, net) : -1;
  if (rules < 0) return;
  for (; *readable; readable++) allow(rules, *readable, FS_READ_FILE);
  for (; version >= 4 && *ports; ports++) allow_port(rules, *ports);
  landlock_restrict(rules);
}

/* ---- seccomp */

#if defined(__x86_64__)
enum { ARCHITECTURE = (int)AUDIT_ARCH_X86_64 };
#elif defined(__aarch64__)
enum { ARCHITECTURE = (int)AUDIT_ARCH_AARCH64 };
#else
enum { ARCHITECTURE = 0 };
#endif

/* System calls younger than the headers of the oldest systems; their numbers are the same on every architecture. */
enum { NR_FCHMODAT2 = 452, NR_SETXATTRAT = 463, NR_REMOVEXATTRAT = 466, NR_FILE_SETATTR = 469 };

/* System calls that fail with EPERM: running programs, reaching other processes, the kernel, the machine; servers of
 * one's own; and the attributes of files, which Landlock does not protect: mode, owner, times, extended ones. */
static const int refused[] = {
    SYS_listen,
    SYS_fchmod,
    NR_FCHMODAT2,
    SYS_fchown,
    SYS_fchownat,
    SYS_utimensat,
    SYS_setxattr,
    SYS_lsetxattr,
    SYS_fsetxattr,
    NR_SETXATTRAT,
    SYS_removexattr,
    SYS_lremovexattr,
    SYS_fremovexattr,
    NR_REMOVEXATTRAT,
    NR_FILE_SETATTR,
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
    SYS_chmod,
    SYS_chown,
    SYS_lchown,
    SYS_utime,
    SYS_utimes,
    SYS_futimesat,
    SYS_iopl,
    SYS_ioperm,
    SYS_modify_ldt,
    SYS_kexec_file_load,
    SYS_uselib,
    SYS_ustat,
    SYS__sysctl,
#endif
};

/* What a decoder may not do in addition: open, make, move or remove files; have other sockets; start processes; send
 * signals; change what the kernel does when its parent ends. */
static const int refused_to_decoders[] = {
    SYS_openat2,
    SYS_memfd_create,
    SYS_mknodat,
    SYS_mkdirat,
    SYS_unlinkat,
    SYS_symlinkat,
    SYS_linkat,
    SYS_renameat2,
    SYS_truncate,
    SYS_fallocate,
    SYS_socketpair,
    SYS_accept,
    SYS_accept4,
    SYS_kill,
    SYS_tkill,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
    SYS_pidfd_open,
    SYS_pidfd_send_signal,
    SYS_prctl, /* it could outlive its parent (PR_SET_PDEATHSIG) */
    SYS_shmget,
    SYS_shmat,
    SYS_msgget,
    SYS_semget,
    SYS_mq_open,
#if defined(__x86_64__)
    SYS_creat,
    SYS_mknod,
    SYS_mkdir,
    SYS_rmdir,
    SYS_unlink,
    SYS_symlink,
    SYS_link,
    SYS_rename,
    SYS_fork,
    SYS_vfork,
#endif
#if defined(SYS_renameat)
    SYS_renameat,
#endif
};
/* What a decoder of a camera needs in addition to that of a film. */
static const int of_cameras[] = {
    SYS_bind,
    SYS_openat,
#if defined(__x86_64__)
    SYS_open,
#endif
};
enum {
  OF_CAMERAS = sizeof of_cameras / sizeof *of_cameras,
  REFUSED = sizeof refused / sizeof *refused,
  REFUSED_TO_DECODERS = sizeof refused_to_decoders / sizeof *refused_to_decoders,
  INSTRUCTIONS_MAX = 2 * (REFUSED + REFUSED_TO_DECODERS + OF_CAMERAS) + 80
};

/* A filter under construction. `code` has room for everything that seccomp() emits. */
typedef struct filter {
  struct sock_filter code[INSTRUCTIONS_MAX];
  unsigned short used;
} filter;

static void emit(filter *f, uint16_t code, uint32_t value, uint8_t if_true, uint8_t if_false) {
  f->code[f->used++] = (struct sock_filter){code, if_true, if_false, value};
}

static void load(filter *f, size_t offset) {
  emit(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(filter *f, uint32_t action) {
  emit(f, BPF_RET | BPF_K, action, 0, 0);
}

/* Answers that the call succeeded, without making it. */
static void ignore_call(filter *f, int number) {
  emit(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
  answer(f, SECCOMP_RET_ERRNO);
}

static void refuse_call(filter *f, int number) {
  emit(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
  answer(f, SECCOMP_RET_ERRNO | EPERM);
}

/* The low or high half of an argument; both architectures are little-endian. */
static size_t argument(unsigned index, bool high) {
  return offsetof(struct seccomp_data, args) + 8 * (size_t)index + (high ? 4 : 0);
}

/* Refuses a call whose argument has one of `bits` set. Leaves the call's number loaded. */
static void refuse_bits(filter *f, int number, unsigned index, bool high, uint32_t bits) {
  emit(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 4);
  load(f, argument(index, high));
  emit(f, BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
  answer(f, SECCOMP_RET_ERRNO | EPERM);
  load(f, offsetof(struct seccomp_data, nr));
}

/* Refuses ioctl() with this request, which changes a file's flags. */
static void refuse_ioctl(filter *f, uint32_t request) {
  emit(f, BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 4);
  load(f, argument(1, false));
  emit(f, BPF_JMP | BPF_JEQ | BPF_K, request, 0, 1);
  answer(f, SECCOMP_RET_ERRNO | EPERM);
  load(f, offsetof(struct seccomp_data, nr));
}

/* socket() for streams of the Internet and of this machine only: no datagrams, which go to any address without
 * connect(); no packets, netlink or virtual machines. */
static void limit_sockets(filter *f) {
  enum { TYPE_MASK = 15 }; /* the rest are SOCK_CLOEXEC and SOCK_NONBLOCK */
  emit(f, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 9);
  load(f, argument(0, false));
  emit(f, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 3, 0);
  emit(f, BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 2, 0);
  emit(f, BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 1, 0);
  answer(f, SECCOMP_RET_ERRNO | EPERM);
  load(f, argument(1, false));
  emit(f, BPF_ALU | BPF_AND | BPF_K, TYPE_MASK, 0, 0);
  emit(f, BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 1, 0);
  answer(f, SECCOMP_RET_ERRNO | EPERM);
  load(f, offsetof(struct seccomp_data, nr));
}

/* socket() for streams and datagrams of the Internet only. */
static void limit_sockets_to_internet(filter *f) {
  enum { TYPE_MASK = 15 };
  emit(f, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 9);
  load(f, argument(0, false));
  emit(f, BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 2, 0);
  emit(f, BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 1, 0);
  answer(f, SECCOMP_RET_ERRNO | EPERM);
  load(f, argument(1, false));
  emit(f, BPF_ALU | BPF_AND | BPF_K, TYPE_MASK, 0, 0);
  emit(f, BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 2, 0);
  emit(f, BPF_JMP | BPF_JEQ | BPF_K, SOCK_DGRAM, 1, 0);
  answer(f, SECCOMP_RET_ERRNO | EPERM);
  load(f, offsetof(struct seccomp_data, nr));
}

/* What sends to an address without connect(): sendto() with one. */
static void limit_datagrams(filter *f) {
  refuse_bits(f, SYS_sendto, 4, false, UINT32_MAX);
  refuse_bits(f, SYS_sendto, 4, true, UINT32_MAX);
}

/* TCP Fast Open, which Landlock does not see. */
static void limit_fast_open(filter *f) {
  refuse_bits(f, SYS_sendto, 3, false, MSG_FASTOPEN);
  refuse_bits(f, SYS_sendmsg, 2, false, MSG_FASTOPEN);
  refuse_bits(f, SYS_sendmmsg, 3, false, MSG_FASTOPEN);
}

/* clone() for threads only, and clone3() not at all: the C library then uses clone(), whose flags can be seen. */
static void limit_processes(filter *f) {
  emit(f, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1);
  answer(f, SECCOMP_RET_ERRNO | ENOSYS);
  emit(f, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4);
  load(f, argument(0, false));
  emit(f, BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0);
  answer(f, SECCOMP_RET_ERRNO | EPERM);
  load(f, offsetof(struct seccomp_data, nr));
}

static void limit_decoder(filter *f) {
  for (size_t i = 0; i < REFUSED_TO_DECODERS; i++) refuse_call(f, refused_to_decoders[i]);
  limit_processes(f);
  refuse_bits(f, SYS_mmap, 2, false, PROT_EXEC);
  refuse_bits(f, SYS_mprotect, 2, false, PROT_EXEC);
  refuse_bits(f, SYS_pkey_mprotect, 2, false, PROT_EXEC);
}

/* Whom a filter is for. */
typedef enum role { ROLE_ALONE, ROLE_CONNECTING, ROLE_DECODER, ROLE_CAMERA, ROLE_SENDER } role;

static void limit_network(filter *f, role of) {
  limit_fast_open(f);
  if (of != ROLE_CAMERA) limit_datagrams(f);
  if (of == ROLE_CONNECTING) limit_sockets(f);
  if (of == ROLE_CAMERA || of == ROLE_SENDER) limit_sockets_to_internet(f);
  if (of == ROLE_CONNECTING || of == ROLE_CAMERA || of == ROLE_SENDER) return;
  refuse_call(f, SYS_socket);
  refuse_call(f, SYS_connect);
}

static void seccomp(role of) {
  filter f = {.used = 0};
  load(&f, offsetof(struct seccomp_data, arch));
  emit(&f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)ARCHITECTURE, 1, 0);
  answer(&f, SECCOMP_RET_ERRNO | EPERM); /* another architecture has other system call numbers */
  load(&f, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
  emit(&f, BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1); /* x32 */
  answer(&f, SECCOMP_RET_ERRNO | EPERM);
#endif
  /* The runtime makes the files of its cache read-only, and deletes them again when it cannot. */
  ignore_call(&f, SYS_fchmodat);
  for (size_t i = 0; i < REFUSED; i++) refuse_call(&f, refused[i]);
  refuse_ioctl(&f, FS_IOC_SETFLAGS);
  refuse_ioctl(&f, FS_IOC_FSSETXATTR);
  if (of == ROLE_DECODER || of == ROLE_CAMERA) limit_decoder(&f);
  if (of == ROLE_SENDER) limit_processes(&f);
  if (of == ROLE_ALONE || of == ROLE_CONNECTING || of == ROLE_SENDER) refuse_call(&f, SYS_bind);
  for (size_t i = 0; of == ROLE_DECODER && i < OF_CAMERAS; i++) refuse_call(&f, of_cameras[i]);
  limit_network(&f, of);
  answer(&f, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {f.used, f.code};
  if (!ARCHITECTURE || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
    sb_log(SB_LOG_WARNING, "sandbox: this kernel does not support seccomp filters");
}

/* The kernel asks for this before either part. */
static bool renounce_privileges(void) {
  if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return true;
  sb_log(SB_LOG_WARNING, "sandbox: no_new_privs could not be set: %s", strerror(errno));
  return false;
}

void sb_sandbox_enter(const char *const *writable, const uint16_t *ports) {
  if (SANITIZED || !renounce_privileges()) return;
  landlock(writable, ports);
  seccomp(ports ? ROLE_CONNECTING : ROLE_ALONE);
}

void sb_sandbox_enter_decoder(void) {
  if (SANITIZED || !renounce_privileges()) return;
  landlock_everything((const char *const[]){NULL}, NET_BIND | NET_CONNECT, (const uint16_t[]){0});
  seccomp(ROLE_DECODER);
}

void sb_sandbox_enter_camera(const uint16_t *ports) {
  static const char *const names[] = {"/etc/resolv.conf", "/etc/hosts",           "/etc/nsswitch.conf",
                                      "/etc/host.conf",   "/etc/gai.conf",        "/etc/services",
                                      "/etc/protocols",   "/run/systemd/resolve", NULL};
  if (SANITIZED || !renounce_privileges()) return;
  landlock_everything(names, NET_BIND | NET_CONNECT, ports);
  seccomp(ROLE_CAMERA);
}

void sb_sandbox_enter_sender(void) {
  /* What libcurl, its TLS library and the C library's resolver read. */
  static const char *const files[] = {"/lib",
                                      "/lib64",
                                      "/usr/lib",
                                      "/usr/lib64",
                                      "/etc/ssl",
                                      "/etc/pki",
                                      "/etc/ca-certificates",
                                      "/usr/share/ca-certificates",
                                      "/usr/local/share/ca-certificates",
                                      "/etc/gnutls",
                                      "/etc/resolv.conf",
                                      "/run/systemd/resolve",
                                      "/etc/hosts",
                                      "/etc/host.conf",
                                      "/etc/nsswitch.conf",
                                      "/etc/gai.conf",
                                      "/etc/services",
                                      "/etc/ld.so.cache",
                                      "/dev/urandom",
                                      NULL};
  if (SANITIZED || !renounce_privileges()) return;
  landlock_everything(files, NET_BIND, (const uint16_t[]){0});
  seccomp(ROLE_SENDER);
}
