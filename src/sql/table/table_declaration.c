/* Parses the arguments of CREATE VIRTUAL TABLE t USING semblance(...). SQLite splits them at commas outside
 * parentheses and passes the text of each; this file reads the name, recognises columns of vectors, and leaves other
 * column types to SQLite. */
#include "sql/table/table_declaration.h"

#include "vector/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (unsigned char)c >= 0x80;
}

/* Reads a column's name, removes its quotes, and moves `*text` past it. NULL: there is no name, or out of memory. */
static char *read_name(const char **text, sb_error *error) {
  const char *p = *text;
  while (is_space(*p)) p++;
  char close = *p == '[' ? ']' : *p == '"' || *p == '`' ? *p : 0;
  char *name = sb_alloc(strlen(p) + 1, 1, error);
  size_t used = 0;
  if (!name) return NULL;
  if (close) {
    for (p++; *p && (*p != close || (p[1] == close && close != ']')); p++) {
      name[used++] = *p;
      p += *p == close;
    }
    if (*p) p++;
  } else {
    while (is_word(*p)) name[used++] = *p++;
  }
  *text = p;
  if (used) return name;
  free(name);
  sb_fail(error, SB_INVALID, "a column has no name; write for example: v FLOAT[512] metric=cosine, name TEXT");
  return NULL;
}

static bool word_is(const char *text, size_t size, const char *word) {
  return strlen(word) == size && !strncasecmp(text, word, size);
}

/* The length of the word at `p`; 0: there is none. */
static size_t word_length(const char *p) {
  size_t size = 0;
  while (is_word(p[size])) size++;
  return size;
}

/* Allows a type, NOT NULL, UNIQUE and COLLATE after a column's name: what the table T_rows can enforce by itself. */
static sb_status check_type(const char *type, const char *name, sb_error *error) {
  static const char *const refused[] = {"primary",    "references",    "check", "default", "generated", "as",
                                        "constraint", "autoincrement", "on",    "foreign", "hidden"};
  for (const char *p = type; *p;) {
    if (is_space(*p) || strchr("(),", *p)) {
      p++;
      continue;
    }
    size_t size = word_length(p);
    bool bad = !size;
    for (size_t i = 0; !bad && i < sizeof refused / sizeof *refused; i++) bad = word_is(p, size, refused[i]);
    if (bad)
      return sb_fail(error, SB_INVALID,
                     "column %s: only a type, NOT NULL, UNIQUE, PRIMARY KEY and COLLATE can follow a column's name",
                     name);
    p += size;
  }
  return SB_OK;
}

/* Finds PRIMARY KEY, or PARTITION KEY, in a column's type: text *at to *end. */
static bool find_key(const char *type, const char *kind, const char **at, const char **end) {
  for (const char *p = type; *p;) {
    size_t size = word_length(p);
    const char *key = p + size;
    while (is_space(*key)) key++;
    if (word_is(p, size, kind) && word_is(key, word_length(key), "key"))
      return *at = p, *end = key + strlen("key"), true;
    p += size ? size : 1;
  }
  return false;
}

static bool is_integer_type(const char *type) {
  static const char *const names[] = {"integer", "int", "bigint", "serial", "bigserial"};
  bool found = false;
  size_t size = word_length(type);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) found |= word_is(type, size, names[i]);
  for (type += size; *type; type++) found &= is_space(*type);
  return found;
}

/* Takes PRIMARY KEY out of the type of the last column. An integer key is another name of the rowid; other keys are
 * columns that are NOT NULL and UNIQUE. */
static sb_status read_primary_key(sb_sql_table_declaration *d, sb_error *error) {
  int column = d->columns - 1;
  const char *type = d->types[column], *at, *end;
  sb_buffer out = {0};
  if (!find_key(type, "primary", &at, &end)) return SB_OK;
  sb_status status = sb_buffer_addf(&out, error, "%.*s%s", (int)(at - type), type, end);
  if (status != SB_OK) return status;
  if (is_integer_type(out.bytes)) {
    if (d->key >= 0) {
      sb_buffer_free(&out);
      return sb_fail(error, SB_INVALID, "column %s: a table has one PRIMARY KEY", d->names[column]);
    }
    d->key = column;
  } else {
    status = sb_buffer_addf(&out, error, " NOT NULL UNIQUE");
  }
  free(d->types[column]);
  d->types[column] = out.bytes;
  return status;
}

