/* The manual pages semblance(1) and semblance.conf(5), written in the macros of man(7) from the tables of subcommands
 * and settings. The build calls `semblance manual 1` and `semblance manual 5`. */
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/variables.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

/* Text escaped for roff: "-" as a hyphen that can be copied, backslashes, and a control character at the start of a
 * line. */
static void print_text(const char *text) {
  if (*text == '.' || *text == '\'') fputs("\\&", stdout);
  for (; *text; text++) {
    if (*text == '-')
      fputs("\\-", stdout);
    else if (*text == '\\')
      fputs("\\e", stdout);
    else
      putchar(*text);
  }
}

static void print_line(const char *text) {
  print_text(text);
  putchar('\n');
}

static void print_bold(const char *text) {
  fputs("\\fB", stdout);
  print_text(text);
  fputs("\\fR", stdout);
}

static void begin(const char *title, int section, const char *what) {
  printf(".TH %s %d \"\" \"Semblance %s\" \"Semblance\"\n.SH NAME\n", title, section, sb_version());
  print_line(what);
}

/* ---- semblance(1) */

static void print_entry(const char *name, const char *value, const char *help) {
  puts(".TP");
  print_bold(name);
  if (value) {
    fputs(" \\fI", stdout);
    print_text(value);
    fputs("\\fR", stdout);
  }
  putchar('\n');
  print_line(help);
}

static void print_options(const sb_cli_option *options) {
  char help[SB_CLI_HELP_SIZE];
  for (const sb_cli_option *o = options; o && o->name; o++) {
    sb_cli_option_help(o, help);
    print_entry(o->name, o->value, help);
  }
}

/* The options of an action are indented below it. */
static void print_actions(const sb_cli_command *actions) {
  for (const sb_cli_command *action = actions; action && action->name; action++) {
    print_entry(action->name, action->arguments, action->summary);
    if (!action->options) continue;
    puts(".RS");
    print_options(action->options);
    puts(".RE");
  }
}

static void print_command(const sb_cli_command *command) {
  sb_buffer arguments = {0};
  (void)sb_cli_command_arguments(command, &arguments, NULL); /* out of memory: the line ends early */
  printf(".SS semblance %s%s", command->name, arguments.size ? " " : "");
  print_line(arguments.bytes ? arguments.bytes : "");
  sb_buffer_free(&arguments);
  print_line(command->summary);
  print_actions(command->actions);
  print_options(command->options);
}

static const char *const codes[] = {"success", "no match, no such person, or something is wrong (doctor)",
                                    "wrong usage", "input refused", "system failure"};

static const char *const files[][2] = {
    {"~/.local/share/semblance", "the gallery: semblance.db, semblance.key, tls/, and models/ that were added"},
    {"~/.cache/semblance", "compiled models; may be deleted at any time"},
    {"~/.config/semblance/semblance.conf", "settings, see semblance.conf(5)"},
    {"/etc/semblance, /var/lib/semblance, /var/cache/semblance", "the same for the service"},
};

static void print_pairs(const char *const (*pairs)[2], size_t count) {
  for (size_t i = 0; i < count; i++) print_entry(pairs[i][0], NULL, pairs[i][1]);
}

static void print_settings_as_flags(void) {
  for (size_t i = 0; i < sb_settings_count; i++) {
    const sb_setting *s = &sb_settings[i];
    puts(".TP");
    print_bold(s->flag);
    if (s->type != SB_SETTING_BOOL) fputs(s->type == SB_SETTING_TEXT ? " \\fITEXT\\fR" : " \\fIN\\fR", stdout);
    printf(", \\fB%s\\fR\n", s->environment);
    print_line(s->help);
  }
}

static void print_program(void) {
  begin("SEMBLANCE", 1, "semblance - find and verify people by their face");
  puts(".SH SYNOPSIS\n\\fBsemblance\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n.SH DESCRIPTION\n"
       "Semblance answers who is in a photo: with the name of a registered person, or that the person is unknown.\n"
       "The gallery keeps encrypted face templates; photos are not kept.\n"
       "\\fBsemblance help\\fR \\fICOMMAND\\fR shows the options of one command.\n"
       "Every command takes \\fB\\-\\-help\\fR, \\fB\\-\\-quiet\\fR, \\fB\\-\\-json\\fR where it prints data,\n"
       "and the settings below. \\fB\\-\\-\\fR ends the options.\n.SH COMMANDS");
  for (size_t i = 0; i < sb_cli_commands_count; i++) print_command(sb_cli_commands[i]);
  puts(".SH SETTINGS\n"
       "Each can be given as an option, as an environment variable, or as a line in semblance.conf(5);\n"
       "the first of these that is present counts.");
  print_settings_as_flags();
  puts(".SH ENVIRONMENT\nIn addition to the variables of the settings:");
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
  case SB_SETTING_TEXT: fputs("Text", stdout); break;
  case SB_SETTING_BOOL: fputs("True or false", stdout); break;
  case SB_SETTING_INT:
  case SB_SETTING_REAL: printf("A number, %.10g to %.10g", s->least, s->most); break;
  }
  if (!*s->fallback) {
    puts("; unset by default.");
    return;
  }
  fputs("; default ", stdout);
  print_bold(s->fallback);
  puts(".");
}

static void print_settings_file(void) {
  begin("SEMBLANCE.CONF", 5, "semblance.conf - settings of semblance(1)");
  puts(
      ".SH DESCRIPTION\nThe file has lines of the form \\fIkey\\fR = \\fIvalue\\fR.\n"
      "Empty lines, and lines that begin with #, are ignored.\n"
      "An unknown key, or a value outside its range, is an error that names the line.\n"
      "The file is the one that SEMBLANCE_CONF names; otherwise ~/.config/semblance/semblance.conf, if it exists.\n"
      "Environment variables override the file, and options on the command line override both.\n"
      "For the server, what an admin chose on the page as the certainty of a match overrides threshold, fmr and fpir.\n"
      ".SH SETTINGS");
  for (size_t i = 0; i < sb_settings_count; i++) {
    print_entry(sb_settings[i].key, NULL, sb_settings[i].help);
    puts(".br");
    print_range(&sb_settings[i]);
  }
  puts(".SH EXAMPLE\n.nf\n# a desk in the entrance hall\nlisten = 0.0.0.0\nfmr = 1e\\-5\nlog_format = json\n.fi\n"
       ".SH SEE ALSO\n.BR semblance (1)");
}

bool sb_cli_manual_print(const char *section) {
  if (!strcmp(section, "1"))
    print_program();
  else if (!strcmp(section, "5"))
    print_settings_file();
  else
    return false;
  return true;
}
