/* Changing the gallery: checked when it is said, done when the transaction ends. */
#include "sql/gallery/gallery_table.h"

#include "store/store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void pending_free(sb_sql_pending *p) {
  if (p->vector) sb_wipe(p->vector, p->dim * sizeof *p->vector);
  free(p->vector);
  free(p->id);
  free(p->name);
  free(p->old_id);
}

static void forget_from(sb_sql_gallery_table *table, size_t count) {
  while (table->pending_count > count) pending_free(&table->pending[--table->pending_count]);
}

/* Takes over what `p` owns, also when it fails. */
static sb_status add_pending(sb_sql_gallery_table *table, sb_sql_pending *p, sb_error *error) {
  void *pending = table->pending;
  sb_status status = sb_grow(&pending, table->pending_count + 1, sizeof *table->pending, error);
  if (status != SB_OK) {
    pending_free(p);
    return status;
  }
  table->pending = pending;
  table->pending[table->pending_count++] = *p;
  return SB_OK;
}

/* ---- Values */

static char *copy_text(sqlite3_value *value, const char *field, sb_error *error) {
  const char *text = (const char *)sqlite3_value_text(value);
  if (text && sqlite3_value_type(value) != SQLITE_BLOB) return sb_strdup(text, error);
  sb_fail(error, SB_INVALID, "%s is missing", field);
  return NULL;
}

static bool word_is(const char *text, const char *const *words) {
  for (; *words; words++)
    if (!strcasecmp(text, *words)) return true;
  return false;
}

static sb_status read_age(sqlite3_value *value, sb_attributes *out, sb_error *error) {
  enum { AGE_MAX = 150 };
  if (sqlite3_value_type(value) == SQLITE_NULL) return SB_OK;
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
  if (sqlite3_value_type(value) == SQLITE_NULL) return SB_OK;
  if (!text || (!word_is(text, man) && !word_is(text, woman)))
    return sb_fail(error, SB_INVALID, "a gender is Man, Woman or NULL: nothing else can be kept");
  out->man = word_is(text, man);
  out->woman = 1 - out->man;
  return SB_OK;
}

static bool same_class(const char *name, const char *text) {
  for (; *name && *text; name++, text++)
    if (*name != (*text == ' ' ? '_' : (*text | 0x20)) && *name != *text) return false;
  return !*name && !*text;
}

static sb_status read_ethnicity(sqlite3_value *value, sb_attributes *out, sb_error *error) {
  const char *text = (const char *)sqlite3_value_text(value);
  char known[160] = "";
  if (sqlite3_value_type(value) == SQLITE_NULL) return SB_OK;
  for (int i = 0; i < SB_ETHNICITIES; i++) {
    if (text && same_class(sb_ethnicity_name(i), text)) {
      for (int j = 0; j < SB_ETHNICITIES; j++) out->ethnicity[j] = i == j;
      out->ethnicity_dominant = i;
      return SB_OK;
    }
    strncat(known, sb_ethnicity_name(i), sizeof known - strlen(known) - 3);
    strcat(known, ", ");
  }
  return sb_fail(error, SB_INVALID, "an ethnicity is one of %sor NULL: nothing else can be kept", known);
}

/* Those that `p->described` names. */
static sb_status read_attributes(sqlite3_value **columns, sb_sql_pending *p, sb_error *error) {
  sb_attributes *a = &p->attributes;
  *a = (sb_attributes){.age = -1, .man = -1, .woman = -1};
  for (int i = 0; i < SB_ETHNICITIES; i++) a->ethnicity[i] = -1;
  sb_status status = SB_OK;
  if (p->described & SB_DESCRIBE_AGE) status = read_age(columns[SB_SQL_GALLERY_AGE], a, error);
  if (status == SB_OK && p->described & SB_DESCRIBE_GENDER)
    status = read_gender(columns[SB_SQL_GALLERY_GENDER], a, error);
  if (status == SB_OK && p->described & SB_DESCRIBE_ETHNICITY)
    status = read_ethnicity(columns[SB_SQL_GALLERY_ETHNICITY], a, error);
  return status;
}

