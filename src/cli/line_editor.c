/* A line editor for one line: UTF-8, arrow keys, Home, End, Delete, ctrl-A E K U W L, history by up and down. A line that is
 * wider than the terminal is shown around the cursor. */
#include "cli/line_editor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { HISTORY_MAX = 1000 };

void sb_line_history_add(sb_line_history *history, const char *line) {
  if (!*line || (history->count && !strcmp(history->lines[history->count - 1], line))) return;
  char *copy = sb_strdup(line, NULL);
  if (!copy) return;
  if (history->count == HISTORY_MAX) {
    free(history->lines[0]);
    memmove(history->lines, history->lines + 1, --history->count * sizeof *history->lines);
  }
  void *lines = history->lines;
  if (sb_grow(&lines, history->count + 1, sizeof *history->lines, NULL) != SB_OK) {
    free(copy);
    return;
  }
  history->lines = lines;
  history->lines[history->count++] = copy;
}

void sb_line_history_free(sb_line_history *history) {
  for (size_t i = 0; i < history->count; i++) free(history->lines[i]);
  free(history->lines);
  *history = (sb_line_history){0};
}

typedef struct editor {
  const char *prompt;
  sb_buffer *line;
  size_t cursor; /* a byte of the line */
} editor;

static bool continues(char c) {
  return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t before(const editor *e, size_t at) {
  while (at > 0 && continues(e->line->bytes[--at])) continue;
  return at;
}

static size_t behind(const editor *e, size_t at) {
  if (at < e->line->size) at++;
  while (at < e->line->size && continues(e->line->bytes[at])) at++;
  return at;
}

static size_t characters(const char *text, size_t size) {
  size_t count = 0;
  for (size_t i = 0; i < size; i++) count += !continues(text[i]);
  return count;
}

static size_t terminal_width(void) {
  struct winsize size;
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

static void show(const editor *e) {
  size_t room = terminal_width() - strlen(e->prompt) - 1, from = 0;
  while (characters(e->line->bytes + from, e->cursor - from) >= room) from = behind(e, from);
  size_t to = from;
  for (size_t shown = 0; to < e->line->size && shown < room; shown++) to = behind(e, to);
  printf("\r%s", e->prompt);
  fwrite(e->line->bytes + from, 1, to - from, stdout);
  printf("\x1b[K\r\x1b[%zuC", strlen(e->prompt) + characters(e->line->bytes + from, e->cursor - from));
  fflush(stdout);
}

static void erase(editor *e, size_t from, size_t to) {
  memmove(e->line->bytes + from, e->line->bytes + to, e->line->size - to + 1);
  e->line->size -= to - from;
  e->cursor = from;
}

static void insert(editor *e, char c) {
  if (sb_buffer_add(e->line, &c, 1, NULL) != SB_OK) return;
  memmove(e->line->bytes + e->cursor + 1, e->line->bytes + e->cursor, e->line->size - 1 - e->cursor);
  e->line->bytes[e->cursor++] = c;
}

static void replace(editor *e, const char *text) {
  erase(e, 0, e->line->size);
  if (sb_buffer_add(e->line, text, strlen(text), NULL) == SB_OK) e->cursor = e->line->size;
}

static int read_byte(void) {
  unsigned char c;
  ssize_t got;
  while ((got = read(STDIN_FILENO, &c, 1)) < 0 && errno == EINTR) continue;
  return got == 1 ? c : -1;
}

/* ESC [ A and their like: gives the letter, or for ESC [ 3 ~ the digit. */
static int read_escape(void) {
  int c = read_byte();
  if (c != '[' && c != 'O') return 0;
  c = read_byte();
  if (c < '0' || c > '9') return c;
  int digit = c;
  while (c >= 0 && c != '~' && !(c >= 'A' && c <= 'z')) c = read_byte();
  return digit;
}

static void erase_word(editor *e) {
  size_t from = e->cursor;
  while (from > 0 && e->line->bytes[from - 1] == ' ') from--;
  while (from > 0 && e->line->bytes[from - 1] != ' ') from--;
  erase(e, from, e->cursor);
}

static void on_escape(editor *e, const sb_line_history *history, size_t *at) {
  int key = read_escape();
  if (key == 'A' && *at > 0) replace(e, history->lines[--*at]);
  if (key == 'B' && *at < history->count) {
    ++*at;
    replace(e, *at < history->count ? history->lines[*at] : "");
  }
  if (key == 'C') e->cursor = behind(e, e->cursor);
  if (key == 'D') e->cursor = before(e, e->cursor);
  if (key == 'H' || key == '1') e->cursor = 0;
  if (key == 'F' || key == '4') e->cursor = e->line->size;
  if (key == '3' && e->cursor < e->line->size) erase(e, e->cursor, behind(e, e->cursor));
}

static void on_key(editor *e, int key) {
  enum { CTRL_A = 1, CTRL_E = 5, BACKSPACE = 8, CTRL_K = 11, CTRL_L = 12, CTRL_U = 21, CTRL_W = 23, DELETE = 127 };
  switch (key) {
  case CTRL_A: e->cursor = 0; break;
  case CTRL_E: e->cursor = e->line->size; break;
  case CTRL_K: {
    size_t cursor = e->cursor;
    erase(e, cursor, e->line->size);
    break;
  }
  case CTRL_U: erase(e, 0, e->cursor); break;
  case CTRL_W: erase_word(e); break;
  case CTRL_L: fputs("\x1b[H\x1b[2J", stdout); break;
  case BACKSPACE:
  case DELETE:
    if (e->cursor > 0) erase(e, before(e, e->cursor), e->cursor);
    break;
  default:
    if (key >= 0x20 || key == '\t') insert(e, key == '\t' ? ' ' : (char)key);
  }
}

static sb_line_end edit(editor *e, const sb_line_history *history) {
  enum { CTRL_C = 3, CTRL_D = 4, ESCAPE = 27 };
  size_t at = history->count;
  for (;;) {
    show(e);
    int key = read_byte();
    if (key == '\r' || key == '\n') return SB_LINE_OK;
    if (key == CTRL_C) return SB_LINE_CANCELLED;
    if (key < 0 || (key == CTRL_D && !e->line->size)) return SB_LINE_CLOSED;
    if (key == ESCAPE)
      on_escape(e, history, &at);
    else
      on_key(e, key);
  }
}

sb_line_end sb_line_read(const char *prompt, const sb_line_history *history, sb_buffer *line) {
  struct termios before_all, raw;
  editor e = {.prompt = prompt, .line = line};
  line->size = 0;
  if (sb_buffer_add(line, "", 0, NULL) != SB_OK || tcgetattr(STDIN_FILENO, &before_all)) return SB_LINE_CLOSED;
  line->bytes[0] = 0;
  raw = before_all;
  raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
  raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  sb_line_end end = edit(&e, history);
  tcsetattr(STDIN_FILENO, TCSADRAIN, &before_all);
  puts(end == SB_LINE_CANCELLED ? "^C" : "");
  return end;
}
