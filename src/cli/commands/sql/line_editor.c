/* libedit does the editing: UTF-8, arrow keys, Emacs keys, history with up and down, lines wider than the terminal.
 * This file sets its keys and keeps it from the file system. ctrl-C is bound to a command of our own; as a signal it
 * would end the program. */
#include "cli/commands/sql/line_editor.h"

#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { HISTORY_MAX = 1000, PROMPT_MAX = 32 };

struct sb_cli_line_editor {
  EditLine *edit;
  History *history;
  locale_t locale; /* libedit decodes keys by the thread's locale; this one is UTF-8 wherever there is one */
  char prompt[PROMPT_MAX];
  bool cancelled;
};

static sb_cli_line_editor *editor_of(EditLine *edit) {
  sb_cli_line_editor *editor = NULL;
  el_get(edit, EL_CLIENTDATA, &editor);
  return editor;
}

static char *prompt_of(EditLine *edit) {
  return editor_of(edit)->prompt;
}

/* The command of ctrl-C: ends the line. */
static unsigned char cancel(EditLine *edit, wint_t key) {
  (void)key;
  editor_of(edit)->cancelled = true;
  return CC_NEWLINE;
}

/* Returns 0, or -1 when libedit refuses something. */
static int set_up(sb_cli_line_editor *editor) {
  static const struct {
    const char *key, *command;
  } keys[] = {
      {"^C", "cancel"},
      {"^W", "ed-delete-prev-word"},
      {"^U", "vi-kill-line-prev"},  /* up to the cursor */
      {"\\e[1~", "ed-move-to-beg"}, /* Home, End and Delete of terminals that terminfo does not describe */
      {"\\e[4~", "ed-move-to-end"},
      {"\\e[3~", "ed-delete-next-char"},
      {"\\ex", "ed-unassigned"}, /* M-x runs libedit's own commands, among them those that write files */
      {"\\eX", "ed-unassigned"},
  };
  EditLine *edit = editor->edit;
  HistEvent event;
  int failed =
      history(editor->history, &event, H_SETSIZE, HISTORY_MAX) | history(editor->history, &event, H_SETUNIQUE, 1);
  failed |= el_set(edit, EL_CLIENTDATA, editor) | el_set(edit, EL_PROMPT, prompt_of) | el_set(edit, EL_EDITOR, "emacs");
  failed |= el_set(edit, EL_HIST, history, editor->history);
  /* el_set would copy the two texts, and el_end does not release the copies. */
  failed |= el_wset(edit, EL_ADDFN, L"cancel", L"ends the line", cancel);
  failed |= el_set(edit, EL_SETTY, "-d", "-isig", "-ixon", NULL); /* ctrl-C is a key, not a signal */
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    failed |= el_set(edit, EL_BIND, keys[i].key, keys[i].command, NULL);
  return failed ? -1 : 0;
}

sb_status sb_cli_line_editor_new(sb_cli_line_editor **out, sb_error *error) {
  sb_cli_line_editor *editor = sb_alloc(1, sizeof *editor, error);
  if (!editor) return SB_NO_MEMORY;
  editor->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  locale_t before = uselocale(editor->locale);
  editor->history = history_init();
  editor->edit = el_init("semblance", stdin, stdout, stderr);
  bool ready = editor->edit && editor->history && set_up(editor) == 0;
  uselocale(before);
  if (!ready) {
    sb_cli_line_editor_free(editor);
    return sb_fail(error, SB_IO, "the prompt cannot be set up; give the statement as an argument, or with --file");
  }
  *out = editor;
  return SB_OK;
}

void sb_cli_line_editor_free(sb_cli_line_editor *editor) {
  if (!editor) return;
  if (editor->edit) el_end(editor->edit);
  if (editor->history) history_end(editor->history);
  if (editor->locale) freelocale(editor->locale);
  free(editor);
}

static bool is_blank(const char *text) {
  return !text[strspn(text, " \t\r\n")];
}

sb_cli_line_end sb_cli_line_editor_read(sb_cli_line_editor *editor, const char *prompt, sb_buffer *line) {
  int size = 0;
  HistEvent event;
  snprintf(editor->prompt, sizeof editor->prompt, "%s", prompt);
  editor->cancelled = false;
  locale_t before = uselocale(editor->locale);
  const char *text = el_gets(editor->edit, &size);
  uselocale(before);
  if (editor->cancelled) {
    puts("^C");
    el_reset(editor->edit);
    return SB_CLI_LINE_CANCELLED;
  }
  if (!text || size <= 0) {
    puts("");
    return SB_CLI_LINE_CLOSED;
  }
  if (text[size - 1] == '\n') size--;
  line->size = 0;
  if (sb_buffer_add(line, text, (size_t)size, NULL) != SB_OK) return SB_CLI_LINE_CLOSED;
  if (!is_blank(line->bytes)) history(editor->history, &event, H_ENTER, line->bytes);
  return SB_CLI_LINE_READ;
}
