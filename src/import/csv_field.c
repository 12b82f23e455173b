/* Rows of CSV as RFC 4180 has them. */
#include "import/csv.h"

bool sb_csv_field(char **at, char **field, bool *last) {
  char *from = *at, *to = from;
  *field = to;
  if (*from == '"') {
    for (from++; *from && !(*from == '"' && from[1] != '"'); from++) {
      if (*from == '"') from++;
      *to++ = *from;
    }
    if (*from++ != '"') return false;
  } else {
    while (*from && *from != ',' && *from != '\n' && *from != '\r') *to++ = *from++;
  }
  if (*from == '\r' && from[1] == '\n') from++;
  bool separated = *from == ',';
  if (*from && !separated && *from != '\n') return false;
  *last = !separated;
  *at = *from ? from + 1 : from;
  *to = 0;
  return true;
}