static sb_status read_vector(sb_sql_gallery_table *table, sqlite3_value *argument, sb_sql_pending *p, sb_error *error) {
  sb_sql_value value = {0};
  sb_store_collection shelf;
  sb_status status = sb_sql_value_of_argument(argument, &value, error);
  if (status == SB_OK) status = sb_sql_value_convert(&value, SB_SQL_ELEMENT_FLOAT, error);
  if (status == SB_OK) status = sb_sql_value_check(&value, error);
  if (status == SB_OK) status = sb_engine_collection(table->engine, table->collection, true, &shelf, error);
  if (status == SB_OK && value.dim != shelf.info.dim)
    status = sb_fail(error, SB_INVALID, "vector length: the gallery's templates have %zu elements, this one has %zu",
                     shelf.info.dim, value.dim);
  if (status == SB_OK && !(p->vector = sb_alloc(value.dim, sizeof *p->vector, error))) status = SB_NO_MEMORY;
  if (status == SB_OK) {
    p->dim = value.dim;
    memcpy(p->vector, value.bytes, value.dim * sizeof *p->vector);
    bool zero = true;
    for (size_t i = 0; zero && i < p->dim; i++) zero = p->vector[i] == 0;
    if (zero) status = sb_fail(error, SB_INVALID, "vector element: all are zero; a template has a direction");
  }
  sb_sql_value_free(&value);
  return status;
}

/* Is the id free, with what is pending? */
static sb_status check_free(sb_sql_gallery_table *table, const char *id, sb_error *error) {
  sb_store_collection shelf;
  sb_status status = sb_text_check(id, SB_ID_MAX, "id", error);
  if (status == SB_OK) status = sb_engine_collection(table->engine, table->collection, false, &shelf, error);
  if (status == SB_OK) status = sb_store_person_find(sb_engine_store(table->engine), shelf.row, id, NULL, NULL, error);
  bool taken = status == SB_OK;
  if (status == SB_NOT_FOUND) status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < table->pending_count; i++) {
    const sb_sql_pending *p = &table->pending[i];
    if (p->kind == SB_SQL_PENDING_CHANGE_ID && !strcmp(p->old_id, id)) taken = false;
    if ((p->kind == SB_SQL_PENDING_ENROLL || p->kind == SB_SQL_PENDING_CHANGE_ID) && !strcmp(p->id, id)) taken = true;
  }
  if (status == SB_OK && taken) status = sb_fail(error, SB_EXISTS, "a person with this id is enrolled already");
  return status;
}

/* ---- INSERT, DELETE, UPDATE */

static sb_status insert(sb_sql_gallery_table *table, sqlite3_value *row, sqlite3_value **columns, sb_error *error) {
  sb_sql_pending p = {.kind = SB_SQL_PENDING_ENROLL};
  if (sqlite3_value_type(row) != SQLITE_NULL) return sb_fail(error, SB_INVALID, "a face gets its row by itself");
  p.id = copy_text(columns[SB_SQL_GALLERY_ID], "the id", error);
  p.name = p.id ? copy_text(columns[SB_SQL_GALLERY_NAME], "the name", error) : NULL;
  sb_status status = p.name ? SB_OK : SB_INVALID;
  if (status == SB_OK) status = sb_text_check(p.name, SB_NAME_MAX, "name", error);
  if (status == SB_OK) status = check_free(table, p.id, error);
  if (sqlite3_value_type(columns[SB_SQL_GALLERY_AGE]) != SQLITE_NULL) p.described |= SB_DESCRIBE_AGE;
  if (sqlite3_value_type(columns[SB_SQL_GALLERY_GENDER]) != SQLITE_NULL) p.described |= SB_DESCRIBE_GENDER;
  if (sqlite3_value_type(columns[SB_SQL_GALLERY_ETHNICITY]) != SQLITE_NULL) p.described |= SB_DESCRIBE_ETHNICITY;
  if (status == SB_OK) status = read_attributes(columns, &p, error);
  if (status == SB_OK) status = read_vector(table, columns[SB_SQL_GALLERY_VECTOR], &p, error);
  if (status == SB_OK) return add_pending(table, &p, error);
  pending_free(&p);
  return status;
}

