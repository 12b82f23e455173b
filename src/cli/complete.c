/* Completion for shells: what may stand where the cursor is, read from the tables that the program itself works by, so that
 * it cannot lag behind them. The shells' own files (packaging/completions) only ask and show. */
#include "cli/cli.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* A line "WORD<tab>what it is" where `word` goes on from what was typed. */
static void offer(const char *typed, const char *word, size_t length, const char *what, size_t what_length) {
  if (!strncmp(word, typed, strlen(typed)) && strlen(typed) <= length)
    printf("%.*s\t%.*s\n", (int)length, word, (int)what_length, what);
}

bool sb_option_read(const char **at, sb_option *out) {
  const char *begin = *at, *line = begin + strspn(begin, " "), *end = line + strcspn(line, "\n");
  *at = *end ? end + 1 : end;
  *out = (sb_option){.indent = (size_t)(line - begin), .name = line, .length = strcspn(line, " \n")};
  const char *after = line + out->length;
  out->takes_value = after[0] == ' ' && isupper((unsigned char)after[1]);
  if (out->takes_value) after += 1 + strcspn(after + 1, " \n");
  out->what = after + strspn(after, " ");
  out->what_length = (size_t)(end - out->what);
  return *line == '-';
}

static bool is_word(const char *text, size_t length, const char *word) {
  return strlen(word) == length && !strncmp(text, word, length);
}

static bool takes_value(const sb_command *command, const char *word) {
  for (size_t i = 0; i < sb_settings_count; i++)
    if (!strcmp(sb_settings[i].flag, word)) return sb_settings[i].type != SB_SETTING_BOOL;
  sb_option row;
  for (const char *at = command->options; *at;)
    if (sb_option_read(&at, &row) && is_word(row.name, row.length, word)) return row.takes_value;
  return false;
}

static void offer_options(const sb_command *command, const char *typed) {
  static const char *const common[][2] = {
      {"--json", "print JSON"}, {"--quiet", "print no progress"}, {"--help", "tell the command's options"}};
  sb_option row;
  for (const char *at = command->options; *at;)
    if (sb_option_read(&at, &row)) offer(typed, row.name, row.length, row.what, row.what_length);
  for (size_t i = 0; i < sizeof common / sizeof *common; i++)
    offer(typed, common[i][0], strlen(common[i][0]), common[i][1], strlen(common[i][1]));
  for (size_t i = 0; i < sb_settings_count; i++)
    offer(typed, sb_settings[i].flag, strlen(sb_settings[i].flag), sb_settings[i].help, strlen(sb_settings[i].help));
}

/* The lower-case words of "add|list|revoke PREFIX": what may stand first. */
static void offer_actions(const sb_command *command, const char *typed) {
  for (const char *at = command->arguments; *at; at += strcspn(at, "|"), at += *at == '|') {
    const char *word = at + (*at == '[');
    size_t length = strspn(word, "abcdefghijklmnopqrstuvwxyz");
    if (length && strchr(" |]", word[length])) offer(typed, word, length, command->summary, strlen(command->summary));
  }
}

static void offer_commands(const char *typed) {
  for (size_t i = 0; i < sb_commands_count; i++)
    offer(typed, sb_commands[i].name, strlen(sb_commands[i].name), sb_commands[i].summary,
          strlen(sb_commands[i].summary));
}

static void offer_others(const char *typed) {
  static const char *const others[][2] = {{"--help", "tell the commands and settings"},
                                          {"--version", "tell the version"}};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    offer(typed, others[i][0], strlen(others[i][0]), others[i][1], strlen(others[i][1]));
}

void sb_cli_complete(int count, char **words) {
  if (count < 1) return;
  const char *typed = words[count - 1];
  if (count == 1) {
    offer_commands(typed);
    offer_others(typed);
    return;
  }
  if (count == 2 && !strcmp(words[0], "help")) offer_commands(typed);
  const sb_command *command = sb_command_find(words[0]);
  if (!command) return;
  int positional = 0;
  bool value = false; /* the word at hand is the value of the option before it */
  for (int i = 1; i < count - 1; i++) {
    if (!value && words[i][0] != '-') positional++;
    value = !value && takes_value(command, words[i]);
  }
  if (value) return;
  if (typed[0] == '-')
    offer_options(command, typed);
  else if (positional == 0)
    offer_actions(command, typed);
}
