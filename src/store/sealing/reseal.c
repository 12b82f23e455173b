/* Resealing: under a newer data key, out of schema 1, or through another transform.
 *
 * Each table is handled a row at a time: read the row with the next higher id and open its sealed fields, change what
 * has to be changed, write the row with its fields sealed under the newest data key. Opened fields are wiped from
 * memory afterwards. The row's id and the seal contexts stay the same. */
#include "store/sealing/reseal.h"

#include "store/gallery/person_rows.h"
#include "store/sealing/column_encoding.h"
#include "store/sealing/keys.h"
#include "store/sealing/protection.h"
#include "store/sealing/sealed_columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Fields of a row */

/* The row being resealed. `legacy`: its fields are sealed as in schema 1. */
typedef struct row_context {
  const char *table, *model, *scope; /* of a face: the model of its template, the scope of its density; else NULL */
  int64_t row;
  bool legacy;
} row_context;

/* An opened column; `plain` NULL: it is NULL in the database. */
typedef struct field {
  const char *column;
  char *plain;
  size_t size;
} field;

static sb_seal_context seal_context(const row_context *r, const char *column) {
  const char *model = !strcmp(column, "template") ? r->model : !strcmp(column, "density") ? r->scope : NULL;
  return (sb_seal_context){r->table, column, r->row, model};
}

static void open_legacy(sb_statement *s, int column, const sb_seal_context *context, field *out) {
  size_t size = 0;
  const void *bytes = sb_statement_column_blob(s, column, &size);
  if (size < SB_LEGACY_OVERHEAD) {
    s->status = sb_fail(s->error, SB_STORE, "a sealed field of the database (%s.%s) is missing; restore a backup",
                        context->table, context->column);
    return;
  }
  out->size = size - SB_LEGACY_OVERHEAD;
  out->plain = sb_alloc(out->size + 1, 1, s->error);
  s->status = out->plain ? sb_root_legacy_unseal(s->store->keys->root, context, bytes, size, out->plain, s->error)
                         : SB_NO_MEMORY;
}

/* Opens a column into new memory. */
static void field_open(sb_statement *s, int column, const row_context *r, const char *name, field *out) {
  const sb_seal_context context = seal_context(r, name);
  *out = (field){.column = name};
  if (s->status != SB_OK || sb_statement_column_null(s, column)) return;
  if (r->legacy)
    open_legacy(s, column, &context, out);
  else
    out->plain = sb_statement_column_sealed(s, column, &context, &out->size);
}

static void field_bind(sb_statement *s, int index, const row_context *r, const field *f) {
  const sb_seal_context context = seal_context(r, f->column);
  if (f->plain) sb_statement_bind_sealed(s, index, &context, f->plain, f->size);
}

static void fields_free(field *fields, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (fields[i].plain) sb_wipe(fields[i].plain, fields[i].size);
    free(fields[i].plain);
  }
}

/* ---- Tables of which nothing else has to be known */

typedef struct plain_table {
  const char *name, *select, *update; /* the update's parameters: the columns, then the id */
  int count;                          /* of sealed columns */
  const char *columns[2];
} plain_table;
enum { PLAIN_FIELDS = 2 };

#define SELECT_NEXT(columns, table) "SELECT id, " columns " FROM " table " WHERE id > ? ORDER BY id LIMIT 1"
static const plain_table plain_tables[] = {
    {"collection",
     SELECT_NEXT("protection", "collection"),
     "UPDATE collection SET protection = ? WHERE id = ?",
     1,
     {"protection"}},
    {"admin", SELECT_NEXT("totp", "admin"), "UPDATE admin SET totp = ? WHERE id = ?", 1, {"totp"}},
    {"event",
     SELECT_NEXT("detail, picture", "event"),
     "UPDATE event SET detail = ?, picture = ? WHERE id = ?",
     2,
     {"detail", "picture"}},
    {"camera", SELECT_NEXT("record", "camera"), "UPDATE camera SET record = ? WHERE id = ?", 1, {"record"}},
    {"receiver", SELECT_NEXT("settings", "receiver"), "UPDATE receiver SET settings = ? WHERE id = ?", 1, {"settings"}},
};

static const plain_table *plain_table_of(const char *name) {
  for (size_t i = 0; i < sizeof plain_tables / sizeof *plain_tables; i++)
    if (!strcmp(plain_tables[i].name, name)) return &plain_tables[i];
  return NULL;
}