static sb_status owner_of(sb_sql_gallery_table *table, int64_t face, char **id, sb_error *error) {
  sb_store_collection shelf;
  sb_status status = sb_engine_collection(table->engine, table->collection, false, &shelf, error);
  return status == SB_OK ? sb_store_face_owner(sb_engine_store(table->engine), shelf.row, face, id, error) : status;
}

static sb_status rename_person(sb_sql_gallery_table *table, const char *id, sqlite3_value *name, sb_error *error) {
  sb_sql_pending p = {.kind = SB_SQL_PENDING_RENAME, .id = sb_strdup(id, error)};
  p.name = p.id ? copy_text(name, "the name", error) : NULL;
  sb_status status = p.name ? sb_text_check(p.name, SB_NAME_MAX, "name", error) : SB_INVALID;
  if (status == SB_OK) return add_pending(table, &p, error);
  pending_free(&p);
  return status;
}

static sb_status change_id(sb_sql_gallery_table *table, const char *id, sqlite3_value *new_id, sb_error *error) {
  sb_sql_pending p = {.kind = SB_SQL_PENDING_CHANGE_ID, .old_id = sb_strdup(id, error)};
  p.id = p.old_id ? copy_text(new_id, "the id", error) : NULL;
  sb_status status = p.id ? SB_OK : SB_INVALID;
  bool same = status == SB_OK && !strcmp(p.id, id);
  if (status == SB_OK && !same) status = check_free(table, p.id, error);
  if (status == SB_OK && !same) return add_pending(table, &p, error);
  pending_free(&p);
  return status;
}

static sb_status describe(sb_sql_gallery_table *table, const char *id, sqlite3_value **columns, unsigned described,
                          sb_error *error) {
  sb_sql_pending p = {.kind = SB_SQL_PENDING_DESCRIBE, .id = sb_strdup(id, error), .described = described};
  sb_status status = p.id ? read_attributes(columns, &p, error) : SB_NO_MEMORY;
  if (status == SB_OK) return add_pending(table, &p, error);
  pending_free(&p);
  return status;
}

static sb_status update(sb_sql_gallery_table *table, sqlite3_value **values, sb_error *error) {
  sqlite3_value **columns = values + 2;
  int64_t face = sqlite3_value_int64(values[0]);
  char *id = NULL;
  if (sqlite3_value_int64(values[1]) != face) return sb_fail(error, SB_INVALID, "a face keeps its row");
  if (!sqlite3_value_nochange(columns[SB_SQL_GALLERY_VECTOR]))
    return sb_fail(error, SB_INVALID, "a face keeps its template: delete the row, and insert the new one");
  unsigned described = (sqlite3_value_nochange(columns[SB_SQL_GALLERY_AGE]) ? 0 : SB_DESCRIBE_AGE) |
                       (sqlite3_value_nochange(columns[SB_SQL_GALLERY_GENDER]) ? 0 : SB_DESCRIBE_GENDER) |
                       (sqlite3_value_nochange(columns[SB_SQL_GALLERY_ETHNICITY]) ? 0 : SB_DESCRIBE_ETHNICITY);
  sb_status status = owner_of(table, face, &id, error);
  if (status == SB_OK && !sqlite3_value_nochange(columns[SB_SQL_GALLERY_NAME]))
    status = rename_person(table, id, columns[SB_SQL_GALLERY_NAME], error);
  if (status == SB_OK && described) status = describe(table, id, columns, described, error);
  if (status == SB_OK && !sqlite3_value_nochange(columns[SB_SQL_GALLERY_ID]))
    status = change_id(table, id, columns[SB_SQL_GALLERY_ID], error);
  free(id);
  return status;
}

