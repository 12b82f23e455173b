/* Reading a gallery's table: all faces in their order, those of one person, one face, or the nearest faces.
 *
 * A search asks the index for candidates, then computes the exact cosine from each template. Without k it works in
 * batches that grow, for as long as the statement takes rows; after BATCH_LAST it reads all templates. */
#include "engine/face_rows.h"
#include "sql/error.h"
#include "sql/gallery/gallery_table.h"
#include "sql/gallery/methods.h"
#include "sql/gallery/plan.h"
#include "sql/table/join.h"
#include "sql/vectors/argument.h"
#include "sql/vectors/walk.h"
#include "vector/vector.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  PAGE = 256, /* faces read from the database at a time */
  SLACK = 8,  /* faces beyond those wanted: the index stores float16, so the order of close faces may differ */
  BATCH_FIRST = 16,
  BATCH_GROWTH = 8,
  BATCH_LAST = 2048,
};

/* How far a score of the index can be from the exact cosine: float16 keeps 11 bits of each element of a unit vector. */
#define SCORE_ERROR 1e-3f

typedef struct neighbor {
  sb_store_face_row row;
  double value; /* the cosine */
} neighbor;

typedef struct cursor {
  sqlite3_vtab_cursor base;
  int plan; /* SB_SQL_GALLERY_PLAN_... */
  bool eof, exhausted;
  int64_t collection, person; /* rows; collection 0: nobody is enrolled; person 0: everybody */
  size_t dim;
  sb_store_face_row row; /* the current row */
  /* A scan: the current page. */
  sb_store_face_row page[PAGE];
  size_t page_count, page_at;
  /* A search: the query, of unit length; the current batch, in which the current row is found[walk.at]. */
  float *query;
  sb_sql_walk walk;
  size_t batch; /* how many rows the next batch is to have */
  neighbor *found;
  int64_t *returned; /* the faces of earlier batches, ascending */
  size_t returned_count;
  /* What columns are read from. */
  sb_people *person_read; /* the person in row `person_row`; NULL: not read, or gone */
  int64_t person_row;
  float *template; /* room for one; wiped at the end */
} cursor;

static sb_sql_gallery_table *table_of(const cursor *c) {
  return (sb_sql_gallery_table *)c->base.pVtab;
}

static sb_engine *engine_of(const cursor *c) {
  return table_of(c)->engine;
}

static int fail(const cursor *c, sb_status status, const sb_error *error) {
  return sb_sql_vtab_error(c->base.pVtab, status, error);
}

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
  free(c->query);
  free(c->found);
  free(c->returned);
  sb_people_free(c->person_read);
  *c = (cursor){.base = c->base};
}

int sb_sql_gallery_close(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  clear(c);
  free(c);
  return SQLITE_OK;
}

/* ---- A scan */

static sb_status step_scan(cursor *c, sb_error *error) {
  if (c->page_at == c->page_count && !c->exhausted) {
    sb_store_face_query query = {.collection = c->collection, .person = c->person, .after = c->row.face, .limit = PAGE};
    sb_status status = sb_engine_face_rows(engine_of(c), &query, c->page, &c->page_count, error);
    if (status != SB_OK) return status;
    c->page_at = 0;
    c->exhausted = c->page_count < PAGE;
  }
  c->eof = c->page_at == c->page_count;
  if (!c->eof) c->row = c->page[c->page_at++];
  return SB_OK;
}

static sb_status scan_person(cursor *c, sqlite3_value *value, sb_error *error) {
  const char *id = (const char *)sqlite3_value_text(value);
  if (!id || sqlite3_value_type(value) == SQLITE_BLOB) return c->eof = true, SB_OK;
  sb_status status = sb_engine_person_row(engine_of(c), c->collection, id, &c->person, error);
  if (status == SB_NOT_FOUND) return c->eof = true, SB_OK;
  return status == SB_OK ? step_scan(c, error) : status;
}

static sb_status scan_row(cursor *c, sqlite3_value *value, sb_error *error) {
  int64_t row = 0;
  if (!sb_sql_whole_number(value, &row) || row <= 0) return c->eof = true, SB_OK;
  c->row.face = row - 1; /* the first face after it is the wanted one, if that exists */
  sb_status status = step_scan(c, error);
  c->exhausted = true;
  c->page_count = c->page_at = 0;
  c->eof |= c->row.face != row;
  return status;
}

static sb_status start_scan(cursor *c, sqlite3_value *value, sb_error *error) {
  if (!c->collection) return c->eof = true, SB_OK;
  if (c->plan & SB_SQL_GALLERY_PLAN_ID) return scan_person(c, value, error);
  if (c->plan & SB_SQL_GALLERY_PLAN_ROW) return scan_row(c, value, error);
  return step_scan(c, error);
}

