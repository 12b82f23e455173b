/* Reading the gallery: all faces in their order, those of one person, or the nearest ones. */
#include "sql/gallery/gallery_table.h"

#include "store/store.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  K_MAX = SB_INDEX_K_MAX,
  PAGE = 256,
  SLACK = 8, /* faces beyond those that are wanted: the index keeps float16 and the order of close ones may differ */
  BATCH_FIRST = 16,
  BATCH_GROWTH = 8,
  BATCH_LAST = 2048,
  /* The plan, by idxNum. */
  PLAN_NEAREST = 1,
  PLAN_MATCH = 2,
  PLAN_K = 4,
  PLAN_LIMIT = 8, /* a hint how many rows will be taken */
  PLAN_ID = 16,   /* one person's */
  PLAN_ROW = 32   /* one face */
};

/* What a score of the index can be off by: float16 keeps 11 bits of each number of a vector of unit length. */
#define SCORE_OFF 1e-3f

typedef struct near {
  sb_store_face_row row;
  double value; /* cosine */
} near;

typedef struct cursor {
  sqlite3_vtab_cursor base;
  int plan;
  bool eof, exhausted;
  int64_t collection, person; /* person 0: all */
  size_t dim;
  sb_store_face_row page[PAGE];
  size_t page_count, page_at;
  float *probe; /* of unit length */
  size_t k, batch, rank;
  near *found;
  size_t count, at;
  int64_t *given; /* faces that earlier batches brought, ascending */
  size_t given_count;
  sb_store_face_row row;
  sb_people *opened; /* the person `opened_row`, when not NULL */
  int64_t opened_row;
  float *template; /* room for dim */
} cursor;

static sb_sql_gallery_table *table_of(const cursor *c) {
  return (sb_sql_gallery_table *)c->base.pVtab;
}

/* ---- The plan */

int sb_sql_gallery_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  int probe = -1, k = -1, limit = -1, id = -1, row = -1, metric = 0, next = 0;
  bool match = false, impossible = false;
  for (int i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];
    bool function = c->op >= SQLITE_INDEX_CONSTRAINT_FUNCTION && c->op < SQLITE_INDEX_CONSTRAINT_FUNCTION + 3;
    if (c->op == SQLITE_INDEX_CONSTRAINT_LIMIT && c->usable) {
      limit = i;
    } else if (c->op == SQLITE_INDEX_CONSTRAINT_MATCH || function) {
      if (c->iColumn != SB_SQL_GALLERY_VECTOR || probe >= 0) {
        base->zErrMsg = sqlite3_mprintf("a search has one probe, for the column of vectors");
        return SQLITE_ERROR;
      }
      probe = i;
      match = !function;
      metric = function ? c->op - SQLITE_INDEX_CONSTRAINT_FUNCTION : SB_SQL_METRIC_COSINE;
      impossible |= !c->usable;
    } else if (c->op == SQLITE_INDEX_CONSTRAINT_EQ && c->iColumn == SB_SQL_GALLERY_K) {
      k = i;
      impossible |= !c->usable;
    } else if (c->op == SQLITE_INDEX_CONSTRAINT_EQ && c->usable) {
      if (c->iColumn == SB_SQL_GALLERY_ID && !sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY")) id = i;
      if (c->iColumn == -1) row = i;
    }
  }
  if (impossible) return SQLITE_CONSTRAINT;
  if (k >= 0 && probe < 0) {
    base->zErrMsg = sqlite3_mprintf("k = ... goes with MATCH");
    return SQLITE_ERROR;
  }
  int wanted[] = {probe, k, probe >= 0 && k < 0 ? limit : -1, probe < 0 ? row : -1, probe < 0 && row < 0 ? id : -1};
  static const int bits[] = {PLAN_NEAREST, PLAN_K, PLAN_LIMIT, PLAN_ROW, PLAN_ID};
  for (int i = 0; i < 5; i++) {
    if (wanted[i] < 0) continue;
    info->idxNum |= bits[i];
    info->aConstraintUsage[wanted[i]].argvIndex = ++next;
    info->aConstraintUsage[wanted[i]].omit = i < 2;
  }
  if (match) info->idxNum |= PLAN_MATCH;
  if (info->nOrderBy == 1) {
    int column = info->aOrderBy[0].iColumn;
    bool falling = info->aOrderBy[0].desc;
    info->orderByConsumed = probe >= 0
                                ? (column == SB_SQL_GALLERY_SIMILARITY && falling) ||
                                      ((column == SB_SQL_GALLERY_DISTANCE || column == SB_SQL_GALLERY_RANK) && !falling)
                                : column == -1 && !falling;
  }
  bool one = info->idxNum & (PLAN_ID | PLAN_ROW);
  info->estimatedCost = probe >= 0 ? 1000 : one ? 100 : 1e8;
  info->estimatedRows = probe >= 0 || one ? 25 : 1000000;
  info->idxStr =
      probe >= 0 ? sqlite3_mprintf("nearest by %s%s", sb_sql_metric_name((sb_sql_metric)metric), k >= 0 ? ", k" : "")
                 : sqlite3_mprintf(info->idxNum & PLAN_ROW  ? "face by row"
                                   : info->idxNum & PLAN_ID ? "faces of an id"
                                                            : "all faces");
  info->needToFreeIdxStr = 1;
  return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}

