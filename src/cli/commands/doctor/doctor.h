/* doctor: checks an installation and reports findings; it changes nothing. doctor.c runs the checks in order;
 * settings.c, machine.c, models.c, gallery.c and server.c hold them; report.c collects and prints what they find. */
#ifndef SB_CLI_DOCTOR_H
#define SB_CLI_DOCTOR_H

#include "cli/cli.h"
#include "engine/engine.h"

typedef enum sb_cli_health { SB_CLI_HEALTH_OK, SB_CLI_HEALTH_WARNING, SB_CLI_HEALTH_WRONG } sb_cli_health;

/* One thread. */
typedef struct sb_cli_doctor {
  sb_cli *cli;
  const sb_config *config;
  sb_engine_options options; /* as the settings give them */
  char *folder, *cache;      /* of the gallery, and of compiled models */
  json_t *findings;
  size_t counts[SB_CLI_HEALTH_WRONG + 1];
  /* What sb_cli_doctor_check_gallery leaves for the checks after it. */
  sb_diagnostics *gallery; /* NULL: there is no gallery yet, or it cannot be opened */
  size_t faces, people;    /* in the gallery */
  int64_t database_size;   /* bytes in the folder's file system; 0: none */
  bool served;             /* a server uses the gallery's folder */
} sb_cli_doctor;

/* ---- report.c: findings about `what`. `fix` says what to do about it; NULL if the message says it. */
SB_PRINTF(3, 4) void sb_cli_doctor_ok(sb_cli_doctor *doctor, const char *what, const char *format, ...);
SB_PRINTF(4, 5)
void sb_cli_doctor_warning(sb_cli_doctor *doctor, const char *what, const char *fix, const char *format, ...);
SB_PRINTF(4, 5)
void sb_cli_doctor_wrong(sb_cli_doctor *doctor, const char *what, const char *fix, const char *format, ...);
/* Prints the summary, and with --json the findings. Sets the exit code. */
sb_status sb_cli_doctor_conclude(sb_cli_doctor *doctor, sb_error *error);

/* ---- settings.c */
void sb_cli_doctor_check_settings(sb_cli_doctor *doctor);
/* ---- machine.c */
void sb_cli_doctor_check_processor(sb_cli_doctor *doctor);
void sb_cli_doctor_check_formats(sb_cli_doctor *doctor); /* of photos */
void sb_cli_doctor_check_memory(sb_cli_doctor *doctor);
void sb_cli_doctor_check_disk(sb_cli_doctor *doctor);
void sb_cli_doctor_check_limits(sb_cli_doctor *doctor); /* of the process */
void sb_cli_doctor_check_clock(sb_cli_doctor *doctor);
/* ---- models.c */
void sb_cli_doctor_check_models(sb_cli_doctor *doctor); /* in processes of their own: before check_device */
void sb_cli_doctor_check_device(sb_cli_doctor *doctor); /* starts threads of the runtime */
/* ---- gallery.c */
void sb_cli_doctor_check_gallery(sb_cli_doctor *doctor); /* database and keys; opens doctor->gallery */
/* ---- server.c */
void sb_cli_doctor_check_port(sb_cli_doctor *doctor);
void sb_cli_doctor_check_tls(sb_cli_doctor *doctor); /* and who may use the server */

#endif