/* Whether the column's type is "bit(1)", which is an ordinary type of other databases. */
static bool is_one_bit(const char *type) {
  int length = 0, end = 0;
  return sscanf(type, "%*3[bitBIT] ( %d )%n", &length, &end) == 1 && end && length < 2;
}

/* Reads "FLOAT[512]", IRIS's "VECTOR(DOUBLE, 512)" or pgvector's "VECTOR(512)", "HALFVEC(512)" and "BIT(512)", and
 * moves `*text` past it; false: the column has no vectors. A length that cannot be read gives 0, and a type NONE,
 * which the caller refuses. */
static bool read_vector_type(const char **text, size_t *dim, sb_sql_element *element) {
  const char *p = *text;
  while (is_space(*p)) p++;
  const char *type = p;
  size_t size = word_length(p);
  for (p += size; is_space(*p);) p++;
  bool half = word_is(type, size, "halfvec"), bit = word_is(type, size, "bit") && *p == '(' && !is_one_bit(type);
  bool vector = (half || bit || word_is(type, size, "vector")) && *p != '[', parentheses = vector && *p == '(';
  if (!vector && *p != '[') return false;
  *dim = 0;
  *element = half ? SB_SQL_ELEMENT_HALF : bit ? SB_SQL_ELEMENT_BIT : SB_SQL_ELEMENT_FLOAT;
  if (vector && !parentheses) return *text = p, true;
  for (p++; is_space(*p);) p++;
  if (parentheses && !(*p >= '0' && *p <= '9')) {
    type = p;
    size = word_length(p);
    for (p += size; is_space(*p) || *p == ',';) p++;
  } else if (parentheses) {
    size = 0; /* no type */
  }
  bool single = word_is(type, size, "float32") || word_is(type, size, "f32"); /* sqlite-vec's names */
  if (word_is(type, size, "i8"))
    *element = SB_SQL_ELEMENT_INT8;
  else if (size && !single && sb_sql_element_parse(type, size, element, NULL) != SB_OK)
    *element = SB_SQL_ELEMENT_NONE;
  char *end = NULL;
  if (*p >= '0' && *p <= '9') *dim = strtoull(p, &end, 10);
  if (end) p = end;
  while (is_space(*p)) p++;
  if (*p != (parentheses ? ')' : ']')) *dim = 0;
  *text = *p ? p + 1 : p;
  return true;
}

/* Moves `*text` past NOT NULL, if it stands there. */
static bool read_not_null(const char **text) {
  const char *p = *text;
  while (is_space(*p)) p++;
  size_t size = word_length(p);
  const char *null = p + size;
  while (is_space(*null)) null++;
  if (!word_is(p, size, "not") || !word_is(null, word_length(null), "null")) return false;
  *text = null + strlen("null");
  return true;
}

/* Reads "metric=l2", or sqlite-vec's "distance_metric=L2", before or after NOT NULL. */
static sb_status read_metric(const char *text, const char *name, sb_sql_metric *metric, bool *not_null,
                             sb_error *error) {
  *not_null = read_not_null(&text);
  while (is_space(*text)) text++;
  if (!*text) return SB_OK;
  size_t size = word_length(text);
  bool known = word_is(text, size, "metric") || word_is(text, size, "distance_metric");
  for (text += size; is_space(*text);) text++;
  known &= *text == '=';
  for (text += known; is_space(*text);) text++;
  size = word_length(text);
  const char *end = text + size;
  *not_null |= read_not_null(&end);
  while (is_space(*end)) end++;
  for (int i = 0; known && !*end && i < SB_SQL_METRICS; i++)
    if (word_is(text, size, sb_sql_metric_name((sb_sql_metric)i))) return *metric = (sb_sql_metric)i, SB_OK;
  return sb_fail(
      error, SB_INVALID,
      "column %s: only NOT NULL and metric=cosine, dot, l2 or l1, or for bits hamming or jaccard, can follow "
      "the vector's type",
      name);
}

static sb_status check_name(const char *name, const char *table, sb_error *error) {
  static const char *const taken[] = {"distance", "similarity", "k", "rowid", SB_SQL_RANK_COLUMN};
  bool bad = !strcasecmp(name, table);
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) bad |= !strcasecmp(name, taken[i]);
  if (!bad) return SB_OK;
  return sb_fail(error, SB_INVALID,
                 "column %s: choose another name; distance, similarity, k, rowid and the table's name are reserved",
                 name);
}