static sb_status read_plain(sb_store *store, const plain_table *table, row_context *r, field *fields, bool *done,
                            sb_error *error) {
  sb_statement s = sb_statement_new(store, table->select, error);
  sb_statement_bind_int(&s, 1, r->row);
  *done = !sb_statement_step(&s);
  if (!*done) {
    r->row = sb_statement_column_int(&s, 0);
    for (int i = 0; i < table->count; i++) field_open(&s, i + 1, r, table->columns[i], &fields[i]);
  }
  return sb_statement_end(&s);
}

static sb_status write_plain(sb_store *store, const plain_table *table, const row_context *r, const field *fields,
                             sb_error *error) {
  sb_statement s = sb_statement_new(store, table->update, error);
  for (int i = 0; i < table->count; i++) field_bind(&s, i + 1, r, &fields[i]);
  sb_statement_bind_int(&s, table->count + 1, r->row);
  return sb_statement_run(&s);
}

static sb_status reseal_plain(sb_store *store, const plain_table *table, int64_t *row, bool *done, sb_error *error) {
  row_context r = {.table = table->name, .row = *row};
  field fields[PLAIN_FIELDS] = {{0}};
  sb_status status = read_plain(store, table, &r, fields, done, error);
  if (status == SB_OK && !*done) status = write_plain(store, table, &r, fields, error);
  *row = r.row;
  fields_free(fields, PLAIN_FIELDS);
  return status;
}

/* ---- People */

enum { PERSON_FIELDS = 4 };
static const char *const person_fields[PERSON_FIELDS] = {"external_id", "name", "consent", "purpose"};

static sb_status read_person(sb_store *store, row_context *r, int64_t *collection, field fields[PERSON_FIELDS],
                             bool *done, sb_error *error) {
  enum { ROW, COLLECTION, FIRST_FIELD };
  sb_statement s = sb_statement_new(
      store, "SELECT id, collection, external_id, name, consent, purpose FROM person WHERE id > ? ORDER BY id LIMIT 1",
      error);
  sb_statement_bind_int(&s, 1, r->row);
  *done = !sb_statement_step(&s);
  if (!*done) {
    r->row = sb_statement_column_int(&s, ROW);
    *collection = sb_statement_column_int(&s, COLLECTION);
    for (int i = 0; i < PERSON_FIELDS; i++) field_open(&s, FIRST_FIELD + i, r, person_fields[i], &fields[i]);
  }
  return sb_statement_end(&s);
}

static sb_status write_person(sb_store *store, const row_context *r, int64_t collection,
                              const field fields[PERSON_FIELDS], sb_error *error) {
  uint8_t hash[SB_DIGEST_SIZE];
  sb_store_person_hash_newest(store, collection, fields[0].plain, hash);
  sb_statement s = sb_statement_new(
      store, "UPDATE person SET external_id = ?, name = ?, consent = ?, purpose = ?, external_hash = ? WHERE id = ?",
      error);
  for (int i = 0; i < PERSON_FIELDS; i++) field_bind(&s, i + 1, r, &fields[i]);
  sb_statement_bind_blob(&s, 5, hash, sizeof hash);
  sb_statement_bind_int(&s, 6, r->row);
  return sb_statement_run(&s);
}

static sb_status reseal_person(sb_store *store, bool legacy, int64_t *row, bool *done, sb_error *error) {
  row_context r = {.table = "person", .row = *row, .legacy = legacy};
  field fields[PERSON_FIELDS] = {{0}};
  int64_t collection = 0;
  sb_status status = read_person(store, &r, &collection, fields, done, error);
  if (status == SB_OK && !*done) status = write_person(store, &r, collection, fields, error);
  *row = r.row;
  fields_free(fields, PERSON_FIELDS);
  return status;
}

/* ---- Faces */

/* What is done to the templates of faces. */
typedef struct face_pass {
  bool legacy;                   /* out of schema 1, into the collection's own transform */
  int64_t collection;            /* faces of this one only; 0: of all */
  const sb_transform *from, *to; /* NULL: none */
} face_pass;

enum { FIELD_TEMPLATE, FIELD_ATTRIBUTES, FIELD_SOURCE, FIELD_THUMBNAIL, FIELD_DENSITY, FACE_FIELDS };

typedef struct face {
  row_context context;
  int64_t person, collection;
  size_t dim;
  char model[64], scope[SB_DENSITY_SCOPE_SIZE];
  field fields[FACE_FIELDS]; /* the template as float32, however the database stores it */
} face;

static void template_open(sb_statement *s, int column, face *f) {
  field *out = &f->fields[FIELD_TEMPLATE];
  if (f->context.legacy || s->status != SB_OK) {
    field_open(s, column, &f->context, "template", out);
    return;
  }
  const sb_seal_context context = seal_context(&f->context, "template");
  float *v = sb_alloc(f->dim, sizeof *v, s->error);
  *out = (field){.column = "template", .size = f->dim * 4, .plain = (char *)v};
  if (!v) s->status = SB_NO_MEMORY;
  sb_statement_column_template(s, column, &context, f->dim, v);
  if (s->status == SB_OK) sb_store_floats_write(v, f->dim, (uint8_t *)v);
}

