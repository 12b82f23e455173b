/* Chooses how a statement reads a gallery's table (xBestIndex): the nearest faces, one face, one person's, or all. */
#include "sql/gallery/plan.h"

#include "sql/gallery/gallery_table.h"
#include "sql/gallery/methods.h"
#include "sql/table/plan.h"
#include "sql/vectors/bounds.h"

/* The constraints that matter, as indexes into info->aConstraint; -1: there is none. */
typedef struct plan {
  int query, k, limit, row, id;
  bool match;      /* the query vector comes from MATCH, not from one of sb_sql_nearest_functions */
  bool impossible; /* a value that the search needs is not known in this join order */
  sb_sql_metric metric;
  const char *refusal; /* NULL: the statement makes sense */
} plan;

static void find_constraint(plan *p, sqlite3_index_info *info, int i) {
  const struct sqlite3_index_constraint *c = &info->aConstraint[i];
  int function = c->op - SQLITE_INDEX_CONSTRAINT_FUNCTION;
  bool nearest = function >= 0 && function < SB_SQL_METRICS, match = c->op == SQLITE_INDEX_CONSTRAINT_MATCH;
  bool equal = c->op == SQLITE_INDEX_CONSTRAINT_EQ;
  if (c->op == SQLITE_INDEX_CONSTRAINT_LIMIT && c->usable) {
    p->limit = i;
  } else if (nearest || match) {
    if (c->iColumn != SB_SQL_GALLERY_VECTOR) p->refusal = "MATCH works on the vector column only";
    if (p->query >= 0) p->refusal = "a search has one query vector; use MATCH once";
    p->query = i;
    p->match = match;
    p->metric = match ? SB_SQL_METRIC_COSINE : (sb_sql_metric)function;
    p->impossible |= !c->usable;
    /* Templates have length 1, so cosine orders them as the inner product and L2 do. */
    if (p->metric == SB_SQL_METRIC_L1) p->refusal = "no index answers a search by L1";
  } else if (equal && c->iColumn == SB_SQL_GALLERY_K) {
    p->k = i;
    p->impossible |= !c->usable;
  } else if (equal && c->usable && c->iColumn == -1) {
    p->row = i;
  } else if (equal && c->usable && c->iColumn == SB_SQL_GALLERY_ID &&
             !sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY")) {
    p->id = i;
  }
}

/* Tells SQLite which values xFilter gets, and returns their number. SQLite checks all of them again but the query
 * vector and k. */
static int take_values(const plan *p, sqlite3_index_info *info) {
  const bool search = p->query >= 0;
  const struct {
    int constraint, flag;
    bool omit;
  } values[] = {
      {p->query, SB_SQL_GALLERY_PLAN_NEAREST, true},
      {p->k, SB_SQL_GALLERY_PLAN_K, true},
      {search && p->k < 0 ? p->limit : -1, SB_SQL_GALLERY_PLAN_LIMIT, false},
      {search ? -1 : p->row, SB_SQL_GALLERY_PLAN_ROW, false},
      {search || p->row >= 0 ? -1 : p->id, SB_SQL_GALLERY_PLAN_ID, false},
  };
  int next = 0;
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    if (values[i].constraint < 0) continue;
    info->idxNum |= values[i].flag;
    info->aConstraintUsage[values[i].constraint].argvIndex = ++next;
    info->aConstraintUsage[values[i].constraint].omit = values[i].omit;
  }
  if (p->match) info->idxNum |= SB_SQL_GALLERY_PLAN_MATCH;
  return next;
}

/* Takes the conditions on distance and similarity into a search with k, and appends them to the plan's text. `values`:
 * how many xFilter gets before them. */
static sb_status take_bounds(const plan *p, sqlite3_index_info *info, int values, sb_buffer *text) {
  sb_status status = SB_OK;
  bool first = true;
  for (int i = 0; status == SB_OK && p->query >= 0 && p->k >= 0 && i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];
    bool distance = c->iColumn == SB_SQL_GALLERY_DISTANCE, similarity = c->iColumn == SB_SQL_GALLERY_SIMILARITY;
    if (!c->usable || (!distance && !similarity) || !sb_sql_bounds_has_operator(c->op)) continue;
    if (c->op == SQLITE_INDEX_CONSTRAINT_EQ && sqlite3_vtab_in(info, i, -1)) continue; /* a list */
    info->aConstraintUsage[i].argvIndex = ++values;
    if (first) status = sb_buffer_addf(text, NULL, ", where:");
    first = false;
    if (status == SB_OK) status = sb_sql_condition_describe(info, i, distance ? "distance" : "similarity", false, text);
  }
  return status;
}

/* Whether the rows come in the order of the ORDER BY clause. */
static bool ordered(const plan *p, const sqlite3_index_info *info) {
  if (info->nOrderBy != 1) return false;
  int column = info->aOrderBy[0].iColumn;
  bool descending = info->aOrderBy[0].desc;
  if (p->query < 0) return column == -1 && !descending;
  if (column == SB_SQL_GALLERY_SIMILARITY) return descending;
  return (column == SB_SQL_GALLERY_DISTANCE || column == SB_SQL_GALLERY_RANK) && !descending;
}

/* The plan's text, for EXPLAIN QUERY PLAN. */
static sb_status describe(const plan *p, int flags, sb_buffer *text) {
  if (p->query >= 0)
    return sb_buffer_addf(text, NULL, "nearest by %s%s", sb_sql_metric_name(p->metric), p->k >= 0 ? ", k" : "");
  if (flags & SB_SQL_GALLERY_PLAN_ROW) return sb_buffer_addf(text, NULL, "face by row");
  return sb_buffer_addf(text, NULL, flags & SB_SQL_GALLERY_PLAN_ID ? "faces of an id" : "all faces");
}

int sb_sql_gallery_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  const sb_sql_gallery_table *table = (const sb_sql_gallery_table *)base;
  plan p = {.query = -1, .k = -1, .limit = -1, .row = -1, .id = -1};
  for (int i = 0; i < info->nConstraint; i++) find_constraint(&p, info, i);
  if (p.k >= 0 && p.query < 0) p.refusal = "k = ... needs a query vector; add MATCH on the vector column";
  if (p.refusal) {
    base->zErrMsg = sqlite3_mprintf("%s: %s", table->name, p.refusal);
    return SQLITE_ERROR;
  }
  if (p.impossible) return SQLITE_CONSTRAINT;
  int values = take_values(&p, info);
  bool search = p.query >= 0, few = info->idxNum & (SB_SQL_GALLERY_PLAN_ID | SB_SQL_GALLERY_PLAN_ROW);
  info->orderByConsumed = ordered(&p, info);
  info->estimatedCost = search ? 1000 : few ? 100 : 1e8;
  info->estimatedRows = search || few ? 25 : 1000000;
  sb_buffer text = {0};
  if (describe(&p, info->idxNum, &text) == SB_OK && take_bounds(&p, info, values, &text) == SB_OK)
    info->idxStr = sqlite3_mprintf("%s", text.bytes);
  sb_buffer_free(&text);
  info->needToFreeIdxStr = 1;
  return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}
