/* The doctor's findings, printed as text at once or collected for --json. */
#include "cli/commands/doctor/doctor.h"

#include <stdio.h>

static const char *const words[] = {"ok", "warning", "wrong"};

typedef struct finding {
  const char *what, *fix;
  sb_cli_health health;
} finding;

static json_t *finding_json(const finding *f, const char *text) {
  json_t *json = json_pack("{s:s,s:s,s:s}", "check", f->what, "state", words[f->health], "message", text);
  if (json && f->fix) json_object_set_new(json, "mend", json_string(f->fix)); /* the member's public name */
  return json;
}

static void report(sb_cli_doctor *doctor, const finding *f, const char *format, va_list arguments) {
  char text[1024];
  vsnprintf(text, sizeof text, format, arguments);
  doctor->counts[f->health]++;
  if (doctor->cli->json) {
    json_array_append_new(doctor->findings, finding_json(f, text));
  } else if (!doctor->cli->quiet || f->health != SB_CLI_HEALTH_OK) {
    printf("%-8s %-9s %s\n", words[f->health], f->what, text);
    if (f->fix) printf("%19sto fix it: %s\n", "", f->fix);
  }
}

void sb_cli_doctor_ok(sb_cli_doctor *doctor, const char *what, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  report(doctor, &(finding){what, NULL, SB_CLI_HEALTH_OK}, format, arguments);
  va_end(arguments);
}

void sb_cli_doctor_warning(sb_cli_doctor *doctor, const char *what, const char *fix, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  report(doctor, &(finding){what, fix, SB_CLI_HEALTH_WARNING}, format, arguments);
  va_end(arguments);
}

void sb_cli_doctor_wrong(sb_cli_doctor *doctor, const char *what, const char *fix, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  report(doctor, &(finding){what, fix, SB_CLI_HEALTH_WRONG}, format, arguments);
  va_end(arguments);
}

sb_status sb_cli_doctor_conclude(sb_cli_doctor *doctor, sb_error *error) {
  const size_t wrong = doctor->counts[SB_CLI_HEALTH_WRONG], warnings = doctor->counts[SB_CLI_HEALTH_WARNING];
  if (wrong) doctor->cli->exit = SB_EXIT_NEGATIVE;
  if (doctor->cli->json)
    return sb_cli_print_json(json_pack("{s:b,s:I,s:I,s:O}", "healthy", !wrong, "wrong", (json_int_t)wrong, "warnings",
                                       (json_int_t)warnings, "findings", doctor->findings),
                             error);
  if (!wrong && !warnings)
    puts("nothing is wrong");
  else
    printf("%zu wrong, %zu to look at\n", wrong, warnings);
  return SB_OK;
}