/* In schema 1 a face's source was a keyed hash and was not sealed. It is sealed as it is, and no longer recognized. */
static void source_open(sb_statement *s, int column, face *f) {
  field *out = &f->fields[FIELD_SOURCE];
  if (!f->context.legacy || s->status != SB_OK) {
    field_open(s, column, &f->context, "source", out);
    return;
  }
  size_t size = 0;
  const void *bytes = sb_statement_column_blob(s, column, &size);
  *out = (field){.column = "source", .size = size, .plain = sb_alloc(size + 1, 1, s->error)};
  if (out->plain && size)
    memcpy(out->plain, bytes, size);
  else if (!out->plain)
    s->status = SB_NO_MEMORY;
}

/* Schema 1 had neither thumbnails nor densities, and no columns for them. */
#define FACE_COLUMNS(later) \
  "SELECT f.id, f.person, f.collection, c.model, c.dim, f.template, f.attributes, f.source, " later
enum {
  COLUMN_ROW,
  COLUMN_PERSON,
  COLUMN_COLLECTION,
  COLUMN_MODEL,
  COLUMN_DIM,
  COLUMN_TEMPLATE,
  COLUMN_ATTRIBUTES,
  COLUMN_SOURCE,
  COLUMN_THUMBNAIL,
  COLUMN_DENSITY
};
#define NEXT_FACE                                         \
  " FROM face f JOIN collection c ON c.id = f.collection" \
  " WHERE f.id > ?1 AND (?2 = 0 OR f.collection = ?2) ORDER BY f.id LIMIT 1"

static sb_status read_face(sb_store *store, const face_pass *pass, face *f, bool *done, sb_error *error) {
  sb_statement s = sb_statement_new(
      store, pass->legacy ? FACE_COLUMNS("NULL, NULL") NEXT_FACE : FACE_COLUMNS("f.thumbnail, f.density") NEXT_FACE,
      error);
  sb_statement_bind_int(&s, 1, f->context.row);
  sb_statement_bind_int(&s, 2, pass->collection);
  *done = !sb_statement_step(&s);
  if (!*done) {
    f->context.row = sb_statement_column_int(&s, COLUMN_ROW);
    f->person = sb_statement_column_int(&s, COLUMN_PERSON);
    f->collection = sb_statement_column_int(&s, COLUMN_COLLECTION);
    f->dim = (size_t)sb_statement_column_int(&s, COLUMN_DIM);
    snprintf(f->model, sizeof f->model, "%s", sb_statement_column_text(&s, COLUMN_MODEL));
    sb_density_scope(f->collection, f->scope);
    template_open(&s, COLUMN_TEMPLATE, f);
    field_open(&s, COLUMN_ATTRIBUTES, &f->context, "attributes", &f->fields[FIELD_ATTRIBUTES]);
    source_open(&s, COLUMN_SOURCE, f);
    field_open(&s, COLUMN_THUMBNAIL, &f->context, "thumbnail", &f->fields[FIELD_THUMBNAIL]);
    field_open(&s, COLUMN_DENSITY, &f->context, "density", &f->fields[FIELD_DENSITY]);
  }
  return sb_statement_end(&s);
}

/* Undoes one transform of the template and applies another. */
static sb_status transform_template(face *f, const sb_transform *from, const sb_transform *to, sb_error *error) {
  field *template = &f->fields[FIELD_TEMPLATE];
  if (template->size != f->dim * 4)
    return sb_fail(error, SB_STORE, "a template of the database has the wrong length; restore a backup");
  float *v = sb_alloc(f->dim, sizeof *v, error);
  if (!v) return SB_NO_MEMORY;
  sb_store_floats_read((const uint8_t *)template->plain, f->dim, v);
  if (from) sb_transform_undo(from, v, v);
  if (to) sb_transform_apply(to, v, v);
  sb_store_floats_write(v, f->dim, (uint8_t *)template->plain);
  sb_wipe(v, f->dim * sizeof *v);
  free(v);
  return SB_OK;
}

static sb_status transform_face(sb_store *store, const face_pass *pass, face *f, sb_error *error) {
  const sb_store_protection *protection = NULL;
  if (!pass->legacy) return pass->from || pass->to ? transform_template(f, pass->from, pass->to, error) : SB_OK;
  sb_status status = sb_store_protection_get(store, f->collection, &protection, error);
  return status == SB_OK ? transform_template(f, NULL, protection->transform, error) : status;
}