/* ---- Opening and closing */

int sb_sql_gallery_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  (void)base;
  cursor *c = sb_alloc(1, sizeof *c, NULL);
  if (!c) return SQLITE_NOMEM;
  *out = &c->base;
  return SQLITE_OK;
}

static void clear(cursor *c) {
  if (c->template) sb_wipe(c->template, c->dim * sizeof *c->template);
  free(c->template);
  free(c->probe);
  free(c->found);
  free(c->given);
  sb_people_free(c->opened);
  *c = (cursor){.base = c->base};
}

int sb_sql_gallery_close(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  clear(c);
  free(c);
  return SQLITE_OK;
}

/* ---- All faces, or one person's */

static sb_status step_scan(cursor *c, sb_error *error) {
  if (c->page_at == c->page_count && !c->exhausted) {
    int64_t after = c->page_count ? c->page[c->page_count - 1].face : c->row.face;
    sb_status status = sb_store_face_rows(sb_engine_store(table_of(c)->engine), c->collection, c->person, after, PAGE,
                                          c->page, &c->page_count, error);
    if (status != SB_OK) return status;
    c->page_at = 0;
    c->exhausted = c->page_count < PAGE;
  }
  c->eof = c->page_at == c->page_count;
  if (!c->eof) c->row = c->page[c->page_at++];
  return SB_OK;
}

static sb_status start_scan(cursor *c, sqlite3_value *value, sb_error *error) {
  c->eof = !c->collection;
  if (c->eof) return SB_OK;
  if (c->plan & PLAN_ID) {
    const char *id = (const char *)sqlite3_value_text(value);
    c->eof = !id || sqlite3_value_type(value) == SQLITE_BLOB;
    if (c->eof) return SB_OK;
    sb_status status =
        sb_store_person_find(sb_engine_store(table_of(c)->engine), c->collection, id, &c->person, NULL, error);
    if (status == SB_NOT_FOUND) return c->eof = true, SB_OK;
    if (status != SB_OK) return status;
  } else if (c->plan & PLAN_ROW) {
    int64_t row = sqlite3_value_int64(value);
    c->eof = row <= 0 || sqlite3_value_numeric_type(value) != SQLITE_INTEGER;
    if (c->eof) return SB_OK;
    c->row.face = row - 1; /* the first face behind this one, if it is the one */
    sb_status status = step_scan(c, error);
    c->exhausted = true;
    c->page_count = c->page_at = 0;
    c->eof |= c->row.face != row;
    return status;
  }
  return step_scan(c, error);
}

/* ---- The nearest faces */

static int by_value(const void *a, const void *b) {
  const near *x = a, *y = b;
  if (x->value != y->value) return x->value > y->value ? -1 : 1;
  return (x->row.face > y->row.face) - (x->row.face < y->row.face);
}

