/* Secrets from the terminal: never from an argument, which every process of the machine can read. */
#include "cli/cli.h"

#include <fcntl.h>
#include <stdio.h>
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
  bool read_it = write(terminal, prompt, strlen(prompt)) >= 0 && !tcsetattr(terminal, TCSAFLUSH, &silent);
  size_t used = 0;
  char letter;
  while (read_it && read(terminal, &letter, 1) == 1 && letter != '\n')
    if (used + 1 < size) text[used++] = letter;
  text[used] = 0;
  tcsetattr(terminal, TCSAFLUSH, &before);
  if (write(terminal, "\n", 1) < 0) read_it = false;
  close(terminal);
  return read_it && used > 0;
}
