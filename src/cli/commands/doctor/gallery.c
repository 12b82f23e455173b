/* Doctor: the database, its replica, the keys and the collections. Nothing is created, migrated or changed. */
#include "cli/commands/doctor/doctor.h"
#include "cli/wording.h"
#include "video/video.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---- Keys */

static void check_key_file(sb_cli_doctor *doctor, const sb_store_key_status *keys) {
  struct stat info;
  const char *named = getenv("SEMBLANCE_KEY_FILE");
  char *own = sb_path_join(doctor->folder, "semblance.key", NULL);
  const char *path = keys->origin == SB_ROOT_NAMED_FILE ? named : keys->origin == SB_ROOT_FILE ? own : NULL;
  if (path && stat(path, &info) == 0 && info.st_mode & (S_IRWXG | S_IRWXO))
    sb_cli_doctor_wrong(doctor, "keys", "chmod 600 it, then `semblance keys rotate`: somebody may have read it",
                        "other users may read the key file %s (mode %03o)", path, info.st_mode & 0777u);
  free(own);
}

static void check_keys(sb_cli_doctor *doctor) {
  sb_error error = {0};
  sb_store_key_status keys;
  if (sb_diagnostics_keys(doctor->gallery, &keys, &error) != SB_OK) {
    sb_cli_doctor_wrong(doctor, "keys", NULL, "%s", error.message);
    return;
  }
  sb_cli_doctor_ok(doctor, "keys", "root key %s from %s%s opens the gallery", keys.fingerprint,
                   sb_cli_key_origin(keys.origin), keys.passphrase ? ", locked by a passphrase" : "");
  check_key_file(doctor, &keys);
  if (sb_diagnostics_key_leftovers(doctor->folder))
    sb_cli_doctor_warning(doctor, "keys", "wipe it: semblance keys rotate",
                          "a command that was killed left a root key in a temporary file semblance.key.*");
  if (keys.rotating)
    sb_cli_doctor_warning(doctor, "keys", "continue it: semblance keys rotate",
                          "a rotation of the data keys was started but did not finish");
}

/* ---- Database */

static const char *fix_for(sb_status status) {
  switch (status) {
  case SB_WRONG_KEY:
    return "provide the right key: semblance keys import, SEMBLANCE_KEY_FILE or the service's credential";
  case SB_STORE: return "restore the newest backup into an empty folder: semblance restore";
  case SB_READ_ONLY: return "run as the user that owns the folder, and let that user write to it";
  case SB_BUSY:
  case SB_IO: return "check that the database runs and accepts connections from this machine, then try again";
  case SB_DISK_FULL: return "free some space on the gallery's disk";
  default: return "see the message";
  }
}

static void report_health(sb_cli_doctor *doctor, const sb_store_health *health) {
  char size[32], unused[32], extras[128] = "";
  sb_cli_bytes((double)health->bytes, size);
  sb_cli_bytes((double)health->free_bytes, unused);
  if (*health->pgvector)
    snprintf(extras, sizeof extras, ", pgvector %s, Citus: %s", health->pgvector,
             *health->citus ? health->citus : "no");
  else if (health->free_bytes)
    snprintf(extras, sizeof extras, ", %s of it free pages", unused);
  sb_cli_doctor_ok(doctor, "database", "%s, no damage found, schema %" PRId64 ", %s%s", health->server, health->schema,
                   size, extras);
}

/* Reports why there is no gallery to open, or none that this program may open without changing it. */
static bool cannot_open(sb_cli_doctor *doctor, const sb_store_health *health) {
  if (doctor->options.store && !*health->pgvector && !health->pgvector_at_hand) {
    sb_cli_doctor_wrong(doctor, "database",
                        "install pgvector on the machine of PostgreSQL (Debian: postgresql-17-pgvector)",
                        "%s has no pgvector", health->server);
    return true;
  }
  if (!health->schema) {
    sb_cli_doctor_ok(doctor, "database", "%s; the gallery is created when the first person is registered",
                     health->server);
    return true;
  }
  if (health->schema > health->newest) {
    sb_cli_doctor_wrong(doctor, "database", "upgrade the program, or restore an earlier backup",
                        "the gallery has schema %" PRId64 " of a newer Semblance; this one knows %" PRId64,
                        health->schema, health->newest);
    return true;
  }
  if (health->schema == health->newest) return false;
  sb_cli_doctor_warning(doctor, "database", "copy the folder first; then any command migrates the gallery",
                        "the gallery has schema %" PRId64 " of an older Semblance; the next command migrates it to "
                        "%" PRId64 ", which cannot be undone",
                        health->schema, health->newest);
  return true;
}

