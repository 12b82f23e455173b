/* The sandbox, entered in a child process for each thing that is tried in it. */
#include "unit.h"

#include "sandbox/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static char folder[] = "/tmp/sb_contain_XXXXXX", other[] = "/tmp/sb_contain_XXXXXX";
static int listener, stream, datagram; /* opened before the sandbox; `listener` on `port` of loopback */
static int inherited;                  /* an open file */
static uint16_t port;

static struct sockaddr_in loopback(uint16_t at) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(at), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static bool can_write(const char *dir) {
  char path[128];
  snprintf(path, sizeof path, "%s/file", dir);
  int file = open(path, O_WRONLY | O_CREAT, 0600);
  if (file < 0) return false;
  bool written = write(file, "x", 1) == 1 && !unlink(path);
  close(file);
  return written;
}

static bool in_folder(void) {
  return can_write(folder);
}

static bool elsewhere(void) {
  return can_write(other);
}

static bool read_file(void) {
  return open("/proc/self/status", O_RDONLY) >= 0;
}

static bool read_own_program(void) {
  return open("/proc/self/exe", O_RDONLY) >= 0;
}

static bool execute(void) {
  char *const arguments[] = {NULL};
  execve("/bin/false", arguments, arguments); /* where it works the child ends with 1, which is "it worked" */
  return errno != EPERM && errno != EACCES;
}

static bool opens(int family, int type) {
  return socket(family, type, 0) >= 0 || (errno != EPERM && errno != EACCES);
}

static bool udp(void) {
  return opens(AF_INET, SOCK_DGRAM) || opens(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC);
}

static bool tcp(void) {
  return opens(AF_INET, SOCK_STREAM);
}

static bool local(void) {
  return opens(AF_UNIX, SOCK_STREAM);
}

static bool odd_families(void) {
  return opens(AF_NETLINK, SOCK_RAW) || opens(AF_VSOCK, SOCK_STREAM) || opens(AF_PACKET, SOCK_RAW) ||
         opens(AF_INET, SOCK_RAW) || opens(AF_UNIX, SOCK_DGRAM) || opens(AF_INET, SOCK_SEQPACKET);
}

/* TCP Fast Open sends a connection's first bytes by sendto() or sendmsg(), without connect(). */
static bool fast_open(void) {
  struct sockaddr_in to = loopback(port);
  char byte = 0;
  struct iovec part = {.iov_base = &byte, .iov_len = 1};
  struct msghdr message = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &part, .msg_iovlen = 1};
  return sendto(stream, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof to) == 1 ||
         sendmsg(stream, &message, MSG_FASTOPEN) == 1;
}

static bool connect_inherited(void) {
  struct sockaddr_in to = loopback(port);
  return !connect(stream, (struct sockaddr *)&to, sizeof to);
}

static bool send_datagram(void) {
  struct sockaddr_in to = loopback(port);
  return sendto(datagram, "x", 1, 0, (struct sockaddr *)&to, sizeof to) == 1;
}

static bool serve(void) {
  struct sockaddr_in at = loopback(0);
  return !bind(stream, (struct sockaddr *)&at, sizeof at) || !listen(stream, 1);
}

/* What a server does with the socket that it was given. */
static bool accept_clients(void) {
  int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  return accepted >= 0 && send(accepted, "x", 1, MSG_NOSIGNAL) == 1;
}

/* fchmodat() is answered with success, but changes nothing. */
static bool change_mode(void) {
  struct stat before, after;
  if (stat(other, &before)) return true;
  syscall(SYS_fchmodat, AT_FDCWD, other, before.st_mode ^ 0055);
  return stat(other, &after) || after.st_mode != before.st_mode;
}

static bool change_attributes(void) {
  struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
  int flags = 0, file = open(other, O_RDONLY | O_DIRECTORY);
  return !chmod(other, 0755) || !fchmod(file, 0755) || !chown(other, getuid(), getgid()) ||
         !fchown(file, getuid(), getgid()) || !utimensat(AT_FDCWD, other, times, 0) || !futimens(file, times) ||
         change_mode() || !syscall(452 /* fchmodat2 */, AT_FDCWD, other, 0755, 0) ||
         !setxattr(other, "user.sb", "x", 1, 0) || !ioctl(file, FS_IOC_SETFLAGS, &flags);
}

static bool open_anything(void) {
  return open("/proc/self/status", O_RDONLY) >= 0 || open(folder, O_RDONLY | O_DIRECTORY) >= 0 || in_folder() ||
         syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &(struct open_how){.flags = O_RDONLY},
                 sizeof(struct open_how)) >= 0;
}

