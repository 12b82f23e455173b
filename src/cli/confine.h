/* Confines the process before it decodes photos. */
#ifndef SB_CLI_CONFINE_H
#define SB_CLI_CONFINE_H

#include "cli/cli.h"

void sb_cli_confine(const sb_cli *cli);

#endif
