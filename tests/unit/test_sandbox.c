/* The sandbox, entered in a child process. */
#include "unit.h"

#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/sb_contain_XXXXXX", other[] = "/tmp/sb_contain_XXXXXX";

static bool can_write(const char *dir) {
  char path[128];
  snprintf(path, sizeof path, "%s/file", dir);
  int file = open(path, O_WRONLY | O_CREAT, 0600);
  if (file < 0) return false;
  bool written = write(file, "x", 1) == 1 && !unlink(path);
  close(file);
  return written;
}

/* Enters the sandbox and returns one bit for each action that still works. */
static int possible(bool network) {
  const char *const writable[] = {folder, NULL};
  char *const arguments[] = {NULL};
  sb_sandbox_enter(writable, network, NULL);
  int bits = can_write(folder) | can_write(other) << 1;
  int file = open("/proc/self/status", O_RDONLY);
  bits |= (file >= 0) << 2;
  int inet = socket(AF_INET, SOCK_STREAM, 0);
  bits |= (inet >= 0) << 3;
  execve("/bin/true", arguments, arguments);
  bits |= (errno != EPERM && errno != EACCES) << 4;
  return bits;
}

static int in_a_child(bool network) {
  int status = 0;
  pid_t child = fork();
  if (child == 0) _exit(possible(network));
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void a_confined_process_writes_in_its_folder_only_and_starts_nothing(void **state) {
  (void)state;
  bool landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
  assert_non_null(mkdtemp(folder));
  assert_non_null(mkdtemp(other));
  int elsewhere = landlock ? 0 : 2;
  assert_int_equal(in_a_child(false), 1 | elsewhere | 4);
  assert_int_equal(in_a_child(true), 1 | elsewhere | 4 | 8);
  rmdir(folder);
  rmdir(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_confined_process_writes_in_its_folder_only_and_starts_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
