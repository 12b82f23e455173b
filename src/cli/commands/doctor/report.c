/* The doctor's findings, printed as text at once or collected for --json. */
#include "cli/commands/doctor/doctor.h"

#include <stdio.h>

static const char *const words[] = {"ok", "warning", "wrong"};

void sb_cli_doctor_report(sb_cli_doctor *doctor, const char *what, sb_cli_health health, const char *fix,
                          const char *format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  doctor->counts[health]++;
  if (doctor->cli->json) {
    json_t *finding = json_pack("{s:s,s:s,s:s}", "check", what, "state", words[health], "message", text);
    if (finding && fix) json_object_set_new(finding, "mend", json_string(fix)); /* the name that users know */
    json_array_append_new(doctor->findings, finding);
  } else if (!doctor->cli->quiet || health != SB_CLI_HEALTH_OK) {
    printf("%-8s %-9s %s\n", words[health], what, text);
    if (fix) printf("%19sto fix it: %s\n", "", fix);
  }
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
