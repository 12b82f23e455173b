/* Sealed fields, written anew: under a newer data key, out of schema 1, or through another transform. */
#include "store/gallery/attributes.h"
#include "store/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A column to be sealed anew; `old` NULL: the row has none. */
typedef struct field {
  const char *column;
  char *old;
  size_t size;
} field;

/* Opens a column into new memory, whichever way it is sealed. */
static void field_open(sb_statement *s, int column, const char *table, int64_t row, const char *name, const char *model,
                       bool legacy, field *out) {
  const sb_seal_context place = {table, name, row, model};
  *out = (field){.column = name};
  if (s->status != SB_OK || sb_statement_column_null(s, column)) return;
  size_t size = 0;
  const void *bytes = sb_statement_column_blob(s, column, &size);
  if (!legacy) {
    out->old = sb_statement_column_sealed(s, column, &place, &out->size);
  } else if (size < SB_LEGACY_OVERHEAD) {
    s->status =
        sb_fail(s->error, SB_STORE, "a sealed field of the database (%s.%s) is missing; restore a backup", table, name);
  } else {
    out->size = size - SB_LEGACY_OVERHEAD;
    out->old = sb_alloc(out->size + 1, 1, s->error);
    s->status =
        out->old ? sb_root_legacy_unseal(s->store->root, &place, bytes, size, out->old, s->error) : SB_NO_MEMORY;
  }
}

static void field_bind(sb_statement *s, int index, const char *table, int64_t row, const char *model, const field *f) {
  const sb_seal_context place = {table, f->column, row, model};
  if (f->old) sb_statement_bind_sealed(s, index, &place, f->old, f->size);
}

static void fields_free(field *fields, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (fields[i].old) sb_wipe(fields[i].old, fields[i].size);
    free(fields[i].old);
  }
}

/* ---- One row of each table. `*row` moves to the smallest id above it. */

/* A table with one sealed column. */
static sb_status rewrite_one(sb_store *store, const char *table, const char *column, int64_t *row, bool *done,
                             sb_error *error) {
  char select[128], update[128];
  field held = {0};
  snprintf(select, sizeof select, "SELECT id, %s FROM %s WHERE id > ? ORDER BY id LIMIT 1", column, table);
  snprintf(update, sizeof update, "UPDATE %s SET %s = ? WHERE id = ?", table, column);
  sb_statement s = sb_statement_new(store, select, error);
  sb_statement_bind_int(&s, 1, *row);
  *done = !sb_statement_step(&s);
  if (!*done) {
    *row = sb_statement_column_int(&s, 0);
    field_open(&s, 1, table, *row, column, NULL, false, &held);
  }
  sb_status status = sb_statement_end(&s);
  if (status == SB_OK && !*done) {
    s = sb_statement_new(store, update, error);
    field_bind(&s, 1, table, *row, NULL, &held);
    sb_statement_bind_int(&s, 2, *row);
    sb_statement_step(&s);
    status = sb_statement_end(&s);
  }
  fields_free(&held, 1);
  return status;
}

static sb_status write_person(sb_store *store, int64_t row, int64_t collection, const field fields[4],
                              sb_error *error) {
  uint32_t numbers[SB_DATA_KEYS_MAX] = {0};
  uint8_t hash[SB_DIGEST_SIZE];
  sb_keyring_numbers(store->keyring, numbers);
  sb_store_person_hash(store, numbers[0], collection, fields[0].old, hash);
  sb_statement s = sb_statement_new(
      store, "UPDATE person SET external_id = ?, name = ?, consent = ?, purpose = ?, external_hash = ? WHERE id = ?",
      error);
  for (int i = 0; i < 4; i++) field_bind(&s, i + 1, "person", row, NULL, &fields[i]);
  sb_statement_bind_blob(&s, 5, hash, sizeof hash);
  sb_statement_bind_int(&s, 6, row);
  sb_statement_step(&s);
  return sb_statement_end(&s);
}

