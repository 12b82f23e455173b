/* Writing a gallery's table: INSERT, UPDATE and DELETE are checked here and become pending changes; sync makes them
 * when the transaction ends. */
#include "engine/face_rows.h"
#include "sql/error.h"
#include "sql/gallery/gallery_table.h"
#include "sql/gallery/methods.h"
#include "sql/vectors/argument.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_null(sqlite3_value *value) {
  return sqlite3_value_type(value) == SQLITE_NULL;
}

/* ---- Texts and attributes */

/* Copies a text of 1 to `max` bytes. NULL: `error` says why. */
static char *copy_text(sqlite3_value *value, size_t max, const char *field, sb_error *error) {
  const char *text = (const char *)sqlite3_value_text(value);
  if (!text || sqlite3_value_type(value) == SQLITE_BLOB) {
    sb_fail(error, SB_INVALID, "the %s is missing; give it as text", field);
    return NULL;
  }
  return sb_text_check(text, max, field, error) == SB_OK ? sb_strdup(text, error) : NULL;
}

static bool is_word(const char *text, const char *const *words) {
  for (; *words; words++)
    if (!strcasecmp(text, *words)) return true;
  return false;
}

static sb_status read_age(sqlite3_value *value, sb_attributes *out, sb_error *error) {
  enum { AGE_MAX = 150 };
  if (is_null(value)) return SB_OK;
  double age = sqlite3_value_double(value);
  int type = sqlite3_value_numeric_type(value);
  if ((type != SQLITE_INTEGER && type != SQLITE_FLOAT) || !(age >= 0 && age <= AGE_MAX))
    return sb_fail(error, SB_INVALID, "an age is a number from 0 to %d, or NULL", AGE_MAX);
  out->age = (float)age;
  return SB_OK;
}

static sb_status read_gender(sqlite3_value *value, sb_attributes *out, sb_error *error) {
  static const char *const man[] = {"man", "male", "m", NULL}, *const woman[] = {"woman", "female", "f", NULL};
  const char *text = (const char *)sqlite3_value_text(value);
  if (is_null(value)) return SB_OK;
  if (!text || (!is_word(text, man) && !is_word(text, woman)))
    return sb_fail(error, SB_INVALID, "a gender is Man, Woman or NULL; other values cannot be stored");
  out->man = is_word(text, man);
  out->woman = 1 - out->man;
  return SB_OK;
}

/* Compares with a name of sb_ethnicity_name; the text may have spaces and capitals: "Latino hispanic". */
static bool is_ethnicity(const char *name, const char *text) {
  for (; *name && *text; name++, text++)
    if (*name != (*text == ' ' ? '_' : (*text | 0x20)) && *name != *text) return false;
  return !*name && !*text;
}

static sb_status unknown_ethnicity(sb_error *error) {
  char known[160] = "";
  for (int i = 0; i < SB_ETHNICITIES; i++) {
    strncat(known, sb_ethnicity_name(i), sizeof known - strlen(known) - 3);
    strcat(known, ", ");
  }
  return sb_fail(error, SB_INVALID, "an ethnicity is one of %sor NULL; other values cannot be stored", known);
}

static sb_status read_ethnicity(sqlite3_value *value, sb_attributes *out, sb_error *error) {
  const char *text = (const char *)sqlite3_value_text(value);
  if (is_null(value)) return SB_OK;
  for (int i = 0; i < SB_ETHNICITIES; i++) {
    if (!text || !is_ethnicity(sb_ethnicity_name(i), text)) continue;
    for (int j = 0; j < SB_ETHNICITIES; j++) out->ethnicity[j] = i == j;
    out->ethnicity_dominant = i;
    return SB_OK;
  }
  return unknown_ethnicity(error);
}

