/* Doctor: processor, photo formats, memory, disk, limits of the process, clock. */
#include "cli/commands/doctor/doctor.h"
#include "cli/wording.h"
#include "vector/vector.h"
#include "video/video.h"
#include "webhook/webhook.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

enum {
  FACE_BYTES = 1200, /* memory of a face of 512 dimensions in the index (docs/search-benchmarks.md), rounded up */
  PROGRAM_BYTES = 280000000, /* of the program and its models, one photo at a time (docs/operations.md), rounded up */
  DISK_BYTES_MIN = 64 << 20, /* with less, people can soon not be registered any more */
  FILES_WANTED = 12200,      /* the connections of a full server, and its other files (src/http/core/server.c) */
  FILES_MIN = 400,
  LOCKED_BYTES_MIN = 64 << 10, /* keys are in memory that is never swapped: a few pages */
  CLOCK_SKEW_MS = 300000,      /* allowed between machines that share a gallery */
};

void sb_cli_doctor_check_processor(sb_cli_doctor *doctor) {
  const char *forced = getenv("SEMBLANCE_CPU");
  int cores = sb_cpu_cores(), workers = doctor->config->workers ? (int)doctor->config->workers : sb_cpu_workers();
  sb_cli_doctor_ok(doctor, "processor", "%d %s, %d %s; searches use %s", cores,
                   sb_cli_plural((size_t)cores, "core", "cores"), workers,
                   sb_cli_plural((size_t)workers, "worker", "workers"), sb_kernels_description());
  if (forced && strcmp(forced, sb_cpu_name(sb_cpu_level())) != 0)
    sb_cli_doctor_warning(doctor, "processor", "unset SEMBLANCE_CPU; it is for tests",
                          "SEMBLANCE_CPU=%.20s is ignored: this processor does not have it, or it is misspelt", forced);
  else if (forced)
    sb_cli_doctor_warning(doctor, "processor", "unset SEMBLANCE_CPU; it is for tests",
                          "SEMBLANCE_CPU=%.20s may slow down searches", forced);
  if (workers > 2 * cores && workers > sb_cpu_workers())
    sb_cli_doctor_warning(doctor, "processor", "set --workers to 0, which is the number of cores and one more",
                          "%d workers share %d cores: each photo takes longer, and no more photos are done", workers,
                          cores);
}

void sb_cli_doctor_check_formats(sb_cli_doctor *doctor) {
  bool heic = false, avif = false, jxl = false;
  sb_diagnostics_photo_formats(&heic, &avif, &jxl);
  const char *missing = heic ? "AVIF" : avif ? "HEIC (iPhone)" : "HEIC (iPhone) and AVIF";
  if (heic && avif)
    sb_cli_doctor_ok(doctor, "photos", "JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP%s can be read",
                     jxl ? ", TIFF and JPEG XL" : " and TIFF");
  else
    sb_cli_doctor_warning(doctor, "photos",
                          "install the codecs of libheif (Debian 13, Ubuntu 24.04: libheif-plugin-libde265, "
                          "libheif-plugin-dav1d)",
                          "%s photos cannot be read", missing);
  if (sb_video_available())
    sb_cli_doctor_ok(doctor, "films", "films can be searched");
  else
    sb_cli_doctor_ok(doctor, "films", "films cannot be searched: semblance-video is not installed (docs/cameras.md)");
  if (sb_webhook_available())
    sb_cli_doctor_ok(doctor, "webhooks", "events can be sent");
  else
    sb_cli_doctor_ok(doctor, "webhooks", "events cannot be sent: semblance-send is not installed (docs/events.md)");
}

/* ---- Memory */

/* The number after a word in a file of the kernel; -1 if it is not there. */
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

/* The memory that this process may still take: the machine's, or less in a container (cgroup v2), whose use counts
 * cached files; the kernel drops these when memory is needed. -1 if the kernel does not say. */
static int64_t available_memory(void) {
  static const char statistics[] = "/sys/fs/cgroup/memory.stat";
  int64_t machine = kernel_number("/proc/meminfo", "MemAvailable:"),
          limit = kernel_number("/sys/fs/cgroup/memory.max", ""),
          used = kernel_number("/sys/fs/cgroup/memory.current", ""),
          inactive = kernel_number(statistics, "inactive_file "), active = kernel_number(statistics, "active_file ");
  if (machine >= 0) machine *= 1024;
  if (limit < 0 || used < 0) return machine;
  used -= (inactive > 0 ? inactive : 0) + (active > 0 ? active : 0);
  int64_t left = limit > used ? limit - used : 0;
  return machine < 0 || left < machine ? left : machine;
}

void sb_cli_doctor_check_memory(sb_cli_doctor *doctor) {
  char free_text[32], needed_text[32];
  bool remote = doctor->options.search_remotely; /* then the database has the index */
  double needed = PROGRAM_BYTES + (remote ? 0 : FACE_BYTES * (double)doctor->faces);
  double available = (double)available_memory();
  sb_cli_bytes(available, free_text);
  sb_cli_bytes(needed, needed_text);
  if (available < 0)
    sb_cli_doctor_warning(doctor, "memory", NULL, "the system does not say how much memory is free");
  else if (doctor->served)
    sb_cli_doctor_ok(doctor, "memory", "%s free, while a server is running", free_text);
  else if (available < needed)
    sb_cli_doctor_wrong(
        doctor, "memory",
        "give the machine or container more memory, or let PostgreSQL search: --store with --search sql",
        "%s free; the models and the index of the gallery (faces: %zu) need at least %s", free_text, doctor->faces,
        needed_text);
  else
    sb_cli_doctor_ok(doctor, "memory", "%s free; the models and the index of the gallery (faces: %zu) need at least %s",
                     free_text, doctor->faces, needed_text);
}