static void template_bind(sb_statement *s, int index, const face *f) {
  const sb_seal_context context = seal_context(&f->context, "template");
  const field *template = &f->fields[FIELD_TEMPLATE];
  size_t dim = template->size / 4;
  float *v = sb_alloc(dim, sizeof *v, s->error);
  if (!v) {
    s->status = SB_NO_MEMORY;
    return;
  }
  sb_store_floats_read((const uint8_t *)template->plain, dim, v);
  sb_statement_bind_template(s, index, &context, v, dim);
  sb_wipe(v, dim * sizeof *v);
  free(v);
}

static sb_status write_face(sb_store *store, const face *f, sb_error *error) {
  sb_statement s = sb_statement_new(
      store,
      f->context.legacy ? "UPDATE face SET template = ?1, attributes = ?2, source = ?3 WHERE id = ?6 AND person = ?7"
                        : "UPDATE face SET template = ?1, attributes = ?2, source = ?3, thumbnail = ?4, density = ?5"
                          " WHERE id = ?6 AND person = ?7",
      error);
  template_bind(&s, 1, f);
  for (int i = FIELD_ATTRIBUTES; i < FACE_FIELDS; i++) field_bind(&s, i + 1, &f->context, &f->fields[i]);
  sb_statement_bind_int(&s, FACE_FIELDS + 1, f->context.row);
  sb_statement_bind_int(&s, FACE_FIELDS + 2, f->person);
  return sb_statement_run(&s);
}

static sb_status reseal_face(sb_store *store, const face_pass *pass, int64_t *row, bool *done, sb_error *error) {
  face f = {.context = {.table = "face", .row = *row, .legacy = pass->legacy}};
  f.context.model = f.model;
  f.context.scope = f.scope;
  sb_status status = read_face(store, pass, &f, done, error);
  if (status == SB_OK && !*done) {
    status = transform_face(store, pass, &f, error);
    if (status == SB_OK) status = write_face(store, &f, error);
  }
  *row = f.context.row;
  fields_free(f.fields, FACE_FIELDS);
  return status;
}

/* ---- Many rows */

sb_status sb_store_reseal_next(sb_store *store, const char *table, int64_t *row, bool *done, sb_error *error) {
  const face_pass under_newest_key = {.legacy = false};
  const plain_table *plain = plain_table_of(table);
  if (plain) return reseal_plain(store, plain, row, done, error);
  if (!strcmp(table, "person")) return reseal_person(store, false, row, done, error);
  return reseal_face(store, &under_newest_key, row, done, error);
}

static sb_status reseal_faces(sb_store *store, const face_pass *pass, size_t *count, sb_error *error) {
  int64_t row = 0;
  for (*count = 0;; ++*count) {
    bool done = false;
    sb_status status = reseal_face(store, pass, &row, &done, error);
    if (status != SB_OK || done) return status;
  }
}

sb_status sb_store_reseal_templates(sb_store *store, int64_t collection, const sb_transform *from,
                                    const sb_transform *to, size_t *count, sb_error *error) {
  const face_pass pass = {.collection = collection, .from = from, .to = to};
  return reseal_faces(store, &pass, count, error);
}

/* ---- Schema 1 */

/* Gives each collection a transform. */
static sb_status protect_collections(sb_store *store, sb_error *error) {
  int64_t row = 0;
  for (;;) {
    sb_statement s = sb_statement_new(store, "SELECT coalesce(min(id), 0) FROM collection WHERE id > ?", error);
    sb_statement_bind_int(&s, 1, row);
    row = sb_statement_step(&s) ? sb_statement_column_int(&s, 0) : 0;
    sb_status status = sb_statement_end(&s);
    if (status == SB_OK && row) status = sb_store_protection_renew(store, row, error);
    if (status != SB_OK || !row) return status;
  }
}

static sb_status reseal_legacy_people(sb_store *store, sb_error *error) {
  bool done = false;
  for (int64_t row = 0; !done;) {
    sb_status status = reseal_person(store, true, &row, &done, error);
    if (status != SB_OK) return status;
  }
  return SB_OK;
}

sb_status sb_store_reseal_legacy(sb_store *store, sb_error *error) {
  const face_pass pass = {.legacy = true};
  size_t faces = 0;
  sb_status status = protect_collections(store, error);
  if (status != SB_OK) return status;
  status = reseal_legacy_people(store, error);
  if (status != SB_OK) return status;
  status = reseal_faces(store, &pass, &faces, error);
  return status == SB_OK ? sb_store_meta_delete(store, "key_check", error) : status;
}