/* ---- A search */

static int by_descending_value(const void *a, const void *b) {
  const neighbor *x = a, *y = b;
  if (x->value != y->value) return x->value > y->value ? -1 : 1;
  return (x->row.face > y->row.face) - (x->row.face < y->row.face);
}

static int by_number(const void *a, const void *b) {
  const int64_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static bool was_returned(const cursor *c, int64_t face) {
  return c->returned_count && bsearch(&face, c->returned, c->returned_count, sizeof face, by_number);
}

/* Adds a face to the batch with its exact value. A face that was erased a moment ago, or was returned, is skipped. */
static sb_status add_neighbor(cursor *c, sb_store_face_row row, sb_error *error) {
  if (was_returned(c, row.face)) return SB_OK;
  sb_status status = sb_engine_face_template(engine_of(c), row.face, c->dim, c->template, error);
  if (status == SB_NOT_FOUND) return SB_OK;
  if (status != SB_OK) return status;
  if (!(c->walk.count & (c->walk.count - 1))) { /* the array is full: its capacity is a power of two */
    void *found = c->found;
    status = sb_grow(&found, c->walk.count ? c->walk.count * 2 : 1, sizeof *c->found, error);
    if (status != SB_OK) return status;
    c->found = found;
  }
  c->found[c->walk.count++] = (neighbor){row, (double)sb_dot(c->template, c->query, c->dim)};
  return SB_OK;
}

/* Reads every template of the collection. */
static sb_status find_all(cursor *c, sb_error *error) {
  sb_store_face_row rows[PAGE];
  sb_store_face_query query = {.collection = c->collection, .limit = PAGE};
  c->exhausted = true;
  for (size_t count = PAGE; count == PAGE;) {
    sb_status status = sb_engine_face_rows(engine_of(c), &query, rows, &count, error);
    for (size_t i = 0; status == SB_OK && i < count; i++) status = add_neighbor(c, rows[i], error);
    if (status != SB_OK) return status;
    if (count) query.after = rows[count - 1].face;
  }
  return SB_OK;
}

/* Whether the first batch has all rows: k of them. */
static bool takes_one_batch(const cursor *c) {
  return c->walk.k && !c->walk.bounds.count;
}

/* Asks the index for the candidates of `wanted` faces. */
static sb_status find_some(cursor *c, size_t wanted, sb_error *error) {
  size_t found = 0, k = wanted + SLACK < SB_INDEX_K_MAX ? wanted + SLACK : SB_INDEX_K_MAX;
  sb_hit *hits = sb_alloc(k, sizeof *hits, error);
  if (!hits) return SB_NO_MEMORY;
  const sb_engine_query query = {.collection = c->collection, .vector = c->query, .k = k};
  sb_status status = sb_engine_nearest(engine_of(c), &query, hits, &found, error);
  size_t all = found;
  /* Reading a template may go to the disk, so leave out candidates that cannot be among the wanted ones. */
  while (found > wanted && hits[found - 1].score < hits[wanted - 1].score - SCORE_ERROR) found--;
  c->exhausted = takes_one_batch(c) || (all < k && found == all);
  for (size_t i = 0; status == SB_OK && i < found; i++)
    status = add_neighbor(c, (sb_store_face_row){(int64_t)hits[i].key, (int64_t)hits[i].label}, error);
  free(hits);
  return status;
}

/* Adds the faces of the current batch to `returned`, and empties the batch. */
static sb_status finish_batch(cursor *c, sb_error *error) {
  void *returned = c->returned;
  sb_status status = sb_grow(&returned, c->returned_count + c->walk.count + 1, sizeof *c->returned, error);
  if (status != SB_OK) return status;
  c->returned = returned;
  for (size_t i = 0; i < c->walk.count; i++) c->returned[c->returned_count++] = c->found[i].row.face;
  qsort(c->returned, c->returned_count, sizeof *c->returned, by_number);
  c->walk.count = c->walk.at = 0;
  return SB_OK;
}

static sb_status next_batch(cursor *c, sb_error *error) {
  sb_status status = finish_batch(c, error);
  if (status != SB_OK || c->exhausted) return status;
  bool one = takes_one_batch(c);
  size_t wanted = one ? c->walk.k : c->batch;
  bool last = !one && wanted > BATCH_LAST;
  c->batch = c->batch * BATCH_GROWTH;
  status = last ? find_all(c, error) : find_some(c, wanted, error);
  if (status != SB_OK) return status;
  if (c->walk.count) qsort(c->found, c->walk.count, sizeof *c->found, by_descending_value);
  /* Candidates beyond the wanted ones come again with the next batch, when their place is certain. */
  if (!last && !(c->exhausted && !one) && c->walk.count > wanted) c->walk.count = wanted;
  return SB_OK;
}

static sb_status more_faces(void *cursor_, sb_error *error) {
  return next_batch(cursor_, error);
}

static double value_of(const void *cursor_, size_t at) {
  return ((const cursor *)cursor_)->found[at].value;
}

static sb_status step_search(cursor *c, sb_error *error) {
  const sb_sql_walk_source source = {c, SB_SQL_METRIC_COSINE, more_faces, value_of};
  sb_status status = sb_sql_walk_find(&c->walk, &source, &c->eof, error);
  if (status == SB_OK && !c->eof) c->row = c->found[c->walk.at].row;
  return status;
}

/* Reads the query vector. *none: it is NULL or zero, so no face is nearer than another. */
static sb_status read_query(cursor *c, sqlite3_value *argument, bool *none, sb_error *error) {
  const sb_sql_gallery_table *table = table_of(c);
  size_t dim = 0;
  *none = sqlite3_value_type(argument) == SQLITE_NULL;
  if (*none) return SB_OK;
  sb_status status = sb_sql_floats_of_argument(argument, &c->query, &dim, error);
  if (status == SB_OK && c->collection)
    status = sb_sql_check_length(table->name, table->vector_name, c->dim, dim, error);
  if (status != SB_OK) return status;
  *none = !(sb_normalize(c->query, dim) > 0);
  if (!*none || !(c->plan & SB_SQL_GALLERY_PLAN_MATCH)) return SB_OK;
  return sb_fail(error, SB_INVALID,
                 "vector element: all elements of the query vector are zero; cosine needs a direction");
}

/* Reads the conditions on distance and similarity, of which the plan's text has one for each value. */
static sb_status read_bounds(cursor *c, const char *plan, int count, sqlite3_value **values, sb_error *error) {
  const char *conditions = sb_sql_plan_conditions(plan);
  sb_sql_condition condition;
  bool late = false;
  if (sb_sql_find_late(table_of(c)->db, c->plan, plan, count, values, &late) != SQLITE_OK)
    return sb_fail(error, SB_STORE, "%s", sqlite3_errmsg(table_of(c)->db));
  for (int i = 0; i < count && sb_sql_plan_next_condition(&conditions, &condition); i++)
    if (!late || sb_sql_condition_is_fixed(&condition, values[i]))
      sb_sql_bounds_add(&c->walk.bounds, condition.column == SB_SQL_COLUMN_SIMILARITY,
                        sb_sql_condition_operator(&condition), values[i]);
  if (!sb_sql_bounds_skip_near(&c->walk.bounds)) c->walk.bounds.count = 0; /* SQLite drops the rows that are too far */
  return SB_OK;
}

static sb_status start_search(cursor *c, const char *plan, int count, sqlite3_value **values, sb_error *error) {
  int taken = 1;
  bool none = false, match = c->plan & SB_SQL_GALLERY_PLAN_MATCH;
  sb_status status = read_query(c, values[0], &none, error);
  if (status == SB_OK && c->plan & SB_SQL_GALLERY_PLAN_K)
    status = sb_sql_walk_read_k(&c->walk, values[taken++], SB_INDEX_K_MAX, error);
  if (status != SB_OK) return status;
  sqlite3_int64 limit = c->plan & SB_SQL_GALLERY_PLAN_LIMIT ? sqlite3_value_int64(values[taken++]) : 0;
  status = read_bounds(c, plan, count - taken, values + taken, error);
  if (status != SB_OK) return status;
  if (!limit) limit = (sqlite3_int64)c->walk.k;
  c->batch = limit > 0 && limit <= BATCH_LAST ? (size_t)limit : BATCH_FIRST;
  c->eof = !c->collection || (none && match) || (c->walk.k_given && !c->walk.k);
  if (c->eof) return SB_OK;
  if (!none) return step_search(c, error);
  c->plan = 0; /* any order is right */
  return start_scan(c, NULL, error);
}

/* ---- The cursor's methods */

static sb_status start(cursor *c, const char *plan, int count, sqlite3_value **values, sb_error *error) {
  const sb_sql_gallery_table *table = table_of(c);
  sb_store_collection collection;
  sb_status status = sb_engine_collection(table->engine, table->collection, false, &collection, error);
  if (status != SB_OK) return status;
  c->collection = collection.row;
  c->dim = collection.info.dim;
  c->template = sb_alloc(c->dim ? c->dim : 1, sizeof *c->template, error);
  if (!c->template) return SB_NO_MEMORY;
  if (c->plan & SB_SQL_GALLERY_PLAN_NEAREST) return start_search(c, plan, count, values, error);
  return start_scan(c, count ? values[0] : NULL, error);
}

int sb_sql_gallery_filter(sqlite3_vtab_cursor *base, int number, const char *text, int count, sqlite3_value **values) {
  cursor *c = (cursor *)base;
  sb_error error = {0};
  clear(c);
  c->plan = number;
  return fail(c, start(c, text, count, values, &error), &error);
}

int sb_sql_gallery_next(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  sb_error error = {0};
  c->walk.at++;
  return fail(c, c->plan & SB_SQL_GALLERY_PLAN_NEAREST ? step_search(c, &error) : step_scan(c, &error), &error);
}

int sb_sql_gallery_eof(sqlite3_vtab_cursor *base) {
  return ((cursor *)base)->eof;
}

int sb_sql_gallery_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = ((cursor *)base)->row.face;
  return SQLITE_OK;
}