/* ---- Disk */

/* The file system of a folder, or of the nearest folder above it that exists. */
static bool file_system(const char *folder, struct statvfs *out) {
  char *path = strdup(folder), *slash = NULL;
  bool found = false;
  while (path && !(found = statvfs(*path ? path : "/", out) == 0) && errno == ENOENT && (slash = strrchr(path, '/')))
    *slash = 0;
  free(path);
  return found;
}

static void check_folder(sb_cli_doctor *doctor, const char *folder, const char *what, double wanted) {
  char free_text[32], wanted_text[32];
  struct statvfs disk;
  if (!file_system(folder, &disk)) {
    sb_cli_doctor_wrong(doctor, "disk", "name another folder, or mount its disk", "%s %s cannot be read: %s", what,
                        folder, strerror(errno));
    return;
  }
  double free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
  sb_cli_bytes(free_bytes, free_text);
  sb_cli_bytes(wanted, wanted_text);
  if (access(folder, F_OK) == 0 && access(folder, W_OK | X_OK))
    sb_cli_doctor_wrong(doctor, "disk", "let this user write to it (chown), or name another folder",
                        "%s %s cannot be written: %s", what, folder, strerror(errno));
  else if (free_bytes < DISK_BYTES_MIN)
    sb_cli_doctor_wrong(doctor, "disk", "free some space, or name a folder on a larger disk",
                        "%s free for %s %s; soon nothing can be added there", free_text, what, folder);
  else if (free_bytes < wanted)
    sb_cli_doctor_warning(doctor, "disk", "free some space before the next backup, restore or `semblance keys rotate`",
                          "%s free for %s %s; a second copy of the gallery needs %s", free_text, what, folder,
                          wanted_text);
  else
    sb_cli_doctor_ok(doctor, "disk", "%s free for %s %s", free_text, what, folder);
}

void sb_cli_doctor_check_disk(sb_cli_doctor *doctor) {
  check_folder(doctor, doctor->folder, "the gallery's folder", (double)doctor->database_size + DISK_BYTES_MIN);
  check_folder(doctor, doctor->cache, "the cache", DISK_BYTES_MIN);
}

/* ---- Limits of the process */

void sb_cli_doctor_check_limits(sb_cli_doctor *doctor) {
  struct rlimit files = {0}, locked = {0};
  if (getrlimit(RLIMIT_NOFILE, &files) || getrlimit(RLIMIT_MEMLOCK, &locked)) return;
  const char *fix = "raise it: `ulimit -n`, or LimitNOFILE= of the service";
  if (files.rlim_max < FILES_MIN)
    sb_cli_doctor_wrong(doctor, "limits", fix, "%llu open files are allowed; a server needs %d",
                        (unsigned long long)files.rlim_max, FILES_MIN);
  else if (files.rlim_max < FILES_WANTED)
    sb_cli_doctor_warning(doctor, "limits", fix,
                          "%llu open files are allowed; a server needs %d for its largest number of connections",
                          (unsigned long long)files.rlim_max, FILES_WANTED);
  if (locked.rlim_cur < LOCKED_BYTES_MIN)
    sb_cli_doctor_warning(doctor, "limits", "raise it: `ulimit -l`, or LimitMEMLOCK= of the service",
                          "%llu bytes may be locked in memory, %d are needed: keys may be written to swap",
                          (unsigned long long)locked.rlim_cur, LOCKED_BYTES_MIN);
  if (files.rlim_max >= FILES_WANTED && locked.rlim_cur >= LOCKED_BYTES_MIN)
    sb_cli_doctor_ok(doctor, "limits", "open files and locked memory are enough for a full server");
}

/* ---- Clock: it decides who is erased, which keys have expired, and the times in the audit log */

void sb_cli_doctor_check_clock(sb_cli_doctor *doctor) {
  char newest_text[32], now_text[32];
  struct timex state = {0};
  int64_t now = sb_now_ms(), newest = doctor->gallery ? sb_diagnostics_audit_time(doctor->gallery) : 0;
  sb_time_iso(now, now_text);
  sb_time_iso(newest, newest_text);
  const char *fix = "set the clock (timedatectl set-ntp true)";
  if (newest > now + CLOCK_SKEW_MS)
    sb_cli_doctor_wrong(
        doctor, "clock", fix,
        "it is %s here, before the newest entry of the audit log (%s): people and keys expire at the wrong time",
        now_text, newest_text);
  else if (adjtimex(&state) >= 0 && state.status & STA_UNSYNC)
    sb_cli_doctor_warning(doctor, "clock", fix,
                          "it is %s here; the clock is not synchronised (in a container: check the host)", now_text);
  else
    sb_cli_doctor_ok(doctor, "clock", "it is %s here", now_text);
}
