/* Secrets from the terminal or the environment; never from an argument, which every process of the machine can read. */
#ifndef SB_CLI_SECRET_H
#define SB_CLI_SECRET_H

#include "base/base.h"

enum { SB_CLI_SECRET_MAX = 1024 };

/* Asks for a secret on the terminal without showing it. At most `size` - 1 bytes. False without a terminal or an
 * answer. */
bool sb_cli_secret_ask(const char *prompt, char *text, size_t size);

/* A new secret, from the variable if it is set, else asked for twice. `what` names it in messages: "password".
 * SB_INVALID if none was given, the two differ, or it has fewer than `minimum` bytes. */
sb_status sb_cli_secret_new(const char *what, const char *variable, size_t minimum, char text[SB_CLI_SECRET_MAX],
                            sb_error *error);

#endif