/* Metrics of bits and of numbers do not mix. */
static sb_status check_metric(const sb_sql_vector_column *vector, const char *name, sb_error *error) {
  bool bits = vector->element == SB_SQL_ELEMENT_BIT;
  if (sb_sql_metric_is_of_bits(vector->metric) == bits) return SB_OK;
  return sb_fail(error, SB_INVALID, "column %s: %s", name,
                 bits ? "vectors of bits have metric=hamming or metric=jaccard"
                      : "metric=hamming and metric=jaccard are for vectors of bits");
}

static sb_status read_vector_column(const char *text, const char *name, sb_sql_vector_column *vector, sb_error *error) {
  if (!vector->element)
    return sb_fail(error, SB_INVALID,
                   "column %s: the elements of a vector are FLOAT, DOUBLE, DECIMAL, INTEGER, HALF, INT8 or BIT", name);
  vector->metric = vector->element == SB_SQL_ELEMENT_BIT ? SB_SQL_METRIC_HAMMING : SB_SQL_METRIC_COSINE;
  sb_status status = read_metric(text, name, &vector->metric, &vector->not_null, error);
  if (status == SB_OK) status = check_metric(vector, name, error);
  if (status != SB_OK) return status;
  size_t max =
      vector->metric == SB_SQL_METRIC_L2 ? SB_DIM_MAX - 1 : SB_DIM_MAX; /* L2 adds one element (index_cache.c) */
  if (vector->element == SB_SQL_ELEMENT_BIT) max = SB_SQL_DIM_MAX;      /* no index has them */
  if (vector->dim >= 1 && vector->dim <= max) return SB_OK;
  return sb_fail(error, SB_INVALID,
                 "vector length: column %s can have 1 to %zu elements; write for example VECTOR(FLOAT, 512)", name,
                 max);
}

/* Takes sqlite-vec's PARTITION KEY out of the type of the last column. */
static void read_partition_key(sb_sql_table_declaration *d) {
  char *type = d->types[d->columns - 1];
  const char *at, *end;
  if (!find_key(type, "partition", &at, &end)) return;
  memmove(type + (at - type), end, strlen(end) + 1);
  d->partition[d->columns - 1] = true;
}

/* Reads the last column if it has vectors. */
static sb_status read_vector(const char **text, bool *found, sb_sql_table_declaration *d, sb_error *error) {
  sb_sql_vector_column vector = {.column = d->columns - 1};
  const char *name = d->names[d->columns - 1];
  *found = read_vector_type(text, &vector.dim, &vector.element);
  if (!*found) return SB_OK;
  if (d->vector_count == SB_SQL_TABLE_VECTORS_MAX)
    return sb_fail(error, SB_INVALID, "column %s: a table has up to %d columns of vectors", name,
                   SB_SQL_TABLE_VECTORS_MAX);
  sb_status status = read_vector_column(*text, name, &vector, error);
  if (status == SB_OK) d->vectors[d->vector_count++] = vector;
  return status;
}

static sb_status read_column(const char *text, const char *table, sb_sql_table_declaration *d, sb_error *error) {
  bool vector = false;
  while (is_space(*text)) text++;
  text += *text == '+'; /* sqlite-vec's mark of a column that has no part in its searches; here every column may have */
  char *name = read_name(&text, error);
  if (!name) return error && error->code == SB_NO_MEMORY ? SB_NO_MEMORY : SB_INVALID;
  d->names[d->columns++] = name; /* counted at once, so that it is freed whatever follows */
  sb_status status = check_name(name, table, error);
  if (status != SB_OK) return status;
  while (is_space(*text)) text++;
  status = read_vector(&text, &vector, d, error);
  if (status != SB_OK) return status;
  d->types[d->columns - 1] = sb_strdup(vector ? "" : text, error);
  if (!d->types[d->columns - 1]) return SB_NO_MEMORY;
  if (vector) return SB_OK;
  read_partition_key(d);
  status = read_primary_key(d, error);
  return status == SB_OK ? check_type(d->types[d->columns - 1], name, error) : status;
}

/* Whether the argument is sqlite-vec's option chunk_size=N: how its rows are stored, which has no meaning here. */
static bool is_option(const char *text) {
  while (is_space(*text)) text++;
  size_t size = word_length(text);
  bool option = word_is(text, size, "chunk_size");
  for (text += size; is_space(*text);) text++;
  return option && *text == '=';
}

