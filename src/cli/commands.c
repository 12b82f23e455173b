/* The list of subcommands. */
#include "cli/commands.h"

#include <string.h>

const sb_cli_command *const sb_cli_commands[] = {
    &sb_cli_command_serve,         &sb_cli_command_enroll,      &sb_cli_command_import,    &sb_cli_command_search,
    &sb_cli_command_verify,        &sb_cli_command_list,        &sb_cli_command_show,      &sb_cli_command_rename,
    &sb_cli_command_delete,        &sb_cli_command_detect,      &sb_cli_command_represent, &sb_cli_command_analyze,
    &sb_cli_command_quality,       &sb_cli_command_cluster,     &sb_cli_command_dedup,     &sb_cli_command_eval,
    &sb_cli_command_sql,           &sb_cli_command_backup,      &sb_cli_command_restore,   &sb_cli_command_migrate,
    &sb_cli_command_migrate_model, &sb_cli_command_hnsw,        &sb_cli_command_consent,   &sb_cli_command_expire,
    &sb_cli_command_thumbnails,    &sb_cli_command_export,      &sb_cli_command_audit,     &sb_cli_command_access,
    &sb_cli_command_tls,           &sb_cli_command_keys,        &sb_cli_command_doctor,    &sb_cli_command_bench,
    &sb_cli_command_models,        &sb_cli_command_collections, &sb_cli_command_cameras,   &sb_cli_command_events,
    &sb_cli_command_receivers,
};
const size_t sb_cli_commands_count = sizeof sb_cli_commands / sizeof *sb_cli_commands;

const sb_cli_command *sb_cli_command_find(const char *name) {
  for (size_t i = 0; i < sb_cli_commands_count; i++)
    if (!strcmp(sb_cli_commands[i]->name, name)) return sb_cli_commands[i];
  return NULL;
}