static bool change_folders(void) {
  char path[128];
  snprintf(path, sizeof path, "%s/made", folder);
  return !mkdir(path, 0700) || !rmdir(folder) || !rename(folder, path) || !symlink("/etc", path) || !unlink(path) ||
         !truncate(folder, 0);
}

static bool any_socket(void) {
  int pair[2];
  return tcp() || udp() || odd_families() || connect_inherited() || send_datagram() || serve() ||
         opens(AF_UNIX, SOCK_STREAM) || !socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || accept_clients();
}

static bool start_process(void) {
  pid_t started = fork();
  if (!started) _exit(0);
  return started > 0 || execute();
}

/* Files other than those by which names are looked up. */
static bool open_other_files(void) {
  return open("/proc/self/status", O_RDONLY) >= 0 || open("/etc/passwd", O_RDONLY) >= 0 ||
         open(folder, O_RDONLY | O_DIRECTORY) >= 0 || open("/etc/hosts", O_RDWR) >= 0 || in_folder();
}

static bool read_names(void) {
  return open("/etc/hosts", O_RDONLY) >= 0 || errno == ENOENT;
}

static bool connect_anew(void) {
  struct sockaddr_in to = loopback(port);
  int fresh = socket(AF_INET, SOCK_STREAM, 0);
  return !connect(fresh, (struct sockaddr *)&to, sizeof to);
}

static bool other_families(void) {
  return odd_families() || opens(AF_UNIX, SOCK_STREAM);
}

static bool signal_parent(void) {
  return !kill(getppid(), 0) || !kill(0, 0) || syscall(SYS_pidfd_open, getppid(), 0) >= 0;
}

static bool executable_memory(void) {
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ||
         !mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static bool outlive_parent(void) {
  return !prctl(PR_SET_PDEATHSIG, 0) || !prctl(PR_SET_DUMPABLE, 1);
}

static void *in_a_thread(void *unused) {
  return unused;
}

/* What a decoder needs: threads, memory, and the files that it has. */
static bool decode(void) {
  pthread_t thread;
  char *block = malloc(64 << 20);
  if (!block || pthread_create(&thread, NULL, in_a_thread, NULL) || pthread_join(thread, NULL)) return false;
  memset(block, 1, 64 << 20);
  return pread(inherited, block, 1, 0) == 1 && lseek(inherited, 0, SEEK_SET) == 0;
}

/* What a sender of webhooks needs: threads, files of the resolver, and streams to anywhere. */
static bool send_webhook(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, in_a_thread, NULL) || pthread_join(thread, NULL)) return false;
  struct sockaddr_in to = loopback(port);
  int client = socket(AF_INET, SOCK_STREAM, 0);
  return open("/etc/hosts", O_RDONLY) >= 0 && !connect(client, (struct sockaddr *)&to, sizeof to);
}

