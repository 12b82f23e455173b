/* The program's log on standard error. */
#ifndef SB_CLI_LOG_H
#define SB_CLI_LOG_H

#include "config/config.h"

/* Starts the log as --log-level and --log-format say. A command that is not a server logs errors only, unless the
 * level is debug. Call before threads start. SB_INVALID. */
sb_status sb_cli_log_start(const sb_config *config, bool server, sb_error *error);

#endif