/* Reads the attributes that p->described names; the others are unknown. */
static sb_status read_attributes(sqlite3_value **columns, sb_sql_pending *p, sb_error *error) {
  sb_attributes *a = &p->attributes;
  sb_status status = SB_OK;
  *a = (sb_attributes){.age = -1, .man = -1, .woman = -1};
  for (int i = 0; i < SB_ETHNICITIES; i++) a->ethnicity[i] = -1;
  if (p->described & SB_DESCRIBE_AGE) status = read_age(columns[SB_SQL_GALLERY_AGE], a, error);
  if (status != SB_OK) return status;
  if (p->described & SB_DESCRIBE_GENDER) status = read_gender(columns[SB_SQL_GALLERY_GENDER], a, error);
  if (status != SB_OK) return status;
  return p->described & SB_DESCRIBE_ETHNICITY ? read_ethnicity(columns[SB_SQL_GALLERY_ETHNICITY], a, error) : SB_OK;
}

/* The attributes whose columns have or lack a property: the SB_DESCRIBE_... of those for which `skip` is false. */
static unsigned attributes_but(sqlite3_value **columns, bool (*skip)(sqlite3_value *)) {
  return (skip(columns[SB_SQL_GALLERY_AGE]) ? 0 : SB_DESCRIBE_AGE) |
         (skip(columns[SB_SQL_GALLERY_GENDER]) ? 0 : SB_DESCRIBE_GENDER) |
         (skip(columns[SB_SQL_GALLERY_ETHNICITY]) ? 0 : SB_DESCRIBE_ETHNICITY);
}

static bool is_unchanged(sqlite3_value *value) {
  return sqlite3_value_nochange(value);
}

/* ---- INSERT */

/* Reads the template. The first one makes the default collection, so it is looked up after the vector has been read. */
static sb_status read_vector(const sb_sql_gallery_table *table, sqlite3_value *argument, sb_sql_pending *p,
                             sb_error *error) {
  sb_store_collection collection;
  sb_status status = sb_sql_floats_of_argument(argument, &p->vector, &p->dim, error);
  if (status != SB_OK) return status;
  status = sb_engine_collection(table->engine, table->collection, true, &collection, error);
  if (status == SB_OK)
    status = sb_sql_check_length(table->name, table->vector_name, collection.info.dim, p->dim, error);
  if (status != SB_OK) return status;
  if (!sb_sql_floats_are_zero(p->vector, p->dim)) return SB_OK;
  return sb_fail(error, SB_INVALID, "vector element: all elements are zero; a template needs a direction");
}

/* Checks that an id is free, with the pending changes made. */
static sb_status check_free(const sb_sql_gallery_table *table, const char *id, sb_error *error) {
  sb_store_collection collection;
  int64_t row;
  sb_status status = sb_engine_collection(table->engine, table->collection, false, &collection, error);
  if (status != SB_OK) return status;
  status = sb_engine_person_row(table->engine, collection.row, id, &row, error);
  if (status != SB_OK && status != SB_NOT_FOUND) return status;
  int claim = sb_sql_pending_claims(&table->pending, id);
  bool taken = claim > 0 || (claim == 0 && status == SB_OK);
  return taken ? sb_fail(error, SB_EXISTS, "a person with this id is registered already; UPDATE changes that person")
               : SB_OK;
}

static sb_status read_new_person(const sb_sql_gallery_table *table, sqlite3_value **columns, sb_sql_pending *p,
                                 sb_error *error) {
  p->id = copy_text(columns[SB_SQL_GALLERY_ID], SB_ID_MAX, "id", error);
  if (!p->id) return error->code;
  p->name = copy_text(columns[SB_SQL_GALLERY_NAME], SB_NAME_MAX, "name", error);
  if (!p->name) return error->code;
  sb_status status = check_free(table, p->id, error);
  if (status != SB_OK) return status;
  p->described = attributes_but(columns, is_null);
  status = read_attributes(columns, p, error);
  return status == SB_OK ? read_vector(table, columns[SB_SQL_GALLERY_VECTOR], p, error) : status;
}

