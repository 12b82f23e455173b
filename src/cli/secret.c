/* Reads secrets from the terminal with echo off, and new ones twice. */
#include "cli/secret.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

bool sb_cli_secret_ask(const char *prompt, char *text, size_t size) {
  struct termios before, silent;
  int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (terminal < 0 || tcgetattr(terminal, &before)) {
    if (terminal >= 0) close(terminal);
    return false;
  }
  silent = before;
  silent.c_lflag &= ~(tcflag_t)ECHO;
  bool done = write(terminal, prompt, strlen(prompt)) >= 0 && !tcsetattr(terminal, TCSAFLUSH, &silent);
  size_t used = 0;
  char letter;
  while (done && read(terminal, &letter, 1) == 1 && letter != '\n')
    if (used + 1 < size) text[used++] = letter;
  text[used] = 0;
  tcsetattr(terminal, TCSAFLUSH, &before);
  if (write(terminal, "\n", 1) < 0) done = false;
  close(terminal);
  return done && used > 0;
}

/* Asks for a secret and once more for the same, since it is not shown while it is typed. */
static sb_status ask_twice(const char *what, const char *variable, char text[SB_CLI_SECRET_MAX], sb_error *error) {
  char prompt[64], repeated[SB_CLI_SECRET_MAX] = "";
  snprintf(prompt, sizeof prompt, "new %s: ", what);
  bool given =
      sb_cli_secret_ask(prompt, text, SB_CLI_SECRET_MAX) && sb_cli_secret_ask("repeat it: ", repeated, sizeof repeated);
  bool same = !strcmp(text, repeated);
  sb_wipe(repeated, sizeof repeated);
  if (!given) return sb_fail(error, SB_INVALID, "no %s was given: run this in a terminal, or set %s", what, variable);
  return same ? SB_OK : sb_fail(error, SB_INVALID, "the two %ss differ; nothing was changed", what);
}

sb_status sb_cli_secret_new(const char *what, const char *variable, size_t minimum, char text[SB_CLI_SECRET_MAX],
                            sb_error *error) {
  const char *given = getenv(variable);
  if (given && *given && strlen(given) < SB_CLI_SECRET_MAX) {
    strcpy(text, given);
  } else {
    sb_status status = ask_twice(what, variable, text, error);
    if (status != SB_OK) return status;
  }
  if (strlen(text) >= minimum) return SB_OK;
  return sb_fail(error, SB_INVALID, "a %s needs at least %zu bytes; several words are better", what, minimum);
}