static void check_collections(sb_cli_doctor *doctor) {
  sb_error error = {0};
  sb_store_collection *list = NULL;
  size_t count = 0;
  if (sb_diagnostics_contents(doctor->gallery, &list, &count, &doctor->people, &doctor->faces, &error) != SB_OK) {
    sb_cli_doctor_wrong(doctor, "gallery", fix_for(error.code), "%s", error.message);
    return;
  }
  sb_cli_doctor_ok(doctor, "gallery", "people: %zu, faces: %zu, collections: %zu%s", doctor->people, doctor->faces,
                   count, doctor->served ? "; a server works on it" : "");
  for (size_t i = 0; i < count; i++) {
    sb_model_info model = {0};
    const char *name = list[i].info.model;
    if (sb_model_get(&doctor->options, name, &model, NULL) != SB_OK || !model.file_size)
      sb_cli_doctor_wrong(doctor, "gallery",
                          "add the model again (`semblance models add`), or name its folder with --models",
                          "the model %s of the collection %s is missing", name, list[i].info.name);
  }
  free(list);
}

/* Whether the cameras can be watched here; which of them answers is the server's to say. */
static void check_cameras(sb_cli_doctor *doctor) {
  sb_error error = {0};
  size_t count = 0, most = sb_engine_cameras_most();
  if (sb_diagnostics_cameras(doctor->gallery, &count, &error) != SB_OK)
    sb_cli_doctor_wrong(doctor, "cameras", fix_for(error.code), "%s", error.message);
  else if (count && !sb_video_available())
    sb_cli_doctor_warning(doctor, "cameras", "install semblance-video and FFmpeg's libraries (docs/cameras.md)",
                          "none of %zu cameras can be watched: semblance-video is not installed", count);
  else if (count > most)
    sb_cli_doctor_warning(doctor, "cameras", "remove some, or use a machine with more cores",
                          "there are %zu cameras, and this machine watches at most %zu: the newest are not watched",
                          count, most);
  else
    sb_cli_doctor_ok(doctor, "cameras", "%zu; this machine watches at most %zu", count, most);
}

static void check_replica(sb_cli_doctor *doctor) {
  sb_error error = {0};
  bool up = false;
  const char *url = doctor->options.replica;
  if (!url || !doctor->options.store) return;
  if (sb_diagnostics_replica(doctor->gallery, url, &up, &error) != SB_OK)
    sb_cli_doctor_wrong(doctor, "replica", "name a standby of --store, or leave out --store-replica", "%s",
                        error.message);
  else if (up)
    sb_cli_doctor_ok(doctor, "replica", "a standby of the database answers");
  else
    sb_cli_doctor_warning(doctor, "replica", "check that it runs and is a standby (pg_is_in_recovery)",
                          "the standby of --store-replica cannot be used now; the database does its work");
}

void sb_cli_doctor_check_gallery(sb_cli_doctor *doctor) {
  sb_error error = {0};
  sb_store_health health = {0};
  const char *url = doctor->options.store;
  doctor->served = sb_diagnostics_served(doctor->folder, url);
  sb_status status = sb_diagnostics_database(doctor->folder, url, &health, &error);
  if (status == SB_NOT_FOUND) {
    sb_cli_doctor_ok(doctor, "database", "%s; it is created when the first person is registered", error.message);
    return;
  }
  if (status == SB_OK) {
    if (!url) doctor->database_size = health.bytes;
    if (cannot_open(doctor, &health)) return;
    report_health(doctor, &health);
    status = sb_diagnostics_open(doctor->folder, url, &doctor->gallery, &error);
  }
  if (status != SB_OK) {
    sb_cli_doctor_wrong(doctor, status == SB_WRONG_KEY ? "keys" : "database", fix_for(status), "%s", error.message);
    return;
  }
  check_replica(doctor);
  check_keys(doctor);
  check_collections(doctor);
  check_cameras(doctor);
}