static sb_status insert(sb_sql_gallery_table *table, sqlite3_value *row, sqlite3_value **columns, sb_error *error) {
  sb_sql_pending p = {.kind = SB_SQL_PENDING_ENROLL};
  if (!is_null(row)) return sb_fail(error, SB_INVALID, "%s chooses the rowid itself; leave it out", table->name);
  sb_status status = read_new_person(table, columns, &p, error);
  if (status == SB_OK) return sb_sql_pending_add(&table->pending, &p, error);
  sb_sql_pending_free(&p);
  return status;
}

/* ---- UPDATE */

static sb_status rename_person(sb_sql_gallery_table *table, const char *id, sqlite3_value *name, sb_error *error) {
  sb_sql_pending p = {.kind = SB_SQL_PENDING_RENAME, .id = sb_strdup(id, error)};
  p.name = p.id ? copy_text(name, SB_NAME_MAX, "name", error) : NULL;
  if (p.name) return sb_sql_pending_add(&table->pending, &p, error);
  sb_sql_pending_free(&p);
  return error->code;
}

static sb_status describe(sb_sql_gallery_table *table, const char *id, sqlite3_value **columns, unsigned described,
                          sb_error *error) {
  sb_sql_pending p = {.kind = SB_SQL_PENDING_DESCRIBE, .id = sb_strdup(id, error), .described = described};
  sb_status status = p.id ? read_attributes(columns, &p, error) : SB_NO_MEMORY;
  if (status == SB_OK) return sb_sql_pending_add(&table->pending, &p, error);
  sb_sql_pending_free(&p);
  return status;
}

static sb_status change_id(sb_sql_gallery_table *table, const char *old_id, sqlite3_value *new_id, sb_error *error) {
  sb_sql_pending p = {.kind = SB_SQL_PENDING_CHANGE_ID, .old_id = sb_strdup(old_id, error)};
  p.id = p.old_id ? copy_text(new_id, SB_ID_MAX, "id", error) : NULL;
  bool same = p.id && !strcmp(p.id, old_id);
  sb_status status = !p.id ? error->code : same ? SB_OK : check_free(table, p.id, error);
  if (status == SB_OK && !same) return sb_sql_pending_add(&table->pending, &p, error);
  sb_sql_pending_free(&p);
  return status;
}

/* The id of the person whose face is in this row. */
static sb_status find_owner(const sb_sql_gallery_table *table, int64_t face, char **id, sb_error *error) {
  sb_store_collection collection;
  sb_status status = sb_engine_collection(table->engine, table->collection, false, &collection, error);
  return status == SB_OK ? sb_engine_face_owner(table->engine, collection.row, face, id, error) : status;
}

/* The id changes last: the changes before it name the person by its old id. */
static sb_status update_person(sb_sql_gallery_table *table, const char *id, sqlite3_value **columns, sb_error *error) {
  unsigned described = attributes_but(columns, is_unchanged);
  sqlite3_value *name = columns[SB_SQL_GALLERY_NAME], *new_id = columns[SB_SQL_GALLERY_ID];
  sb_status status = is_unchanged(name) ? SB_OK : rename_person(table, id, name, error);
  if (status == SB_OK && described) status = describe(table, id, columns, described, error);
  if (status == SB_OK && !is_unchanged(new_id)) status = change_id(table, id, new_id, error);
  return status;
}

static sb_status replace_template(sb_sql_gallery_table *table, int64_t face, sqlite3_value *vector, sb_error *error) {
  sb_sql_pending p = {.kind = SB_SQL_PENDING_REPLACE, .face = face};
  sb_status status = read_vector(table, vector, &p, error);
  if (status == SB_OK) return sb_sql_pending_add(&table->pending, &p, error);
  sb_sql_pending_free(&p);
  return status;
}

