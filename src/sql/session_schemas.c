/* SQLite has one schema a file. It says "unknown database x" where a statement creates something in a schema that is
 * not attached, and "no such table: x.t" where a statement reads or changes it. */
#include "sql/session_schemas.h"

#include <string.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 64 };

static bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Copies the schema's name out of the message. *creates: the statement creates something in it. */
static bool read_schema(const char *message, char name[NAME_MAX_BYTES], bool *creates) {
  static const char unknown[] = "unknown database ", missing[] = "no such table: ";
  size_t size = 0;
  *creates = !strncmp(message, unknown, strlen(unknown));
  if (!*creates && strncmp(message, missing, strlen(missing))) return false;
  const char *from = message + (*creates ? strlen(unknown) : strlen(missing));
  while (is_word(from[size])) size++;
  if (!size || size >= NAME_MAX_BYTES || from[size] != (*creates ? 0 : '.')) return false;
  memcpy(name, from, size);
  name[size] = 0;
  return true;
}

/* The file's name has the schema's in lower case, as SQL does not tell Sample from SAMPLE. */
static char *schema_path(const char *path, const char *schema) {
  char *file = sqlite3_mprintf("%s.%s", path, schema);
  for (char *p = file ? file + strlen(path) : NULL; p && *p; p++)
    if (*p >= 'A' && *p <= 'Z') *p |= 0x20;
  return file;
}

bool sb_sql_attach_missing_schema(sqlite3 *db, const char *path, bool create) {
  char name[NAME_MAX_BYTES];
  bool creates = false;
  if (!read_schema(sqlite3_errmsg(db), name, &creates) || sqlite3_db_filename(db, name)) return false;
  char *file = schema_path(path, name);
  char *statement = file ? sqlite3_mprintf("ATTACH %Q AS \"%w\"", file, name) : NULL;
  bool exists = file && !access(file, F_OK);
  bool attached =
      statement && (exists || (create && creates)) && sqlite3_exec(db, statement, NULL, NULL, NULL) == SQLITE_OK;
  sqlite3_free(statement);
  sqlite3_free(file);
  return attached;
}
