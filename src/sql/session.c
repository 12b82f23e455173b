/* The session of <semblance/sql.h>: an SQLite connection with the vector functions, the table kind `semblance` and,
 * over an engine, the gallery's tables. Statements go through the dialect before SQLite compiles them. */
#include "base/sqlite_status.h"
#include "engine/engine.h"
#include "sql/dialect/iris_dialect.h"
#include "sql/gallery/module.h"
#include "sql/register.h"
#include "sql/session_functions.h"
#include "sql/session_schemas.h"
#include "sql/vectors/value.h"

#include <semblance/sql.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUSY_MS = 10000 };

/* The name of an index of a vector column, which SQLite does not know. */
typedef struct index_name {
  struct index_name *next;
  char *name;
} index_name;

struct sb_sql {
  sqlite3 *db;
  sb_engine *engine;
  char model[64]; /* of the collection, for photos; "": the engine's own */
  sb_sql_embedder embedder;
  char *path;          /* of the file; NULL: the database is in memory */
  index_name *indexes; /* that CREATE INDEX ... AS HNSW named in this session */
  bool gallery;        /* the gallery's tables are attached */
  bool write;
  bool attaching; /* the session itself attaches a file */
  /* Why the authorizer refused the statement that was compiled last. */
  enum { NOT_REFUSED, REFUSED_WRITE, REFUSED_SCHEMA } refused;
};

struct sb_sql_statement {
  sb_sql *sql;
  sqlite3_stmt *raw;
  sb_sql_dialect dialect; /* needed later for the names of the parameters */
};

/* ---- Errors */

/* Names the gallery's tables when a statement over a gallery names an unknown one. */
static const char *table_hint(const sb_sql *sql, const char *message) {
  bool unknown = !strncmp(message, "no such table", strlen("no such table"));
  return unknown && sql->gallery ? "; the gallery's are faces and dc_facialmatching.FacialData" : "";
}

/* Whether SQLite's message is about a column whose name stands in double quotes in the statement. SQLite itself takes
 * such a name for a text unless it is told otherwise (DQS), so many people write texts that way. */
static bool is_quoted_text(const char *message, const char *statement) {
  static const char start[] = "no such column: ";
  if (strncmp(message, start, strlen(start))) return false;
  const char *name = message + strlen(start);
  size_t size = strcspn(name, " ");
  if (*name == '"' && size > 1) name++, size -= 2; /* newer versions of SQLite quote it, and give a hint of their own */
  for (const char *at = strchr(statement, '"'); at; at = strchr(at + 1, '"'))
    if (!strncmp(at + 1, name, size) && at[1 + size] == '"') return true;
  return false;
}

/* SB_EXISTS: a row with this key exists. Virtual tables have no codes finer than SQLITE_CONSTRAINT. */
static sb_status constraint_status(int extended) {
  switch (extended) {
  case SQLITE_CONSTRAINT:
  case SQLITE_CONSTRAINT_UNIQUE:
  case SQLITE_CONSTRAINT_PRIMARYKEY:
  case SQLITE_CONSTRAINT_ROWID:
  case SQLITE_CONSTRAINT_VTAB: return SB_EXISTS;
  default: return SB_INVALID;
  }
}

static sb_status failed(sb_sql *sql, int code, sb_error *error) {
  const char *message = sqlite3_errmsg(sql->db);
  switch (code & 0xff) {
  case SQLITE_NOTADB: return sb_fail(error, SB_STORE, "the file is not an SQLite database");
  case SQLITE_CORRUPT: return sb_fail(error, SB_STORE, "%s", message);
  case SQLITE_LOCKED:
    return sb_fail(error, SB_BUSY, "another statement is using the table (%s); end it first", message);
  case SQLITE_CANTOPEN: return sb_fail(error, SB_INVALID, "the database cannot be opened: %s", message);
  case SQLITE_CONSTRAINT: return sb_fail(error, constraint_status(sqlite3_extended_errcode(sql->db)), "%s", message);
  }
  sb_status status = sb_status_of_sqlite(code, sqlite3_system_errno(sql->db));
  if (status != SB_STORE) return sb_fail_sqlite(error, status, "the database", message);
  return sb_fail(error, SB_INVALID, "%s%s", message, table_hint(sql, message)); /* the statement is wrong */
}