/* `values`: the old row, the new row, the columns. */
static sb_status update(sb_sql_gallery_table *table, sqlite3_value **values, sb_error *error) {
  sqlite3_value **columns = values + 2;
  int64_t face = sqlite3_value_int64(values[0]);
  char *id = NULL;
  if (sqlite3_value_int64(values[1]) != face)
    return sb_fail(error, SB_INVALID, "the rowid of %s cannot be changed", table->name);
  sb_status status = find_owner(table, face, &id, error);
  if (status == SB_OK) status = update_person(table, id, columns, error);
  free(id);
  bool same = is_unchanged(columns[SB_SQL_GALLERY_VECTOR]);
  return status == SB_OK && !same ? replace_template(table, face, columns[SB_SQL_GALLERY_VECTOR], error) : status;
}

/* ---- xUpdate */

static sb_status change(sb_sql_gallery_table *table, int count, sqlite3_value **values, sb_error *error) {
  if (!table->write) return sb_fail(error, SB_READ_ONLY, "this session is read-only; use --write to change data");
  if (count > 1 && is_null(values[0])) return insert(table, values[1], values + 2, error);
  if (count > 1) return update(table, values, error);
  sb_sql_pending p = {.kind = SB_SQL_PENDING_DELETE, .face = sqlite3_value_int64(values[0])};
  return sb_sql_pending_add(&table->pending, &p, error);
}

int sb_sql_gallery_update(sqlite3_vtab *base, int count, sqlite3_value **values, sqlite3_int64 *rowid) {
  sb_error error = {0};
  (void)rowid; /* of an INSERT: known only when the transaction has ended */
  return sb_sql_vtab_error(base, change((sb_sql_gallery_table *)base, count, values, &error), &error);
}

/* ---- xSync: the transaction ends */

/* Erases a face, and the person with its last one, as the table shows only people who have a face. */
static sb_status erase_face(sb_sql_gallery_table *table, int64_t face, sb_error *error) {
  char *id = NULL;
  sb_people *people = NULL;
  sb_status status = sb_engine_face_delete(table->engine, table->collection, face, &id, error);
  if (status == SB_OK) status = sb_engine_get(table->engine, table->collection, id, &people, error);
  if (status == SB_OK && !people->items[0].faces)
    status = sb_engine_delete(table->engine, table->collection, id, NULL, error);
  sb_people_free(people);
  free(id);
  return status == SB_NOT_FOUND ? SB_OK : status; /* somebody else erased it first */
}

static sb_status enroll(sb_sql_gallery_table *table, const sb_sql_pending *p, sb_error *error) {
  sb_template_request request = {.collection = table->collection,
                                 .id = p->id,
                                 .name = p->name,
                                 .vector = p->vector,
                                 .dim = p->dim,
                                 .attributes = p->described ? &p->attributes : NULL,
                                 .face = p->kind == SB_SQL_PENDING_REPLACE ? p->face : 0};
  return sb_engine_enroll_template(table->engine, &request, error);
}

static sb_status perform(sb_sql_gallery_table *table, const sb_sql_pending *p, sb_error *error) {
  switch (p->kind) {
  case SB_SQL_PENDING_ENROLL:
  case SB_SQL_PENDING_REPLACE: return enroll(table, p, error);
  case SB_SQL_PENDING_DELETE: return erase_face(table, p->face, error);
  case SB_SQL_PENDING_RENAME: return sb_engine_rename(table->engine, table->collection, p->id, p->name, error);
  case SB_SQL_PENDING_DESCRIBE:
    return sb_engine_describe(table->engine, table->collection, p->id, p->described, &p->attributes, error);
  case SB_SQL_PENDING_CHANGE_ID: return sb_engine_change_id(table->engine, table->collection, p->old_id, p->id, error);
  }
  return SB_OK;
}

int sb_sql_gallery_sync(sqlite3_vtab *base) {
  sb_sql_gallery_table *table = (sb_sql_gallery_table *)base;
  sb_error error = {0};
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < table->pending.count; i++)
    status = perform(table, &table->pending.items[i], &error);
  sb_sql_pending_clear(&table->pending);
  return sb_sql_vtab_error(base, status, &error);
}
