/* The manual's pages, from the tables that the program itself works by, so that they cannot lag behind it. In man(7)'s macros. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

/* A text as roff shows it: hyphens that can be copied, no letter that roff takes for its own. */
static void print_text(const char *text, size_t length) {
  if (length && (*text == '.' || *text == '\'')) fputs("\\&", stdout);
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '-')
      fputs("\\-", stdout);
    else if (text[i] == '\\')
      fputs("\\e", stdout);
    else
      putchar(text[i]);
  }
}

static void print_line(const char *text) {
  print_text(text, strlen(text));
  putchar('\n');
}

static void print_bold(const char *text, size_t length) {
  fputs("\\fB", stdout);
  print_text(text, length);
  fputs("\\fR", stdout);
}

static void begin(const char *title, int section, const char *what) {
  printf(".TH %s %d \"\" \"Semblance %s\" \"Semblance\"\n.SH NAME\n", title, section, sb_version());
  print_line(what);
}

/* ---- semblance(1) */

static void print_option(const sb_option *option) {
  puts(".TP");
  print_bold(option->name, option->length);
  const char *value = option->name + option->length;
  if (option->takes_value) {
    fputs(" \\fI", stdout);
    print_text(value + 1, strcspn(value + 1, " \n"));
    fputs("\\fR", stdout);
  }
  putchar('\n');
  print_text(option->what, option->what_length);
  putchar('\n');
}

/* Options that stand under an action are set in. */
static void print_options(const char *options) {
  bool inside = false;
  sb_option option;
  for (const char *at = options; *at;) {
    sb_option_read(&at, &option);
    bool deeper = option.indent > 2;
    if (deeper != inside) puts(deeper ? ".RS" : ".RE");
    inside = deeper;
    print_option(&option);
  }
  if (inside) puts(".RE");
}

static void print_command(const sb_command *command) {
  printf(".SS semblance %s", command->name);
  if (*command->arguments) {
    putchar(' ');
    print_text(command->arguments, strlen(command->arguments));
  }
  putchar('\n');
  print_line(command->summary);
  print_options(command->options);
}

static const char *const codes[] = {"ok", "no match, no such person, or something is wrong (doctor)", "wrong usage",
                                    "input refused", "a problem of the system"};

static const char *const files[][2] = {
    {"~/.local/share/semblance", "the gallery: semblance.db, semblance.key, tls/, models/ that were added"},
    {"~/.cache/semblance", "compiled models; may be deleted at any time"},
    {"~/.config/semblance/semblance.conf", "settings, see semblance.conf(5)"},
    {"/etc/semblance, /var/lib/semblance, /var/cache/semblance", "the same of the service"},
};

static void print_pairs(const char *const (*pairs)[2], size_t count) {
  for (size_t i = 0; i < count; i++) {
    puts(".TP");
    print_bold(pairs[i][0], strlen(pairs[i][0]));
    putchar('\n');
    print_line(pairs[i][1]);
  }
}

static void print_settings_as_flags(void) {
  for (size_t i = 0; i < sb_settings_count; i++) {
    const sb_setting *s = &sb_settings[i];
    puts(".TP");
    print_bold(s->flag, strlen(s->flag));
    if (s->type != SB_SETTING_BOOL) fputs(s->type == SB_SETTING_TEXT ? " \\fITEXT\\fR" : " \\fIN\\fR", stdout);
    printf(", \\fB%s\\fR\n", s->environment);
    print_line(s->help);
  }
}

static void print_program(void) {
  begin("SEMBLANCE", 1, "semblance - find and verify people by their face");
  puts(".SH SYNOPSIS\n\\fBsemblance\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n.SH DESCRIPTION\n"
       "A photo goes in; the right name, or an honest unknown person, comes out.\n"
       "Templates of faces are kept sealed in a gallery; photos are not kept.\n"
       "\\fBsemblance help\\fR \\fICOMMAND\\fR tells one command's own options.\n"
       "Every command takes \\fB\\-\\-help\\fR, \\fB\\-\\-quiet\\fR, \\fB\\-\\-json\\fR where it prints data,\n"
       "and the settings below. \\fB\\-\\-\\fR ends the options.\n.SH COMMANDS");
  for (size_t i = 0; i < sb_commands_count; i++) print_command(&sb_commands[i]);
  puts(
      ".SH SETTINGS\nEach by its option, its environment variable, or its line in semblance.conf(5); the first of these counts.");
  print_settings_as_flags();
  puts(".SH ENVIRONMENT\nBesides the variables of the settings:");
  print_pairs(sb_cli_variables, sb_cli_variables_count);
  puts(".SH FILES");
  print_pairs(files, sizeof files / sizeof *files);
  puts(".SH EXIT STATUS");
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    printf(".TP\n\\fB%zu\\fR\n", i);
    print_line(codes[i]);
  }
  puts(".SH SEE ALSO\n.BR semblance.conf (5)");
}

/* ---- semblance.conf(5) */

static void print_range(const sb_setting *s) {
  switch (s->type) {
  case SB_SETTING_TEXT: fputs("A text", stdout); break;
  case SB_SETTING_BOOL: fputs("True or false", stdout); break;
  case SB_SETTING_INT:
  case SB_SETTING_REAL: printf("A number, %.10g to %.10g", s->least, s->most); break;
  }
  if (!*s->fallback) {
    puts("; unset by default.");
    return;
  }
  fputs("; default ", stdout);
  print_bold(s->fallback, strlen(s->fallback));
  puts(".");
}

static void print_settings_file(void) {
  begin("SEMBLANCE.CONF", 5, "semblance.conf - settings of semblance(1)");
  puts(
      ".SH DESCRIPTION\nLines \\fIkey\\fR = \\fIvalue\\fR; empty lines, and lines that begin with #, are passed over.\n"
      "A key that is not listed here, or a value out of its range, is an error that names the line.\n"
      "The file is the one that SEMBLANCE_CONF names, otherwise ~/.config/semblance/semblance.conf, if it is there.\n"
      "Environment variables go over it, and options of the command line over those.\n"
      "An admin's choice of how sure a match must be, made on the page, goes over threshold, fmr and fpir of the server.\n"
      ".SH SETTINGS");
  for (size_t i = 0; i < sb_settings_count; i++) {
    const sb_setting *s = &sb_settings[i];
    puts(".TP");
    print_bold(s->key, strlen(s->key));
    putchar('\n');
    print_line(s->help);
    puts(".br");
    print_range(s);
  }
  puts(
      ".SH EXAMPLE\n.nf\n# a desk in the entrance hall\nlisten = 0.0.0.0\nfmr = 1e\\-5\nlog_format = json\n.fi\n.SH SEE ALSO\n"
      ".BR semblance (1)");
}

bool sb_cli_manual(const char *section) {
  if (!strcmp(section, "1"))
    print_program();
  else if (!strcmp(section, "5"))
    print_settings_file();
  else
    return false;
  return true;
}
