/* What the files of the doctor subcommand share: findings, and the looks that make them. */
#ifndef SB_CLI_DOCTOR_H
#define SB_CLI_DOCTOR_H

#include "cli/cli.h"
#include "config/config.h"
#include "engine/engine.h"

typedef enum sb_health { SB_HEALTH_OK, SB_HEALTH_WARNING, SB_HEALTH_WRONG } sb_health;

/* One thread. */
typedef struct sb_doctor {
  sb_cli *cli;
  const sb_config *config;
  sb_engine_options options; /* as the settings give them */
  char *folder, *cache;      /* the gallery's, and that of compiled models */
  json_t *findings;
  size_t counts[SB_HEALTH_WRONG + 1];
  /* What one look leaves for a later one. */
  sb_diagnostics *gallery; /* NULL: there is no gallery yet, or it cannot be opened */
  size_t faces, people;    /* of the gallery */
  int64_t database_size;   /* bytes in the folder's file system; 0: none */
  bool served;             /* a server works on the gallery's folder */
} sb_doctor;

/* A finding about `what`. `mend` says what to do; NULL: nothing is to be done. */
SB_PRINTF(5, 6)
void sb_doctor_say(sb_doctor *doctor, const char *what, sb_health health, const char *mend, const char *format, ...);
/* "1.4 GB". */
void sb_doctor_size(double bytes, char text[32]);

/* ---- doctor_machine.c */
void sb_doctor_processor(sb_doctor *doctor);
void sb_doctor_formats(sb_doctor *doctor); /* of photos */
void sb_doctor_memory(sb_doctor *doctor);
void sb_doctor_disk(sb_doctor *doctor);
void sb_doctor_limits(sb_doctor *doctor);
void sb_doctor_clock(sb_doctor *doctor);
/* ---- doctor_gallery.c */
void sb_doctor_models(sb_doctor *doctor);
void sb_doctor_gallery(sb_doctor *doctor); /* database and keys; opens doctor->store */
/* ---- doctor_server.c */
void sb_doctor_settings(sb_doctor *doctor);
void sb_doctor_port(sb_doctor *doctor);
void sb_doctor_tls(sb_doctor *doctor);

#endif