static bool in_a_process(void (*enter)(void), bool (*attempt)(void)) {
  int status = 0;
  pid_t child = fork();
  if (child == 0) {
    enter();
    _exit(attempt());
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static bool in_a_camera(bool (*attempt)(void), const uint16_t *ports) {
  int status = 0;
  pid_t child = fork();
  if (child == 0) {
    sb_sandbox_enter_camera(ports);
    _exit(attempt());
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static bool in_a_decoder(bool (*attempt)(void)) {
  return in_a_process(sb_sandbox_enter_decoder, attempt);
}

static bool in_a_child(bool (*attempt)(void), const uint16_t *ports) {
  const char *const writable[] = {folder, NULL};
  int status = 0;
  pid_t child = fork();
  if (child == 0) {
    sb_sandbox_enter(writable, ports);
    _exit(attempt());
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static int open_folders_and_sockets(void **state) {
  (void)state;
  struct sockaddr_in at = loopback(0);
  socklen_t size = sizeof at;
  assert_non_null(mkdtemp(folder));
  assert_non_null(mkdtemp(other));
  listener = socket(AF_INET, SOCK_STREAM, 0);
  stream = socket(AF_INET, SOCK_STREAM, 0);
  datagram = socket(AF_INET, SOCK_DGRAM, 0);
  assert_false(bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 8));
  assert_false(getsockname(listener, (struct sockaddr *)&at, &size));
  port = ntohs(at.sin_port);
  inherited = open("/proc/self/exe", O_RDONLY);
  assert_true(inherited >= 0);
  return 0;
}

static int remove_folders(void **state) {
  (void)state;
  rmdir(folder);
  rmdir(other);
  return 0;
}

static long landlock_version(void) {
  return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static void a_confined_process_writes_in_its_folder_only_and_starts_nothing(void **state) {
  (void)state;
  assert_true(in_a_child(in_folder, NULL));
  assert_true(in_a_child(read_file, NULL));
  assert_true(landlock_version() < 1 || !in_a_child(elsewhere, NULL));
  assert_false(in_a_child(execute, NULL));
}

static void a_confined_process_changes_no_attributes_of_files(void **state) {
  (void)state;
  assert_false(in_a_child(change_attributes, NULL));
}

static void a_confined_process_has_no_sockets_but_those_handed_over(void **state) {
  (void)state;
  bool (*const refused[])(void) = {tcp, udp, odd_families, fast_open, connect_inherited, send_datagram, serve};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    if (in_a_child(refused[i], NULL)) fail_msg("attempt %zu worked", i);
  }
  struct sockaddr_in to = loopback(port);
  int client = socket(AF_INET, SOCK_STREAM, 0);
  assert_false(connect(client, (struct sockaddr *)&to, sizeof to));
  assert_true(in_a_child(accept_clients, NULL));
  char byte = 0;
  assert_int_equal(recv(client, &byte, 1, 0), 1);
  close(client);
}

static void a_process_with_a_database_connects_to_its_port_only_and_sends_no_datagrams(void **state) {
  (void)state;
  const uint16_t right[] = {port, 0}, wrong[] = {1, 0};
  bool (*const refused[])(void) = {udp, odd_families, fast_open, send_datagram, serve};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    if (in_a_child(refused[i], right)) fail_msg("attempt %zu worked", i);
  }
  assert_true(in_a_child(tcp, right));
  assert_true(in_a_child(connect_inherited, right));
  assert_true(landlock_version() < 4 || !in_a_child(connect_inherited, wrong));
}

static void a_decoder_opens_starts_and_reaches_nothing(void **state) {
  (void)state;
  bool (*const refused[])(void) = {open_anything, change_folders, any_socket,        start_process,
                                   signal_parent, change_mode,    executable_memory, outlive_parent};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    if (in_a_decoder(refused[i])) fail_msg("attempt %zu worked", i);
  }
}

static void a_decoder_has_threads_memory_and_the_files_that_it_inherited(void **state) {
  (void)state;
  assert_true(in_a_decoder(decode));
}

static void a_decoder_of_a_camera_reaches_the_ports_of_its_camera_and_no_file_but_those_of_names(void **state) {
  (void)state;
  const uint16_t right[] = {port, 0}, wrong[] = {1, 0};
  bool (*const refused[])(void) = {change_folders, start_process,     signal_parent,  change_mode,
                                   fast_open,      executable_memory, outlive_parent, other_families};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    if (in_a_camera(refused[i], right)) fail_msg("attempt %zu worked", i);
  }
  assert_true(in_a_camera(decode, right));
  assert_true(in_a_camera(tcp, right));
  assert_true(in_a_camera(udp, right));
  assert_true(in_a_camera(connect_anew, right));
  if (landlock_version() < 1) return;
  assert_true(in_a_camera(read_names, right));
  assert_false(in_a_camera(open_other_files, right));
  assert_true(landlock_version() < 4 || !in_a_camera(connect_anew, wrong));
}

static void a_sender_reads_no_file_of_anybody_and_starts_nothing(void **state) {
  (void)state;
  bool (*const refused[])(void) = {execute, odd_families, fast_open, serve, start_process, local};
  bool (*const files[])(void) = {read_file, in_folder, elsewhere, read_own_program};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    if (in_a_process(sb_sandbox_enter_sender, refused[i])) fail_msg("attempt %zu worked", i);
  }
  for (size_t i = 0; landlock_version() >= 1 && i < sizeof files / sizeof *files; i++) {
    if (in_a_process(sb_sandbox_enter_sender, files[i])) fail_msg("file %zu was opened", i);
  }
  assert_true(in_a_process(sb_sandbox_enter_sender, send_webhook));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_confined_process_writes_in_its_folder_only_and_starts_nothing),
      cmocka_unit_test(a_confined_process_changes_no_attributes_of_files),
      cmocka_unit_test(a_confined_process_has_no_sockets_but_those_handed_over),
      cmocka_unit_test(a_decoder_opens_starts_and_reaches_nothing),
      cmocka_unit_test(a_decoder_has_threads_memory_and_the_files_that_it_inherited),
      cmocka_unit_test(a_decoder_of_a_camera_reaches_the_ports_of_its_camera_and_no_file_but_those_of_names),
      cmocka_unit_test(a_sender_reads_no_file_of_anybody_and_starts_nothing),
      cmocka_unit_test(a_process_with_a_database_connects_to_its_port_only_and_sends_no_datagrams),
  };
  return cmocka_run_group_tests(tests, open_folders_and_sockets, remove_folders);
}