sb_status sb_sql_table_declaration_read(int count, const char *const *arguments, const char *table,
                                        sb_sql_table_declaration *out, sb_error *error) {
  if (count < 1 || count > SB_SQL_TABLE_COLUMNS_MAX)
    return sb_fail(error, SB_INVALID,
                   "a table has 1 to %d columns; write for example: v FLOAT[512] metric=cosine, name TEXT",
                   SB_SQL_TABLE_COLUMNS_MAX);
  sb_sql_table_declaration d = {.key = -1,
                                .names = sb_alloc((size_t)count, sizeof *d.names, error),
                                .types = sb_alloc((size_t)count, sizeof *d.types, error),
                                .partition = sb_alloc((size_t)count, sizeof *d.partition, error)};
  sb_status status = d.names && d.types && d.partition ? SB_OK : SB_NO_MEMORY;
  for (int i = 0; status == SB_OK && i < count; i++)
    if (!is_option(arguments[i])) status = read_column(arguments[i], table, &d, error);
  if (status == SB_OK && !d.vector_count)
    status =
        sb_fail(error, SB_INVALID, "the table has no vector column; add one, for example: v FLOAT[512] metric=cosine");
  if (status == SB_OK)
    *out = d;
  else
    sb_sql_table_declaration_free(&d);
  return status;
}

void sb_sql_table_declaration_free(sb_sql_table_declaration *d) {
  for (int i = 0; d->names && i < d->columns; i++) free(d->names[i]);
  for (int i = 0; d->types && i < d->columns; i++) free(d->types[i]);
  free(d->names);
  free(d->types);
  free(d->partition);
  *d = (sb_sql_table_declaration){0};
}

int sb_sql_table_declaration_vector(const sb_sql_table_declaration *d, int column) {
  for (int i = 0; i < d->vector_count; i++)
    if (d->vectors[i].column == column) return i;
  return -1;
}

bool sb_sql_table_declaration_in_rows(const sb_sql_table_declaration *d, int column) {
  return column != d->key && sb_sql_table_declaration_vector(d, column) < 0;
}

bool sb_sql_table_declaration_is_unique(const sb_sql_table_declaration *d, int column) {
  for (const char *p = d->types[column]; *p;) {
    size_t size = 0;
    while (is_word(p[size])) size++;
    if (word_is(p, size, "unique")) return true; /* check_type lets the word stand for nothing else */
    p += size ? size : 1;
  }
  return false;
}

/* Appends a name in double quotes. */
static sb_status add_quoted(sb_buffer *out, const char *name, sb_error *error) {
  sb_status status = sb_buffer_add(out, "\"", 1, error);
  for (; status == SB_OK && *name; name++)
    status = sb_buffer_add(out, *name == '"' ? "\"\"" : name, *name == '"' ? 2 : 1, error);
  return status == SB_OK ? sb_buffer_add(out, "\"", 1, error) : status;
}

sb_status sb_sql_table_declaration_sql(const sb_sql_table_declaration *d, const char *table, sb_buffer *out,
                                       sb_error *error) {
  static const char *const elements[] = {"", "FLOAT", "DOUBLE", "DECIMAL", "INTEGER", "INT8", "BIT", "HALF"};
  sb_status status = sb_buffer_addf(out, error, "CREATE TABLE x(");
  if (status != SB_OK) return status;
  for (int i = 0; i < d->columns; i++) {
    status = add_quoted(out, d->names[i], error);
    int number = sb_sql_table_declaration_vector(d, i);
    if (status == SB_OK && number >= 0)
      status =
          sb_buffer_addf(out, error, " VECTOR %s(%zu), ", elements[d->vectors[number].element], d->vectors[number].dim);
    else if (status == SB_OK)
      status = sb_buffer_addf(out, error, " %s, ", d->types[i]);
    if (status != SB_OK) return status;
  }
  status = sb_buffer_addf(out, error,
                          "distance REAL HIDDEN, similarity REAL HIDDEN, k INTEGER HIDDEN, \"%s\" INTEGER HIDDEN, ",
                          SB_SQL_RANK_COLUMN);
  if (status == SB_OK) status = add_quoted(out, table, error);
  return status == SB_OK ? sb_buffer_addf(out, error, " TEXT HIDDEN)") : status;
}
