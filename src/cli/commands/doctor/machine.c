/* Doctor: processor, photo formats, memory, disk, limits of the process, clock. */
#include "cli/commands/doctor/doctor.h"
#include "cli/wording.h"
#include "vector/vector.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

enum {
  ROW_BYTES = 1200,       /* memory of a face of 512 dimensions in the index (docs/search-benchmarks.md), rounded up */
  BASE_BYTES = 280000000, /* of the program with its models, a photo at a time (docs/operations.md), rounded up */
  DISK_LEAST = 64 << 20,  /* below it the next enrolments fail */
  FILES_WANTED = 12200,   /* connections of a full server, and what it opens besides (src/http/core/server.c) */
  FILES_LEAST = 400,
  LOCKED_LEAST = 64 << 10, /* keys lie in pages that are never swapped: a handful */
  CLOCK_AHEAD_MS = 300000, /* between machines that share a gallery */
};

void sb_cli_doctor_check_processor(sb_cli_doctor *doctor) {
  const char *forced = getenv("SEMBLANCE_CPU");
  int cores = sb_cpu_cores(), workers = doctor->config->workers ? (int)doctor->config->workers : sb_cpu_workers();
  sb_cli_doctor_report(doctor, "processor", SB_CLI_HEALTH_OK, NULL, "%d core%s, %d worker%s; searches run in %s", cores,
                       cores == 1 ? "" : "s", workers, workers == 1 ? "" : "s", sb_kernels_description());
  if (forced && strcmp(forced, sb_cpu_name(sb_cpu_level())) != 0)
    sb_cli_doctor_report(doctor, "processor", SB_CLI_HEALTH_WARNING, "unset SEMBLANCE_CPU; it is for tests",
                         "SEMBLANCE_CPU=%.20s is ignored: this processor has not got it, or it is no level", forced);
  else if (forced)
    sb_cli_doctor_report(doctor, "processor", SB_CLI_HEALTH_WARNING, "unset SEMBLANCE_CPU; it is for tests",
                         "SEMBLANCE_CPU=%.20s holds searches back", forced);
  if (workers > 2 * cores && workers > sb_cpu_workers())
    sb_cli_doctor_report(doctor, "processor", SB_CLI_HEALTH_WARNING, "leave --workers at 0: one more than cores",
                         "%d workers share %d cores: each photo takes longer, and none more are done", workers, cores);
}

void sb_cli_doctor_check_formats(sb_cli_doctor *doctor) {
  bool heic = false, avif = false;
  sb_diagnostics_photo_formats(&heic, &avif);
  if (heic && avif)
    sb_cli_doctor_report(doctor, "photos", SB_CLI_HEALTH_OK, NULL, "JPEG, PNG, WebP, HEIC and AVIF can be read");
  else
    sb_cli_doctor_report(
        doctor, "photos", SB_CLI_HEALTH_WARNING,
        "install libheif's codecs (Debian 13, Ubuntu 24.04: libheif-plugin-libde265, libheif-plugin-dav1d)",
        "%s photos cannot be read",
        heic   ? "AVIF"
        : avif ? "HEIC (of iPhones)"
               : "HEIC and AVIF");
}

/* ---- Memory */

/* The number behind a word in a file of the kernel; -1: it is not there. */
static int64_t kernel_number(const char *path, const char *word) {
  char line[256];
  int64_t value = -1;
  FILE *file = fopen(path, "re");
  while (file && value < 0 && fgets(line, sizeof line, file)) {
    if (strncmp(line, word, strlen(word)) != 0) continue;
    if (sscanf(line + strlen(word), "%" SCNd64, &value) != 1) value = -1;
  }
  if (file) fclose(file);
  return value;
}

/* What this process may still take: the machine's, or less where it is in a container. A container's use counts the files that
 * the kernel keeps in memory as long as nobody else wants it. */
static int64_t memory_at_hand(void) {
  static const char statistics[] = "/sys/fs/cgroup/memory.stat";
  int64_t machine = kernel_number("/proc/meminfo", "MemAvailable:"),
          limit = kernel_number("/sys/fs/cgroup/memory.max", ""),
          used = kernel_number("/sys/fs/cgroup/memory.current", ""), old = kernel_number(statistics, "inactive_file "),
          young = kernel_number(statistics, "active_file ");
  if (machine >= 0) machine *= 1024;
  if (limit < 0 || used < 0) return machine;
  used -= (old > 0 ? old : 0) + (young > 0 ? young : 0);
  int64_t left = limit > used ? limit - used : 0;
  return machine < 0 || left < machine ? left : machine;
}

void sb_cli_doctor_check_memory(sb_cli_doctor *doctor) {
  char has[32], wants[32];
  bool remote = doctor->options.search_remotely;
  double wanted = BASE_BYTES + (remote ? 0 : ROW_BYTES * (double)doctor->faces), at_hand = (double)memory_at_hand();
  sb_cli_bytes(at_hand, has);
  sb_cli_bytes(wanted, wants);
  if (at_hand < 0)
    sb_cli_doctor_report(doctor, "memory", SB_CLI_HEALTH_WARNING, NULL,
                         "the system does not tell how much memory is free");
  else if (doctor->served)
    sb_cli_doctor_report(doctor, "memory", SB_CLI_HEALTH_OK, NULL, "%s free, beside the server that runs", has);
  else if (at_hand < wanted)
    sb_cli_doctor_report(
        doctor, "memory", SB_CLI_HEALTH_WRONG,
        "give the machine or container more memory, or let PostgreSQL search: --store with --search sql",
        "%s free; the models and the index of the gallery (faces: %zu) want %s at least", has, doctor->faces, wants);
  else
    sb_cli_doctor_report(doctor, "memory", SB_CLI_HEALTH_OK, NULL,
                         "%s free; the models and the index of the gallery (faces: %zu) want %s at least", has,
                         doctor->faces, wants);
}