static sb_status would_write(sb_error *error) {
  return sb_fail(error, SB_READ_ONLY, "the statement would change data, and this session is read-only; use --write");
}

static sb_status refused(const sb_sql *sql, sb_error *error) {
  if (sql->refused == REFUSED_WRITE || !sql->write) return would_write(error);
  return sb_fail(
      error, SB_INVALID,
      "a session over the gallery keeps no tables or indexes of its own; use --db FILE, or ATTACH a file and "
      "name its schema, or CREATE TEMP TABLE");
}

/* ---- Opening */

/* Whether an action changes the schema of the database named `schema`, other than that of temporary tables. */
static bool changes_schema(int action) {
  switch (action) {
  case SQLITE_CREATE_INDEX:
  case SQLITE_CREATE_TABLE:
  case SQLITE_CREATE_TRIGGER:
  case SQLITE_CREATE_VIEW:
  case SQLITE_CREATE_VTABLE:
  case SQLITE_DROP_INDEX:
  case SQLITE_DROP_TABLE:
  case SQLITE_DROP_TRIGGER:
  case SQLITE_DROP_VIEW:
  case SQLITE_DROP_VTABLE:
  case SQLITE_ALTER_TABLE: return true;
  default: return false;
  }
}

/* Refuses what SQLite counts as reading although it creates files (other writes are refused by
 * sqlite3_stmt_readonly), and tables of one's own beside the gallery's: their databases are in memory, so a table would
 * be lost at the session's end. */
static int authorize(void *context, int action, const char *a, const char *b, const char *c, const char *d) {
  sb_sql *sql = context;
  (void)b, (void)d;
  const char *schema = action == SQLITE_ALTER_TABLE ? a : c;
  bool in_memory = sql->gallery && schema && (!strcmp(schema, "main") || !strcmp(schema, SB_SQL_GALLERY_SCHEMA));
  if (in_memory && changes_schema(action)) return sql->refused = REFUSED_SCHEMA, SQLITE_DENY;
  if (sql->write || sql->attaching || (action != SQLITE_ATTACH && action != SQLITE_DETACH)) return SQLITE_OK;
  return sql->refused = REFUSED_WRITE, SQLITE_DENY;
}