/* ---- Columns */

static void result_text(sqlite3_context *context, const char *text) {
  sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* "latino_hispanic" as "Latino hispanic". */
static void result_ethnicity(sqlite3_context *context, int ethnicity) {
  char word[32];
  snprintf(word, sizeof word, "%s", sb_ethnicity_name(ethnicity));
  word[0] = (char)toupper((unsigned char)word[0]);
  for (char *p = word; *p; p++)
    if (*p == '_') *p = ' ';
  result_text(context, word);
}

/* Values in the article's spelling. What is not known stays NULL. */
static void person_column(sqlite3_context *context, const sb_person *person, int column) {
  const sb_attributes *a = &person->attributes;
  if (column == SB_SQL_GALLERY_ID) result_text(context, person->id);
  if (column == SB_SQL_GALLERY_NAME) result_text(context, person->name);
  if (!person->has_attributes) return;
  if (column == SB_SQL_GALLERY_AGE && a->age >= 0) sqlite3_result_int64(context, lroundf(a->age));
  if (column == SB_SQL_GALLERY_GENDER && a->man >= 0) result_text(context, a->man >= a->woman ? "Man" : "Woman");
  if (column == SB_SQL_GALLERY_ETHNICITY && a->ethnicity[a->ethnicity_dominant] >= 0)
    result_ethnicity(context, a->ethnicity_dominant);
}

/* Reads the current row's person once. `c->person_read` stays NULL when the person was erased meanwhile. */
static sb_status read_person(cursor *c, sb_error *error) {
  if (c->person_read && c->person_row == c->row.person) return SB_OK;
  sb_people_free(c->person_read);
  c->person_read = NULL;
  c->person_row = c->row.person;
  sb_status status = sb_engine_person_by_row(engine_of(c), c->row.person, &c->person_read, error);
  return status == SB_NOT_FOUND ? SB_OK : status;
}

static sb_status vector_column(cursor *c, sqlite3_context *context, sb_error *error) {
  size_t size;
  sb_status status = sb_engine_face_template(engine_of(c), c->row.face, c->dim, c->template, error);
  if (status == SB_NOT_FOUND) return SB_OK; /* erased a moment ago: NULL */
  if (status != SB_OK) return status;
  uint8_t *blob = sb_sql_value_blob_of_floats(c->template, c->dim, &size, error);
  if (!blob) return SB_NO_MEMORY;
  sqlite3_result_blob64(context, blob, size, free);
  return SB_OK;
}

/* distance, similarity, k and rank; NULL in a scan. */
static void hidden_column(const cursor *c, sqlite3_context *context, int column) {
  if (!(c->plan & SB_SQL_GALLERY_PLAN_NEAREST)) return;
  double value = c->found[c->walk.at].value;
  if (column == SB_SQL_GALLERY_RANK) sqlite3_result_int64(context, (sqlite3_int64)c->walk.rank);
  double similarity = sb_sql_similarity(SB_SQL_METRIC_COSINE, value);
  if (column == SB_SQL_GALLERY_SIMILARITY) sqlite3_result_double(context, similarity);
  if (column == SB_SQL_GALLERY_DISTANCE) sqlite3_result_double(context, sb_sql_distance(SB_SQL_METRIC_COSINE, value));
  if (column == SB_SQL_GALLERY_K && c->walk.k) sqlite3_result_int64(context, (sqlite3_int64)c->walk.k);
}

int sb_sql_gallery_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  cursor *c = (cursor *)base;
  sb_error error = {0};
  if (column > SB_SQL_GALLERY_VECTOR) return hidden_column(c, context, column), SQLITE_OK;
  if (sqlite3_vtab_nochange(context)) return SQLITE_OK; /* an UPDATE that does not set it */
  if (column == SB_SQL_GALLERY_VECTOR) return fail(c, vector_column(c, context, &error), &error);
  sb_status status = read_person(c, &error);
  if (status == SB_OK && c->person_read) person_column(context, &c->person_read->items[0], column);
  return fail(c, status, &error);
}