static int by_number(const void *a, const void *b) {
  const int64_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static bool was_given(const cursor *c, int64_t face) {
  return c->given_count && bsearch(&face, c->given, c->given_count, sizeof face, by_number);
}

/* Looks at the template itself, for the exact value; a face that was deleted a moment ago is passed over. */
static sb_status add_near(cursor *c, sb_store_face_row row, sb_error *error) {
  if (was_given(c, row.face)) return SB_OK;
  sb_status status = sb_store_face_template(sb_engine_store(table_of(c)->engine), row.face, c->dim, c->template, error);
  if (status == SB_NOT_FOUND) return SB_OK;
  if (status != SB_OK) return status;
  if (!(c->count & (c->count - 1))) { /* room is a power of two */
    void *found = c->found;
    status = sb_grow(&found, c->count ? c->count * 2 : 1, sizeof *c->found, error);
    if (status != SB_OK) return status;
    c->found = found;
  }
  c->found[c->count++] = (near){row, (double)sb_dot(c->template, c->probe, c->dim)};
  return SB_OK;
}

static sb_status find_all(cursor *c, sb_error *error) {
  sb_store_face_row rows[PAGE];
  size_t count = PAGE;
  int64_t after = 0;
  sb_status status = SB_OK;
  c->exhausted = true;
  while (status == SB_OK && count == PAGE) {
    status =
        sb_store_face_rows(sb_engine_store(table_of(c)->engine), c->collection, 0, after, PAGE, rows, &count, error);
    for (size_t i = 0; status == SB_OK && i < count; i++) status = add_near(c, rows[i], error);
    if (count) after = rows[count - 1].face;
  }
  return status;
}

static sb_status find_some(cursor *c, size_t wanted, sb_error *error) {
  size_t found = 0, k = wanted + SLACK < SB_INDEX_K_MAX ? wanted + SLACK : SB_INDEX_K_MAX;
  sb_hit *hits = sb_alloc(k, sizeof *hits, error);
  if (!hits) return SB_NO_MEMORY;
  const sb_engine_query query = {.collection = c->collection, .vector = c->probe, .k = k};
  sb_status status = sb_engine_nearest(table_of(c)->engine, &query, hits, &found, error);
  size_t all = found;
  /* Each look at a template may be a read from the disk: none at those that cannot be among the wanted ones. */
  while (found > wanted && hits[found - 1].score < hits[wanted - 1].score - SCORE_OFF) found--;
  c->exhausted = c->k || (all < k && found == all);
  for (size_t i = 0; status == SB_OK && i < found; i++)
    status = add_near(c, (sb_store_face_row){(int64_t)hits[i].key, (int64_t)hits[i].label}, error);
  free(hits);
  return status;
}

static sb_status remember_given(cursor *c, sb_error *error) {
  void *given = c->given;
  sb_status status = sb_grow(&given, c->given_count + c->count + 1, sizeof *c->given, error);
  if (status != SB_OK) return status;
  c->given = given;
  for (size_t i = 0; i < c->count; i++) c->given[c->given_count++] = c->found[i].row.face;
  qsort(c->given, c->given_count, sizeof *c->given, by_number);
  c->count = c->at = 0;
  return SB_OK;
}

static sb_status next_batch(cursor *c, sb_error *error) {
  sb_status status = remember_given(c, error);
  if (status != SB_OK || c->exhausted) return status;
  size_t wanted = c->k ? c->k : c->batch;
  bool last = !c->k && wanted > BATCH_LAST;
  c->batch = c->batch * BATCH_GROWTH;
  status = last ? find_all(c, error) : find_some(c, wanted, error);
  if (status != SB_OK) return status;
  if (c->count) qsort(c->found, c->count, sizeof *c->found, by_value);
  /* The slack's faces come with the next batch, when they have their right place. */
  if (!last && !(c->exhausted && !c->k) && c->count > wanted) c->count = wanted;
  return SB_OK;
}

static sb_status step_search(cursor *c, sb_error *error) {
  sb_status status = c->at == c->count ? next_batch(c, error) : SB_OK;
  if (status != SB_OK) return status;
  c->eof = c->at == c->count;
  if (c->eof) return SB_OK;
  c->row = c->found[c->at].row;
  c->rank++;
  return SB_OK;
}

/* *nothing: there is no direction to search in. */
static sb_status read_probe(cursor *c, sqlite3_value *argument, bool *nothing, sb_error *error) {
  sb_sql_value value = {0};
  *nothing = sqlite3_value_type(argument) == SQLITE_NULL;
  if (*nothing) return SB_OK;
  sb_status status = sb_sql_value_of_argument(argument, &value, error);
  if (status == SB_OK && c->collection && value.dim != c->dim)
    status = sb_fail(error, SB_INVALID, "vector length: the gallery's templates have %zu elements, the probe has %zu",
                     c->dim, value.dim);
  if (status == SB_OK) status = sb_sql_value_convert(&value, SB_SQL_ELEMENT_FLOAT, error);
  if (status == SB_OK) status = sb_sql_value_check(&value, error);
  if (status == SB_OK && !(c->probe = sb_alloc(value.dim, sizeof *c->probe, error))) status = SB_NO_MEMORY;
  if (status == SB_OK) {
    memcpy(c->probe, value.bytes, value.dim * sizeof *c->probe);
    bool zero = !(sb_normalize(c->probe, value.dim) > 0);
    *nothing = zero && !(c->plan & PLAN_MATCH);
    if (zero && c->plan & PLAN_MATCH)
      status = sb_fail(error, SB_INVALID, "vector element: the probe is zero and has no direction to compare");
  }
  sb_sql_value_free(&value);
  return status;
}

static sb_status start_search(cursor *c, sqlite3_value **values, sb_error *error) {
  int taken = 1;
  bool nothing = false;
  sb_status status = read_probe(c, values[0], &nothing, error);
  if (status == SB_OK && c->plan & PLAN_K) {
    sqlite3_int64 k = sqlite3_value_int64(values[taken]);
    if (sqlite3_value_numeric_type(values[taken++]) != SQLITE_INTEGER || k < 1 || k > K_MAX)
      status = sb_fail(error, SB_INVALID, "k is a whole number from 1 to %d; for more rows leave it out and use LIMIT",
                       K_MAX);
    c->k = (size_t)k;
  }
  if (status != SB_OK) return status;
  c->batch = BATCH_FIRST;
  if (c->plan & PLAN_LIMIT) {
    sqlite3_int64 limit = sqlite3_value_int64(values[taken]);
    if (limit > 0 && limit <= BATCH_LAST) c->batch = (size_t)limit;
  }
  c->eof = !c->collection || (nothing && c->plan & PLAN_MATCH);
  if (c->eof) return SB_OK;
  if (!nothing) return step_search(c, error);
  c->plan = 0; /* all are as near: any order is right */
  return start_scan(c, NULL, error);
}

int sb_sql_gallery_filter(sqlite3_vtab_cursor *base, int number, const char *text, int count, sqlite3_value **values) {
  cursor *c = (cursor *)base;
  sb_sql_gallery_table *table = table_of(c);
  sb_store_collection shelf;
  sb_error error = {0};
  (void)text;
  clear(c);
  c->plan = number;
  sb_status status = sb_engine_collection(table->engine, table->collection, false, &shelf, &error);
  if (status == SB_OK) {
    c->collection = shelf.row;
    c->dim = shelf.info.dim;
    c->template = sb_alloc(c->dim ? c->dim : 1, sizeof *c->template, &error);
    if (!c->template) status = SB_NO_MEMORY;
  }
  if (status == SB_OK)
    status = number & PLAN_NEAREST ? start_search(c, values, &error) : start_scan(c, count ? values[0] : NULL, &error);
  return sb_sql_vtab_error(&table->base, status, &error);
}

int sb_sql_gallery_next(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  sb_error error = {0};
  c->at++;
  sb_status status = c->plan & PLAN_NEAREST ? step_search(c, &error) : step_scan(c, &error);
  return sb_sql_vtab_error(&table_of(c)->base, status, &error);
}

int sb_sql_gallery_eof(sqlite3_vtab_cursor *base) {
  return ((cursor *)base)->eof;
}

int sb_sql_gallery_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = ((cursor *)base)->row.face;
  return SQLITE_OK;
}