static sb_status open_database(sb_sql *sql, const char *path, sb_error *error) {
  bool memory = !path;
  int flags = memory || sql->write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  int code = sqlite3_open_v2(memory ? ":memory:" : path, &sql->db,
                             flags | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
  if (!sql->write && path && access(path, F_OK))
    return sb_fail(error, SB_INVALID, "there is no file %s; to make it, allow writing (--write)", path);
  if (code != SQLITE_OK) return sql->db ? failed(sql, code, error) : sb_fail(error, SB_NO_MEMORY, "out of memory");
  sqlite3_busy_timeout(sql->db, BUSY_MS);
  sqlite3_db_config(sql->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(sql->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  sqlite3_db_config(sql->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL); /* an unknown "name" is an error, not a text */
  sqlite3_db_config(sql->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
  code = sb_sql_register(sql->db);
  /* The first read shows whether the file is a database. */
  if (code == SQLITE_OK) code = sqlite3_exec(sql->db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
  return code == SQLITE_OK ? SB_OK : failed(sql, code, error);
}

static sb_status open_session(sb_sql *sql, const sb_sql_options *options, sb_error *error) {
  sql->write = options->write;
  sql->engine = options->engine;
  if (options->database && !(sql->path = sb_strdup(options->database, error))) return SB_NO_MEMORY;
  sb_status status = open_database(sql, options->database, error);
  sql->gallery = sql->engine && !options->database;
  if (status == SB_OK && sql->gallery)
    status = sb_sql_gallery_attach(sql->db, sql->engine, options->collection, sql->write, sql->model, error);
  if (status != SB_OK) return status;
  sql->embedder = (sb_sql_embedder){sql->engine, sql->model};
  int code = sb_sql_register_session_functions(sql->db, &sql->embedder);
  if (code != SQLITE_OK) return failed(sql, code, error);
  sqlite3_set_authorizer(sql->db, authorize, sql);
  return status;
}

sb_status sb_sql_open(const sb_sql_options *options, sb_sql **out, sb_error *error) {
  if (options->struct_size != sizeof *options) return sb_fail(error, SB_MISUSE, "struct_size is not set");
  sb_sql *sql = sb_alloc(1, sizeof *sql, error);
  if (!sql) return SB_NO_MEMORY;
  sb_status status = open_session(sql, options, error);
  if (status == SB_OK)
    *out = sql;
  else
    sb_sql_close(sql);
  return status;
}

void sb_sql_close(sb_sql *sql) {
  if (!sql) return;
  sqlite3_close(sql->db);
  free(sql->path);
  for (index_name *i = sql->indexes, *next; i; i = next) {
    next = i->next;
    free(i->name);
    free(i);
  }
  free(sql);
}

/* ---- Statements */

static bool message_begins(const sb_sql *sql, const char *start) {
  return !strncmp(sqlite3_errmsg(sql->db), start, strlen(start));
}

/* Compiles the fast form; if it does not compile, the plain form. Without either the text goes to SQLite as it is. */
static int compile_forms(sb_sql_statement *statement, const char *text, const char **tail) {
  const sb_sql_dialect *dialect = &statement->dialect;
  sqlite3 *db = statement->sql->db;
  int code = SQLITE_ERROR;
  if (dialect->fast) code = sqlite3_prepare_v2(db, dialect->fast, -1, &statement->raw, tail);
  if (code == SQLITE_OK) return code;
  /* An upsert becomes INSERT OR REPLACE for a virtual table only: elsewhere its error is the user's. */
  if (dialect->fast && dialect->missing && !message_begins(statement->sql, "UPSERT not implemented")) return code;
  if (dialect->plain) return sqlite3_prepare_v2(db, dialect->plain, -1, &statement->raw, tail);
  size_t size = dialect->size ? dialect->size : strlen(text);
  return sqlite3_prepare_v2(db, text, size < INT32_MAX ? (int)size : INT32_MAX, &statement->raw, tail);
}

/* INSERT OR REPLACE sets a column that the statement does not give to NULL, where an upsert leaves it as it is. */
static sb_status check_upsert(sb_sql_statement *statement, sb_error *error) {
  const char *missing = statement->dialect.missing;
  sqlite3_stmt *columns = NULL;
  sb_status status = SB_OK;
  const char *sql = sqlite3_sql(statement->raw);
  if (!missing || strncmp(sql, statement->dialect.plain, strlen(sql)) != 0) return SB_OK; /* the fast form */
  int code = sqlite3_prepare_v2(statement->sql->db, missing, -1, &columns, NULL);
  if (code == SQLITE_OK) code = sqlite3_step(columns);
  if (code == SQLITE_ROW)
    status =
        sb_fail(error, SB_INVALID,
                "INSERT OR UPDATE of a table of vectors gives every column, and %s is missing; give it too, or use "
                "UPDATE",
                (const char *)sqlite3_column_text(columns, 0));
  else if (code != SQLITE_DONE)
    status = failed(statement->sql, code, error);
  sqlite3_finalize(columns);
  return status;
}

static sb_status remember_index(sb_sql *sql, char **name, sb_error *error) {
  index_name *entry = sb_alloc(1, sizeof *entry, error);
  if (!entry) return SB_NO_MEMORY;
  *entry = (index_name){sql->indexes, *name};
  *name = NULL;
  sql->indexes = entry;
  return SB_OK;
}

/* False: no statement of this session named it. */
static bool forget_index(sb_sql *sql, const char *name) {
  index_name **at = &sql->indexes;
  while (*at && strcmp((*at)->name, name)) at = &(*at)->next;
  index_name *found = *at;
  if (!found) return false;
  *at = found->next;
  free(found->name);
  free(found);
  return true;
}

/* DROP INDEX of an index that SQLite does not have: that of a vector column, of the table that the statement names, or
 * that an earlier CREATE INDEX named. */
static int compile_notice(sb_sql_statement *statement, int code) {
  static const char stays[] = "SELECT '" SB_SQL_INDEX_STAYS "' AS notice";
  sb_sql *sql = statement->sql;
  const sb_sql_dialect *dialect = &statement->dialect;
  bool known = dialect->index == SB_SQL_DIALECT_DROP_INDEX && message_begins(sql, "no such index");
  if (!known || (!dialect->notice && !forget_index(sql, dialect->index_name))) return code;
  int noticed = sqlite3_prepare_v2(sql->db, dialect->notice ? dialect->notice : stays, -1, &statement->raw, NULL);
  return noticed == SQLITE_OK ? noticed : code;
}

/* Compiles again for as long as a schema was missing and could be attached. */
static int compile_with_schemas(sb_sql_statement *statement, const char *text, const char **tail) {
  sb_sql *sql = statement->sql;
  int code = compile_forms(statement, text, tail);
  for (bool attached = true; code != SQLITE_OK && sql->path && attached;) {
    sql->attaching = true;
    attached = sb_sql_attach_missing_schema(sql->db, sql->path, sql->write);
    sql->attaching = false;
    code = compile_forms(statement, text, tail); /* also gives the message again */
  }
  return code;
}

/* Why a statement did not compile. */
static sb_status compile_failed(sb_sql_statement *statement, const char *text, int code, sb_error *error) {
  sb_sql *sql = statement->sql;
  if (sql->refused) return refused(sql, error);
  if (statement->dialect.index == SB_SQL_DIALECT_CREATE_INDEX && !message_begins(sql, "no such table"))
    return sb_fail(error, SB_INVALID,
                   "there is no index to create: the table has no such vector column; CREATE TABLE t (v VECTOR(FLOAT, "
                   "512)) makes one");
  if (statement->dialect.index == SB_SQL_DIALECT_DROP_INDEX && message_begins(sql, "no such column"))
    return sb_fail(error, SB_INVALID, "no such index: %s", statement->dialect.index_name);
  if (message_begins(sql, "UPSERT not implemented"))
    return sb_fail(error, SB_INVALID,
                   "a table of vectors takes ON CONFLICT (key) DO UPDATE only where each column of the list is set to "
                   "EXCLUDED's; otherwise use INSERT OR REPLACE or UPDATE");
  if (is_quoted_text(sqlite3_errmsg(sql->db), text))
    return sb_fail(error, SB_INVALID, "%s; a text is written in single quotes", sqlite3_errmsg(sql->db));
  return failed(sql, code, error);
}

static sb_status compile(sb_sql_statement *statement, const char *text, const char **rest, sb_error *error) {
  sb_sql *sql = statement->sql;
  sb_sql_dialect *dialect = &statement->dialect;
  const char *tail = NULL;
  sql->refused = NOT_REFUSED;
  int code = compile_with_schemas(statement, text, &tail);
  if (code != SQLITE_OK) code = compile_notice(statement, code);
  if (code != SQLITE_OK) return compile_failed(statement, text, code, error);
  if (rest) *rest = dialect->size ? text + dialect->size : tail;
  if (statement->raw && !sql->write && !sqlite3_stmt_readonly(statement->raw)) return would_write(error);
  sb_status status = check_upsert(statement, error);
  if (status != SB_OK) return status;
  bool named = dialect->index == SB_SQL_DIALECT_CREATE_INDEX && dialect->index_name;
  return named ? remember_index(sql, &dialect->index_name, error) : SB_OK;
}

sb_status sb_sql_prepare(sb_sql *sql, const char *text, const char **rest, sb_sql_statement **out, sb_error *error) {
  sb_sql_statement *statement = sb_alloc(1, sizeof *statement, error);
  if (!statement) return SB_NO_MEMORY;
  statement->sql = sql;
  sb_status status = sb_sql_dialect_read(text, &statement->dialect, error);
  if (status == SB_OK) status = compile(statement, text, rest, error);
  bool empty = status == SB_OK && !statement->raw;
  if (status != SB_OK || empty) {
    sb_sql_finalize(statement);
    statement = NULL;
  }
  if (status == SB_OK) *out = statement;
  return status;
}

void sb_sql_finalize(sb_sql_statement *statement) {
  if (!statement) return;
  sqlite3_finalize(statement->raw);
  sb_sql_dialect_free(&statement->dialect);
  free(statement);
}

/* ---- Parameters */

int sb_sql_parameter_count(sb_sql_statement *statement) {
  return statement->dialect.parameters;
}

int sb_sql_parameter(sb_sql_statement *statement, const char *name) {
  bool marked = *name && strchr(":@$", *name);
  for (int i = 0; i < statement->dialect.parameters; i++) {
    const char *own = statement->dialect.names[i];
    if (own && !strcmp(marked ? own : own + 1, name)) return i + 1;
  }
  return 0;
}

const char *sb_sql_parameter_name(sb_sql_statement *statement, int parameter) {
  bool in_range = parameter >= 1 && parameter <= statement->dialect.parameters;
  return in_range ? statement->dialect.names[parameter - 1] : NULL;
}

static sb_status bound(sb_sql_statement *statement, int code, sb_error *error) {
  switch (code & 0xff) {
  case SQLITE_OK: return SB_OK;
  case SQLITE_RANGE: return sb_fail(error, SB_INVALID, "the statement has no parameter of this number");
  case SQLITE_MISUSE:
    return sb_fail(error, SB_MISUSE, "a parameter was bound while rows are being read; call sb_sql_reset first");
  default: return failed(statement->sql, code, error);
  }
}

sb_status sb_sql_bind_null(sb_sql_statement *statement, int parameter, sb_error *error) {
  return bound(statement, sqlite3_bind_null(statement->raw, parameter), error);
}

sb_status sb_sql_bind_int(sb_sql_statement *statement, int parameter, int64_t value, sb_error *error) {
  return bound(statement, sqlite3_bind_int64(statement->raw, parameter, value), error);
}

sb_status sb_sql_bind_real(sb_sql_statement *statement, int parameter, double value, sb_error *error) {
  return bound(statement, sqlite3_bind_double(statement->raw, parameter, value), error);
}

sb_status sb_sql_bind_text(sb_sql_statement *statement, int parameter, const char *text, sb_error *error) {
  return bound(statement, sqlite3_bind_text(statement->raw, parameter, text, -1, SQLITE_TRANSIENT), error);
}

sb_status sb_sql_bind_blob(sb_sql_statement *statement, int parameter, const void *bytes, size_t size,
                           sb_error *error) {
  return bound(statement, sqlite3_bind_blob64(statement->raw, parameter, size ? bytes : "", size, SQLITE_TRANSIENT),
               error);
}

sb_status sb_sql_bind_vector(sb_sql_statement *statement, int parameter, const float *values, size_t dim,
                             sb_error *error) {
  if (dim < 1 || dim > SB_SQL_DIM_MAX)
    return sb_fail(error, SB_INVALID, "vector length: a vector has 1 to %d elements", SB_SQL_DIM_MAX);
  size_t size;
  uint8_t *blob = sb_sql_value_blob_of_floats(values, dim, &size, error);
  if (!blob) return SB_NO_MEMORY;
  return bound(statement, sqlite3_bind_blob64(statement->raw, parameter, blob, size, free), error);
}

sb_status sb_sql_bind_photo(sb_sql_statement *statement, int parameter, sb_photo photo, sb_error *error) {
  const sb_sql *sql = statement->sql;
  uint8_t *blob = NULL;
  size_t size = 0;
  if (!sql->engine)
    return sb_fail(error, SB_MISUSE, "the session was opened without an engine, so it cannot read photos");
  sb_status status = sb_sql_embed_photo(sql->engine, photo, sql->model, &blob, &size, error);
  if (status != SB_OK) return status;
  return bound(statement, sqlite3_bind_blob64(statement->raw, parameter, blob, size, free), error);
}

/* ---- Rows */

sb_status sb_sql_step(sb_sql_statement *statement, bool *row, sb_error *error) {
  int code = sqlite3_step(statement->raw);
  if (code == SQLITE_ROW || code == SQLITE_DONE) {
    *row = code == SQLITE_ROW;
    if (code == SQLITE_DONE) sqlite3_reset(statement->raw);
    return SB_OK;
  }
  sb_status status = failed(statement->sql, code, error);
  sqlite3_reset(statement->raw);
  return status;
}

void sb_sql_reset(sb_sql_statement *statement) {
  sqlite3_reset(statement->raw);
}

int sb_sql_column_count(sb_sql_statement *statement) {
  return sqlite3_column_count(statement->raw);
}

const char *sb_sql_column_name(sb_sql_statement *statement, int column) {
  return sqlite3_column_name(statement->raw, column);
}

sb_sql_type sb_sql_column_type(sb_sql_statement *statement, int column) {
  switch (sqlite3_column_type(statement->raw, column)) {
  case SQLITE_INTEGER: return SB_SQL_INT;
  case SQLITE_FLOAT: return SB_SQL_REAL;
  case SQLITE_TEXT: return SB_SQL_TEXT;
  case SQLITE_BLOB: return SB_SQL_BLOB;
  default: return SB_SQL_NULL;
  }
}

int64_t sb_sql_column_int(sb_sql_statement *statement, int column) {
  return sqlite3_column_int64(statement->raw, column);
}

double sb_sql_column_real(sb_sql_statement *statement, int column) {
  return sqlite3_column_double(statement->raw, column);
}

const char *sb_sql_column_text(sb_sql_statement *statement, int column, size_t *size) {
  const char *text = (const char *)sqlite3_column_text(statement->raw, column);
  if (size) *size = (size_t)sqlite3_column_bytes(statement->raw, column);
  return text;
}

const void *sb_sql_column_blob(sb_sql_statement *statement, int column, size_t *size) {
  const void *bytes = sqlite3_column_blob(statement->raw, column);
  if (size) *size = (size_t)sqlite3_column_bytes(statement->raw, column);
  return bytes;
}

/* Tagged blobs only: any bytes of the right length could be an untyped vector. */
char *sb_sql_column_vector(sb_sql_statement *statement, int column) {
  sb_sql_value value = {0};
  sb_buffer text = {0};
  const void *bytes = sqlite3_column_blob(statement->raw, column);
  size_t size = (size_t)sqlite3_column_bytes(statement->raw, column);
  if (sqlite3_column_type(statement->raw, column) != SQLITE_BLOB) return NULL;
  if (sb_sql_value_read_blob(bytes ? bytes : "", size, &value, NULL) != SB_OK || !value.element) return NULL;
  if (sb_sql_value_write_text(&value, &text, NULL) == SB_OK) return text.bytes;
  sb_buffer_free(&text);
  return NULL;
}

bool sb_sql_complete(const char *text) {
  return sqlite3_complete(text) == 1;
}

int64_t sb_sql_changes(sb_sql *sql) {
  return sqlite3_changes64(sql->db);
}