int sb_sql_gallery_update(sqlite3_vtab *base, int count, sqlite3_value **values, sqlite3_int64 *rowid) {
  sb_sql_gallery_table *table = (sb_sql_gallery_table *)base;
  sb_error error = {0};
  sb_status status;
  (void)rowid;
  if (!table->write)
    status = sb_fail(&error, SB_READ_ONLY, "this session only reads; allow writing (--write)");
  else if (count == 1)
    status = add_pending(
        table, &(sb_sql_pending){.kind = SB_SQL_PENDING_DELETE, .face = sqlite3_value_int64(values[0])}, &error);
  else if (sqlite3_value_type(values[0]) == SQLITE_NULL)
    status = insert(table, values[1], values + 2, &error);
  else
    status = update(table, values, &error);
  return sb_sql_vtab_error(&table->base, status, &error);
}

/* ---- The transaction's end */

/* A person goes with its last face: who is in the table is who has one. */
static sb_status delete_face(sb_sql_gallery_table *table, int64_t face, sb_error *error) {
  char *id = NULL;
  sb_people *people = NULL;
  sb_status status = sb_engine_face_delete(table->engine, table->collection, face, &id, error);
  if (status == SB_NOT_FOUND) return SB_OK; /* another was faster */
  if (status == SB_OK) status = sb_engine_get(table->engine, table->collection, id, &people, error);
  if (status == SB_OK && !people->items[0].faces)
    status = sb_engine_delete(table->engine, table->collection, id, NULL, error);
  sb_people_free(people);
  free(id);
  return status == SB_NOT_FOUND ? SB_OK : status;
}

static sb_status perform(sb_sql_gallery_table *table, const sb_sql_pending *p, sb_error *error) {
  switch (p->kind) {
  case SB_SQL_PENDING_ENROLL: {
    sb_template_request request = {.collection = table->collection,
                                   .id = p->id,
                                   .name = p->name,
                                   .vector = p->vector,
                                   .dim = p->dim,
                                   .attributes = p->described ? &p->attributes : NULL};
    return sb_engine_enroll_template(table->engine, &request, error);
  }
  case SB_SQL_PENDING_DELETE: return delete_face(table, p->face, error);
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
  for (size_t i = 0; status == SB_OK && i < table->pending_count; i++)
    status = perform(table, &table->pending[i], &error);
  forget_from(table, 0);
  return sb_sql_vtab_error(&table->base, status, &error);
}

int sb_sql_gallery_discard(sqlite3_vtab *base) {
  sb_sql_gallery_table *table = (sb_sql_gallery_table *)base;
  forget_from(table, 0);
  free(table->pending);
  table->pending = NULL;
  table->mark_count = 0;
  return SQLITE_OK;
}

int sb_sql_gallery_savepoint(sqlite3_vtab *base, int number) {
  sb_sql_gallery_table *table = (sb_sql_gallery_table *)base;
  void *marks = table->marks;
  if (sb_grow(&marks, (size_t)number + 1, sizeof *table->marks, NULL) != SB_OK) return SQLITE_NOMEM;
  table->marks = marks;
  for (int i = table->mark_count; i <= number; i++) table->marks[i] = table->pending_count;
  table->marks[number] = table->pending_count;
  table->mark_count = number + 1;
  return SQLITE_OK;
}

int sb_sql_gallery_release(sqlite3_vtab *base, int number) {
  sb_sql_gallery_table *table = (sb_sql_gallery_table *)base;
  if (number < table->mark_count) table->mark_count = number;
  return SQLITE_OK;
}

int sb_sql_gallery_rollback_to(sqlite3_vtab *base, int number) {
  sb_sql_gallery_table *table = (sb_sql_gallery_table *)base;
  if (number < table->mark_count) {
    forget_from(table, table->marks[number]);
    table->mark_count = number + 1;
  }
  return SQLITE_OK;
}
