/* The editor of the SQL prompt's lines: libedit (histedit.h), set up for statements that hold people's names.
 *
 * The history lasts as long as the editor and is written nowhere. The editor reads no ~/.editrc, and its commands that
 * would put the line into a file for $EDITOR are switched off. */
#ifndef SB_CLI_LINE_EDITOR_H
#define SB_CLI_LINE_EDITOR_H

#include "base/base.h"

/* One a process, and one thread. */
typedef struct sb_cli_line_editor sb_cli_line_editor;

/* Standard input must be a terminal. SB_NO_MEMORY, SB_IO. */
sb_status sb_cli_line_editor_new(sb_cli_line_editor **out, sb_error *error);
void sb_cli_line_editor_free(sb_cli_line_editor *editor); /* NULL allowed */

typedef enum sb_cli_line_end {
  SB_CLI_LINE_READ,
  SB_CLI_LINE_CANCELLED, /* ctrl-C */
  SB_CLI_LINE_CLOSED     /* ctrl-D on an empty line, or the terminal is gone */
} sb_cli_line_end;
/* Shows the prompt and reads a line into `line`, in place of what it held and without the line break. Adds it to the
 * history, unless it is blank or the same as the one before. */
sb_cli_line_end sb_cli_line_editor_read(sb_cli_line_editor *editor, const char *prompt, sb_buffer *line);

#endif