static sb_status rewrite_person(sb_store *store, bool legacy, int64_t *row, bool *done, sb_error *error) {
  static const char *const columns[] = {"external_id", "name", "consent", "purpose"};
  field fields[4] = {{0}};
  int64_t collection = 0;
  sb_statement s = sb_statement_new(
      store, "SELECT id, collection, external_id, name, consent, purpose FROM person WHERE id > ? ORDER BY id LIMIT 1",
      error);
  sb_statement_bind_int(&s, 1, *row);
  *done = !sb_statement_step(&s);
  if (!*done) {
    *row = sb_statement_column_int(&s, 0);
    collection = sb_statement_column_int(&s, 1);
    for (int i = 0; i < 4; i++) field_open(&s, 2 + i, "person", *row, columns[i], NULL, legacy, &fields[i]);
  }
  sb_status status = sb_statement_end(&s);
  if (status == SB_OK && !*done) status = write_person(store, *row, collection, fields, error);
  fields_free(fields, 4);
  return status;
}

/* Puts a template's bytes through transforms; NULL: none. */
static sb_status turn(const field *template, size_t dim, const sb_transform *from, const sb_transform *to,
                      sb_error *error) {
  if (template->size != dim * 4)
    return sb_fail(error, SB_STORE, "a template of the database has the wrong length; restore a backup");
  float *v = sb_alloc(dim, sizeof *v, error);
  if (!v) return SB_NO_MEMORY;
  sb_store_floats_read((const uint8_t *)template->old, dim, v);
  if (from) sb_transform_undo(from, v, v);
  if (to) sb_transform_apply(to, v, v);
  sb_store_floats_write(v, dim, (uint8_t *)template->old);
  sb_wipe(v, dim * sizeof *v);
  free(v);
  return SB_OK;
}

/* In schema 1 a face had no thumbnail, nor room for one. */
static sb_status write_face(sb_store *store, bool legacy, int64_t row, const char *model, const field fields[4],
                            sb_error *error) {
  sb_statement s = sb_statement_new(
      store,
      legacy ? "UPDATE face SET template = ?1, attributes = ?2, source = ?3 WHERE id = ?5"
             : "UPDATE face SET template = ?1, attributes = ?2, source = ?3, thumbnail = ?4 WHERE id = ?5",
      error);
  size_t dim = fields[0].size / 4;
  float *v = sb_alloc(dim, sizeof *v, error);
  if (!v) s.status = SB_NO_MEMORY;
  if (v) sb_store_floats_read((const uint8_t *)fields[0].old, dim, v);
  sb_statement_bind_template(&s, 1, &(sb_seal_context){"face", "template", row, model}, v, dim);
  if (v) sb_wipe(v, dim * sizeof *v);
  free(v);
  for (int i = 1; i < 4; i++) field_bind(&s, i + 1, "face", row, NULL, &fields[i]);
  sb_statement_bind_int(&s, 5, row);
  sb_statement_step(&s);
  return sb_statement_end(&s);
}

/* A template as float32, however the database keeps it. */
static void template_open(sb_statement *s, int column, int64_t row, const char *model, size_t dim, bool legacy,
                          field *out) {
  if (legacy || s->status != SB_OK) {
    field_open(s, column, "face", row, "template", model, legacy, out);
    return;
  }
  float *v = sb_alloc(dim, sizeof *v, s->error);
  *out = (field){.column = "template", .size = dim * 4, .old = (char *)v};
  if (!v) s->status = SB_NO_MEMORY;
  sb_statement_column_template(s, column, &(sb_seal_context){"face", "template", row, model}, dim, v);
  if (s->status == SB_OK) sb_store_floats_write(v, dim, (uint8_t *)v);
}

/* In schema 1 a face's source was a keyed hash in the open: it is kept as it is, sealed, and no longer recognised. */
static void source_open(sb_statement *s, int column, int64_t row, bool legacy, field *out) {
  if (!legacy || s->status != SB_OK) {
    field_open(s, column, "face", row, "source", NULL, false, out);
    return;
  }
  size_t size = 0;
  const void *bytes = sb_statement_column_blob(s, column, &size);
  *out = (field){.column = "source", .size = size, .old = sb_alloc(size + 1, 1, s->error)};
  if (out->old && size)
    memcpy(out->old, bytes, size);
  else if (!out->old)
    s->status = SB_NO_MEMORY;
}

#define FACE_COLUMNS "SELECT f.id, f.collection, c.model, c.dim, f.template, f.attributes, f.source, "
#define NEXT_FACE                                         \
  " FROM face f JOIN collection c ON c.id = f.collection" \
  " WHERE f.id > ?1 AND (?2 = 0 OR f.collection = ?2) ORDER BY f.id LIMIT 1"

