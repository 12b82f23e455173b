/* The list of subcommands. */
#ifndef SB_CLI_COMMANDS_H
#define SB_CLI_COMMANDS_H

#include "cli/command.h"

extern const sb_cli_command *const sb_cli_commands[]; /* in the order of --help */
extern const size_t sb_cli_commands_count;
const sb_cli_command *sb_cli_command_find(const char *name); /* NULL if there is none */

/* Each in commands/NAME.c, or in the file named here. */
extern const sb_cli_command sb_cli_command_access, sb_cli_command_audit, sb_cli_command_bench, sb_cli_command_cameras,
    sb_cli_command_cluster, sb_cli_command_collections, sb_cli_command_dedup, sb_cli_command_doctor,
    sb_cli_command_enroll, sb_cli_command_eval, sb_cli_command_events, sb_cli_command_export, sb_cli_command_hnsw,
    sb_cli_command_import, sb_cli_command_keys, sb_cli_command_migrate, sb_cli_command_migrate_model,
    sb_cli_command_models, sb_cli_command_receivers, sb_cli_command_search, sb_cli_command_serve,
    sb_cli_command_sql, /* sql.c */
    sb_cli_command_thumbnails, sb_cli_command_tls, sb_cli_command_verify, sb_cli_command_quality;
/* commands/people.c */
extern const sb_cli_command sb_cli_command_list, sb_cli_command_show, sb_cli_command_rename, sb_cli_command_delete;
/* commands/faces.c */
extern const sb_cli_command sb_cli_command_detect, sb_cli_command_represent, sb_cli_command_analyze;
/* commands/backup.c */
extern const sb_cli_command sb_cli_command_backup, sb_cli_command_restore;
/* commands/consent.c */
extern const sb_cli_command sb_cli_command_consent, sb_cli_command_expire;

#endif
