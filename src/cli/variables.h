/* Environment variables of the program that are not settings: the manual lists them, and the doctor knows them. */
#ifndef SB_CLI_VARIABLES_H
#define SB_CLI_VARIABLES_H

#include <stddef.h>

extern const char *const sb_cli_variables[][2]; /* name, meaning */
extern const size_t sb_cli_variables_count;

#endif