/* ---- Disk */

/* The folder, or the nearest one above it that is there. */
static bool file_system(const char *folder, struct statvfs *out) {
  char *path = strdup(folder), *slash = NULL;
  bool found = false;
  while (path && !(found = statvfs(*path ? path : "/", out) == 0) && errno == ENOENT && (slash = strrchr(path, '/')))
    *slash = 0;
  free(path);
  return found;
}

static void check_folder(sb_cli_doctor *doctor, const char *folder, const char *what, double wanted) {
  char has[32], wants[32];
  struct statvfs disk;
  if (!file_system(folder, &disk)) {
    sb_cli_doctor_report(doctor, "disk", SB_CLI_HEALTH_WRONG, "name another folder, or mount its disk",
                         "%s %s cannot be read: %s", what, folder, strerror(errno));
    return;
  }
  double free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
  sb_cli_bytes(free_bytes, has);
  sb_cli_bytes(wanted, wants);
  if (access(folder, F_OK) == 0 && access(folder, W_OK | X_OK))
    sb_cli_doctor_report(doctor, "disk", SB_CLI_HEALTH_WRONG,
                         "let this user write there (chown), or name another folder", "%s %s cannot be written: %s",
                         what, folder, strerror(errno));
  else if (free_bytes < DISK_LEAST)
    sb_cli_doctor_report(doctor, "disk", SB_CLI_HEALTH_WRONG, "make room, or name a folder on a larger disk",
                         "%s free for %s %s; nothing can be added there soon", has, what, folder);
  else if (free_bytes < wanted)
    sb_cli_doctor_report(doctor, "disk", SB_CLI_HEALTH_WARNING,
                         "make room before the next backup, restore or `semblance keys rotate`",
                         "%s free for %s %s; a second copy of the gallery wants %s", has, what, folder, wants);
  else
    sb_cli_doctor_report(doctor, "disk", SB_CLI_HEALTH_OK, NULL, "%s free for %s %s", has, what, folder);
}

void sb_cli_doctor_check_disk(sb_cli_doctor *doctor) {
  check_folder(doctor, doctor->folder, "the gallery's folder", (double)doctor->database_size + DISK_LEAST);
  check_folder(doctor, doctor->cache, "the cache", DISK_LEAST);
}

/* ---- Limits of the process */

void sb_cli_doctor_check_limits(sb_cli_doctor *doctor) {
  struct rlimit files = {0}, locked = {0};
  if (getrlimit(RLIMIT_NOFILE, &files) || getrlimit(RLIMIT_MEMLOCK, &locked)) return;
  const char *fix = "raise it: `ulimit -n`, or LimitNOFILE= of the service";
  if (files.rlim_max < FILES_LEAST)
    sb_cli_doctor_report(doctor, "limits", SB_CLI_HEALTH_WRONG, fix, "%llu open files are allowed; a server needs %d",
                         (unsigned long long)files.rlim_max, FILES_LEAST);
  else if (files.rlim_max < FILES_WANTED)
    sb_cli_doctor_report(doctor, "limits", SB_CLI_HEALTH_WARNING, fix,
                         "%llu open files are allowed; with %d a server takes all the connections it can",
                         (unsigned long long)files.rlim_max, FILES_WANTED);
  if (locked.rlim_cur < LOCKED_LEAST)
    sb_cli_doctor_report(doctor, "limits", SB_CLI_HEALTH_WARNING,
                         "raise it: `ulimit -l`, or LimitMEMLOCK= of the service",
                         "%llu bytes may be locked in memory, %d are wanted: keys may be written to swap",
                         (unsigned long long)locked.rlim_cur, LOCKED_LEAST);
  if (files.rlim_max >= FILES_WANTED && locked.rlim_cur >= LOCKED_LEAST)
    sb_cli_doctor_report(doctor, "limits", SB_CLI_HEALTH_OK, NULL,
                         "open files and locked memory suffice for a full server");
}

/* ---- Clock: it decides who is erased, which keys are over, and what the audit says */

void sb_cli_doctor_check_clock(sb_cli_doctor *doctor) {
  char then[32], now_text[32];
  struct timex state = {0};
  int64_t now = sb_now_ms(), newest = doctor->gallery ? sb_diagnostics_audit_time(doctor->gallery) : 0;
  sb_time_iso(now, now_text);
  sb_time_iso(newest, then);
  const char *fix = "set the clock (timedatectl set-ntp true)";
  if (newest > now + CLOCK_AHEAD_MS)
    sb_cli_doctor_report(doctor, "clock", SB_CLI_HEALTH_WRONG, fix,
                         "it is %s here, before the audit's newest entry of %s: dates of erasure and of keys are wrong",
                         now_text, then);
  else if (adjtimex(&state) >= 0 && state.status & STA_UNSYNC)
    sb_cli_doctor_report(doctor, "clock", SB_CLI_HEALTH_WARNING, fix,
                         "it is %s here; nothing keeps the clock right (in a container: see to it on the host)",
                         now_text);
  else
    sb_cli_doctor_report(doctor, "clock", SB_CLI_HEALTH_OK, NULL, "it is %s here", now_text);
}