/* ---- Columns */

/* The row's person, opened; NULL when it is gone. */
static sb_status open_person(cursor *c, const sb_person **out, sb_error *error) {
  if (!c->opened || c->opened_row != c->row.person) {
    sb_people_free(c->opened);
    c->opened = NULL;
    c->opened_row = c->row.person;
    sb_status status = sb_store_person_get(sb_engine_store(table_of(c)->engine), c->row.person, &c->opened, error);
    if (status != SB_OK && status != SB_NOT_FOUND) return status;
  }
  *out = c->opened ? &c->opened->items[0] : NULL;
  return SB_OK;
}

static void result_text(sqlite3_context *context, const char *text) {
  sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* In the article's words: "Woman", "Latino hispanic". What is not known is NULL. */
static void person_column(sqlite3_context *context, const sb_person *person, int column) {
  const sb_attributes *a = &person->attributes;
  char word[32];
  if (column == SB_SQL_GALLERY_ID) result_text(context, person->id);
  if (column == SB_SQL_GALLERY_NAME) result_text(context, person->name);
  if (!person->has_attributes) return;
  if (column == SB_SQL_GALLERY_AGE && a->age >= 0) sqlite3_result_int64(context, lroundf(a->age));
  if (column == SB_SQL_GALLERY_GENDER && a->man >= 0) result_text(context, a->man >= a->woman ? "Man" : "Woman");
  if (column != SB_SQL_GALLERY_ETHNICITY || !(a->ethnicity[a->ethnicity_dominant] >= 0)) return;
  snprintf(word, sizeof word, "%s", sb_ethnicity_name(a->ethnicity_dominant));
  word[0] = (char)toupper((unsigned char)word[0]);
  for (char *p = word; *p; p++)
    if (*p == '_') *p = ' ';
  result_text(context, word);
}

static sb_status vector_column(cursor *c, sqlite3_context *context, sb_error *error) {
  sb_status status =
      sb_store_face_template(sb_engine_store(table_of(c)->engine), c->row.face, c->dim, c->template, error);
  if (status == SB_NOT_FOUND) return SB_OK; /* deleted a moment ago */
  if (status != SB_OK) return status;
  size_t size;
  uint8_t *blob = sb_sql_value_blob_of_floats(c->template, c->dim, &size, error);
  if (!blob) return SB_NO_MEMORY;
  sqlite3_result_blob64(context, blob, size, free);
  return SB_OK;
}

int sb_sql_gallery_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  cursor *c = (cursor *)base;
  sb_error error = {0};
  const sb_person *person = NULL;
  if (column <= SB_SQL_GALLERY_VECTOR && sqlite3_vtab_nochange(context))
    return SQLITE_OK; /* an UPDATE that leaves it as it is */
  if (column > SB_SQL_GALLERY_VECTOR) {
    if (!(c->plan & PLAN_NEAREST)) return SQLITE_OK;
    double value = c->found[c->at].value;
    if (column == SB_SQL_GALLERY_RANK) sqlite3_result_int64(context, (sqlite3_int64)c->rank);
    if (column == SB_SQL_GALLERY_SIMILARITY) sqlite3_result_double(context, value);
    if (column == SB_SQL_GALLERY_DISTANCE) sqlite3_result_double(context, 1 - value);
    if (column == SB_SQL_GALLERY_K && c->k) sqlite3_result_int64(context, (sqlite3_int64)c->k);
    return SQLITE_OK;
  }
  sb_status status =
      column == SB_SQL_GALLERY_VECTOR ? vector_column(c, context, &error) : open_person(c, &person, &error);
  if (status == SB_OK && person) person_column(context, person, column);
  return sb_sql_vtab_error(&table_of(c)->base, status, &error);
}