/* `only`: faces of this collection, or 0. `from`, `to`: transforms; with `legacy` the collection's own is put on. */
static sb_status rewrite_face(sb_store *store, bool legacy, int64_t only, const sb_transform *from,
                              const sb_transform *to, int64_t *row, bool *done, sb_error *error) {
  field fields[4] = {{0}};
  size_t dim = 0;
  int64_t collection = 0;
  char model[64] = "";
  sb_statement s =
      sb_statement_new(store, legacy ? FACE_COLUMNS "NULL" NEXT_FACE : FACE_COLUMNS "f.thumbnail" NEXT_FACE, error);
  sb_statement_bind_int(&s, 1, *row);
  sb_statement_bind_int(&s, 2, only);
  *done = !sb_statement_step(&s);
  if (!*done) {
    *row = sb_statement_column_int(&s, 0);
    collection = sb_statement_column_int(&s, 1);
    strncpy(model, sb_statement_column_text(&s, 2), sizeof model - 1);
    dim = (size_t)sb_statement_column_int(&s, 3);
    template_open(&s, 4, *row, model, dim, legacy, &fields[0]);
    field_open(&s, 5, "face", *row, "attributes", NULL, legacy, &fields[1]);
    source_open(&s, 6, *row, legacy, &fields[2]);
    field_open(&s, 7, "face", *row, "thumbnail", NULL, legacy, &fields[3]);
  }
  sb_status status = sb_statement_end(&s);
  const sb_store_protection *protection = NULL;
  if (status == SB_OK && !*done && legacy) status = sb_store_protection_get(store, collection, &protection, error);
  if (protection) to = protection->transform;
  if (status == SB_OK && !*done && (from || to)) status = turn(&fields[0], dim, from, to, error);
  if (status == SB_OK && !*done) status = write_face(store, legacy, *row, model, fields, error);
  fields_free(fields, 4);
  return status;
}

/* ---- Many */

sb_status sb_store_reseal_next(sb_store *store, const char *table, int64_t *row, bool *done, sb_error *error) {
  if (!strcmp(table, "collection")) return rewrite_one(store, table, "protection", row, done, error);
  if (!strcmp(table, "admin")) return rewrite_one(store, table, "totp", row, done, error);
  if (!strcmp(table, "person")) return rewrite_person(store, false, row, done, error);
  return rewrite_face(store, false, 0, NULL, NULL, row, done, error);
}

sb_status sb_store_reseal_templates(sb_store *store, int64_t collection, const sb_transform *from,
                                    const sb_transform *to, size_t *count, sb_error *error) {
  sb_status status = SB_OK;
  bool done = false;
  size_t turned = 0;
  for (int64_t row = 0; status == SB_OK && !done;) {
    status = rewrite_face(store, false, collection, from, to, &row, &done, error);
    turned += !done;
  }
  if (status == SB_OK) *count = turned;
  return status;
}

static sb_status protect_all(sb_store *store, sb_error *error) {
  int64_t row = 0, next = 0;
  sb_status status = SB_OK;
  for (;;) {
    sb_statement s = sb_statement_new(store, "SELECT coalesce(min(id), 0) FROM collection WHERE id > ?", error);
    sb_statement_bind_int(&s, 1, row);
    next = sb_statement_step(&s) ? sb_statement_column_int(&s, 0) : 0;
    status = sb_statement_end(&s);
    if (status != SB_OK || !next) return status;
    status = sb_store_protection_renew(store, next, error);
    if (status != SB_OK) return status;
    row = next;
  }
}

sb_status sb_store_reseal_legacy(sb_store *store, sb_error *error) {
  sb_status status = protect_all(store, error);
  bool done = false;
  for (int64_t row = 0; status == SB_OK && !done;) status = rewrite_person(store, true, &row, &done, error);
  done = false;
  for (int64_t row = 0; status == SB_OK && !done;)
    status = rewrite_face(store, true, 0, NULL, NULL, &row, &done, error);
  if (status == SB_OK) status = sb_store_exec(store, "DELETE FROM meta WHERE key = 'key_check'", error);
  return status;
}
