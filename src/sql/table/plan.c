/* Chooses how a statement reads a table (xBestIndex), and reads that choice back.
 *
 * Conditions that the table checks itself are passed on in the plan's text. All of them are also left to SQLite to
 * check again (argumentUsage.omit is false), except the query vector and k, which have no meaning outside the table,
 * and equality of vectors. */
#include "sql/table/plan.h"

#include "sql/table/methods.h"
#include "sql/table/table.h"
#include "sql/vectors/bounds.h"

#include <stdio.h>
#include <string.h>

/* Each operator's word in a plan's text, and its SQL. The word `in` stands for an = whose values come as one list. */
static const struct {
  int code;
  const char *word, *sql;
} operators[] = {
    {SQLITE_INDEX_CONSTRAINT_EQ, "=", "= ?"},
    {SQLITE_INDEX_CONSTRAINT_GT, ">", "> ?"},
    {SQLITE_INDEX_CONSTRAINT_LE, "<=", "<= ?"},
    {SQLITE_INDEX_CONSTRAINT_LT, "<", "< ?"},
    {SQLITE_INDEX_CONSTRAINT_GE, ">=", ">= ?"},
    {SQLITE_INDEX_CONSTRAINT_NE, "<>", "<> ?"},
    {SQLITE_INDEX_CONSTRAINT_IS, "is", "IS ?"},
    {SQLITE_INDEX_CONSTRAINT_ISNOT, "isnot", "IS NOT ?"},
    {SQLITE_INDEX_CONSTRAINT_ISNULL, "isnull", "IS NULL"},
    {SQLITE_INDEX_CONSTRAINT_ISNOTNULL, "notnull", "IS NOT NULL"},
    {SQLITE_INDEX_CONSTRAINT_LIKE, "like", "LIKE ?"},
    {SQLITE_INDEX_CONSTRAINT_GLOB, "glob", "GLOB ?"},
};
enum { OPERATORS = sizeof operators / sizeof *operators };

static const char *operator_word(int code) {
  for (int i = 0; i < OPERATORS; i++)
    if (operators[i].code == code) return operators[i].word;
  return NULL;
}

/* ---- Reading a plan's text */

const char *sb_sql_plan_conditions(const char *plan) {
  const char *colon = strchr(plan, ':');
  return colon ? colon + 1 : "";
}

bool sb_sql_plan_next_condition(const char **text, sb_sql_condition *out) {
  const char *end = strchr(*text, ';');
  if (!end) return false;
  char collation[80] = "";
  *out = (sb_sql_condition){.column = SB_SQL_COLUMN_ROWID};
  if (sscanf(*text, " rowid %11s %79[^;]", out->operator, collation) == 2)
    out->column = SB_SQL_COLUMN_ROWID;
  else if (sscanf(*text, " distance %11s %79[^;]", out->operator, collation) == 2)
    out->column = SB_SQL_COLUMN_DISTANCE;
  else if (sscanf(*text, " similarity %11s %79[^;]", out->operator, collation) == 2)
    out->column = SB_SQL_COLUMN_SIMILARITY;
  else if (sscanf(*text, " c%d %11s %79[^;]", &out->column, out->operator, collation) != 3)
    return false;
  out->literal = strncmp(collation, "? ", 2) != 0;
  snprintf(out->collation, sizeof out->collation, "%s", collation + (out->literal ? 0 : 2));
  *text = end + 1;
  return true;
}

bool sb_sql_condition_is_list(const sb_sql_condition *condition) {
  return !strcmp(condition->operator, "in");
}

bool sb_sql_condition_has_value(const sb_sql_condition *condition) {
  return !strstr(condition->operator, "null");
}

bool sb_sql_condition_is_bound(const sb_sql_condition *condition) {
  return condition->column == SB_SQL_COLUMN_DISTANCE || condition->column == SB_SQL_COLUMN_SIMILARITY;
}

int sb_sql_condition_operator(const sb_sql_condition *condition) {
  for (int i = 0; i < OPERATORS; i++)
    if (!strcmp(operators[i].word, condition->operator)) return operators[i].code;
  return SQLITE_INDEX_CONSTRAINT_EQ; /* "in" */
}

sb_status sb_sql_condition_write(const sb_sql_condition *condition, size_t values, sb_buffer *out, sb_error *error) {
  const char *sql = NULL;
  for (int i = 0; i < OPERATORS; i++)
    if (!strcmp(operators[i].word, condition->operator)) sql = operators[i].sql;
  sb_status status = condition->column < 0
                         ? sb_buffer_addf(out, error, "r.id")
                         : sb_buffer_addf(out, error, "r.c%d COLLATE \"%s\"", condition->column, condition->collation);
  if (status == SB_OK && sql) return sb_buffer_addf(out, error, " %s", sql);
  for (size_t i = 0; status == SB_OK && i < values; i++) status = sb_buffer_addf(out, error, i ? ", ?" : " IN (?");
  return status == SB_OK ? sb_buffer_addf(out, error, ")") : status;
}

sb_status sb_sql_condition_describe(sqlite3_index_info *info, int i, const char *column, bool list, sb_buffer *text) {
  sqlite3_value *value = NULL;
  const char *word = list ? "in" : operator_word(info->aConstraint[i].op);
  bool literal = list || strstr(word, "null") || sqlite3_vtab_rhs_value(info, i, &value) == SQLITE_OK;
  return sb_buffer_addf(text, NULL, " %s %s %s%s;", column, word, literal ? "" : "? ", sqlite3_vtab_collation(info, i));
}

/* ---- xBestIndex */

typedef struct plan {
  const sb_sql_table *table;
  sqlite3_index_info *info;
  int query, k;    /* the constraints with the query vector and with k; -1: none */
  int number;      /* of the searched column among those of vectors */
  bool match;      /* the query vector comes from MATCH, not from one of sb_sql_nearest_functions */
  bool impossible; /* a value that the search needs is not known in this join order */
  sb_sql_metric metric;
  const char *refusal; /* NULL: the statement makes sense */
} plan;

static int hidden(const sb_sql_table *table, int which) {
  return table->declaration.columns + which;
}

/* Whether a collation's name can be written into a plan's text. */
static bool plain_name(const char *name) {
  return strlen(name) < 64 && !strpbrk(name, ";\"\n");
}

/* Finds the constraints that ask for the nearest rows. */
static void find_search(plan *p, int i) {
  const struct sqlite3_index_constraint *c = &p->info->aConstraint[i];
  int function = c->op - SQLITE_INDEX_CONSTRAINT_FUNCTION;
  bool nearest = function >= 0 && function < SB_SQL_METRICS, match = c->op == SQLITE_INDEX_CONSTRAINT_MATCH;
  int number = sb_sql_table_declaration_vector(&p->table->declaration, c->iColumn);
  if ((nearest || match) && number < 0) {
    p->refusal = "MATCH works on columns of vectors only";
    return;
  }
  if (nearest || match) {
    if (p->query >= 0) p->refusal = "a search has one query vector; use MATCH once";
    p->impossible |= !c->usable;
    p->query = i;
    p->match = match;
    p->number = number;
    p->metric = match ? p->table->declaration.vectors[number].metric : (sb_sql_metric)function;
  } else if (c->iColumn == hidden(p->table, SB_SQL_HIDDEN_K) && c->op == SQLITE_INDEX_CONSTRAINT_EQ) {
    p->impossible |= !c->usable;
    p->k = i;
  }
}

/* Whether the rows come in the order of the ORDER BY clause, so that SQLite need not sort. */
static bool ordered(const plan *p) {
  const sb_sql_table *table = p->table;
  if (p->info->nOrderBy != 1) return false;
  int column = p->info->aOrderBy[0].iColumn;
  bool descending = p->info->aOrderBy[0].desc;
  if (p->query < 0) return column < 0 || column == table->declaration.key;
  if (column == hidden(table, SB_SQL_HIDDEN_RANK)) return !descending;
  if (p->metric != table->declaration.vectors[p->number].metric) return false;
  if (column == hidden(table, SB_SQL_HIDDEN_DISTANCE)) return !descending;
  return column == hidden(table, SB_SQL_HIDDEN_SIMILARITY) && descending;
}

/* Takes a condition on distance or similarity into the plan of a search with k. Without k SQLite checks it on as many
 * rows as the statement takes. */
static sb_status add_bound(plan *p, int i, int *values, sb_buffer *text) {
  const struct sqlite3_index_constraint *c = &p->info->aConstraint[i];
  bool distance = c->iColumn == hidden(p->table, SB_SQL_HIDDEN_DISTANCE),
       similarity = c->iColumn == hidden(p->table, SB_SQL_HIDDEN_SIMILARITY);
  if (!c->usable || (!distance && !similarity) || !sb_sql_bounds_has_operator(c->op)) return SB_OK;
  if (p->query < 0 || p->k < 0 || p->metric != p->table->declaration.vectors[p->number].metric) return SB_OK;
  if (c->op == SQLITE_INDEX_CONSTRAINT_EQ && sqlite3_vtab_in(p->info, i, -1)) return SB_OK; /* a list */
  p->info->aConstraintUsage[i].argvIndex = ++*values;
  return sb_sql_condition_describe(p->info, i, distance ? "distance" : "similarity", false, text);
}

/* Takes "vector = ?" into the plan of a scan, where any form of the vector is meant: SQLite would compare a text or an
 * untyped blob with the blob that is stored, and never find them equal. So it must not check this condition again,
 * which it leaves out for the first 16 values only. */
static sb_status add_equal(plan *p, int i, int *values, sb_buffer *text) {
  enum { OMITTED_MAX = 16 };
  const struct sqlite3_index_constraint *c = &p->info->aConstraint[i];
  bool equal = c->usable && c->op == SQLITE_INDEX_CONSTRAINT_EQ && !sqlite3_vtab_in(p->info, i, -1);
  if (!equal || p->query >= 0 || *values >= OMITTED_MAX) return SB_OK;
  char name[16];
  snprintf(name, sizeof name, "c%d", c->iColumn);
  p->info->aConstraintUsage[i].argvIndex = ++*values;
  p->info->aConstraintUsage[i].omit = 1;
  return sb_sql_condition_describe(p->info, i, name, false, text);
}

/* Takes a condition on the rowid or an ordinary column into the plan, if its operator and collation can be passed
 * on. */
static sb_status add_condition(plan *p, int i, int *values, sb_buffer *text) {
  const struct sqlite3_index_constraint *c = &p->info->aConstraint[i];
  const sb_sql_table_declaration *d = &p->table->declaration;
  bool rowid = c->iColumn == -1 || c->iColumn == d->key, column = c->iColumn >= 0;
  if (c->iColumn >= d->columns) return add_bound(p, i, values, text);
  if (sb_sql_table_declaration_vector(d, c->iColumn) >= 0) return add_equal(p, i, values, text);
  if (!c->usable || !operator_word(c->op) || (!rowid && !column)) return SB_OK;
  if (rowid && (c->op == SQLITE_INDEX_CONSTRAINT_LIKE || c->op == SQLITE_INDEX_CONSTRAINT_GLOB)) return SB_OK;
  const char *collation = sqlite3_vtab_collation(p->info, i);
  if (!collation || !plain_name(collation)) return SB_OK;
  /* A search gets all values of an IN list at once; SQLite runs a scan once for each of them. */
  bool list = p->query >= 0 && c->op == SQLITE_INDEX_CONSTRAINT_EQ && sqlite3_vtab_in(p->info, i, -1);
  if (list) sqlite3_vtab_in(p->info, i, 1);
  p->info->aConstraintUsage[i].argvIndex = ++*values;
  char name[16] = "rowid";
  if (!rowid) snprintf(name, sizeof name, "c%d", c->iColumn);
  return sb_sql_condition_describe(p->info, i, name, list, text);
}

/* Costs only have to rank plans: a search before a scan, a look-up by rowid before both. */
static void estimate(const plan *p, const char *conditions) {
  sqlite3_index_info *info = p->info;
  bool one = p->query < 0 && strstr(conditions, " rowid = ");
  info->estimatedCost = p->query >= 0 ? 100 : one ? 5 : *conditions ? 100000 : 1000000;
  info->estimatedRows = p->query >= 0 ? 25 : one ? 1 : *conditions ? 10000 : 1000000;
  if (one) info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
}

/* Which columns the statement reads. SQLite's colUsed has one bit a column; the last bit stands for column 63 and all
 * after it. */
static int read_columns(const plan *p) {
  const sb_sql_table_declaration *d = &p->table->declaration;
  int flags = 0;
  for (int i = 0; i < d->columns; i++) {
    int number = sb_sql_table_declaration_vector(d, i);
    if (!(p->info->colUsed >> (i < 63 ? i : 63) & 1)) continue;
    if (number >= 0) flags |= 1 << (SB_SQL_PLAN_VECTORS + number);
    if (sb_sql_table_declaration_in_rows(d, i)) flags |= SB_SQL_PLAN_ROWS;
  }
  return flags;
}

static int flags_of(const plan *p) {
  int flags = read_columns(p);
  if (p->query >= 0)
    flags |= SB_SQL_PLAN_NEAREST | (int)p->metric << SB_SQL_PLAN_METRIC | p->number << SB_SQL_PLAN_NUMBER;
  if (p->query >= 0 && p->match) flags |= SB_SQL_PLAN_MATCH;
  if (p->k >= 0) flags |= SB_SQL_PLAN_K;
  if (p->info->orderByConsumed && p->query < 0 && p->info->aOrderBy[0].desc) flags |= SB_SQL_PLAN_BACKWARDS;
  return flags;
}

/* Makes SQLite pass the value of constraint i to xFilter and check nothing itself. */
static void take_value(plan *p, int i, int *values) {
  if (i < 0) return;
  p->info->aConstraintUsage[i].argvIndex = ++*values;
  p->info->aConstraintUsage[i].omit = 1;
}

static sb_status write_plan(plan *p, sb_buffer *text) {
  sqlite3_index_info *info = p->info;
  sb_buffer conditions = {0};
  int values = 0;
  take_value(p, p->query, &values);
  take_value(p, p->k, &values);
  sb_status status = sb_buffer_addf(&conditions, NULL, "%s", "");
  for (int i = 0; status == SB_OK && i < info->nConstraint; i++)
    if (i != p->query && i != p->k) status = add_condition(p, i, &values, &conditions);
  if (status != SB_OK) goto done;
  estimate(p, conditions.bytes);
  const char *where = *conditions.bytes ? " where:" : "";
  status = p->query >= 0 ? sb_buffer_addf(text, NULL, "nearest by %s%s%s%s%s", sb_sql_metric_name(p->metric),
                                          p->k >= 0 ? ", k" : "", *where ? "," : "", where, conditions.bytes)
                         : sb_buffer_addf(text, NULL, "rows%s%s", where, conditions.bytes);
done:
  sb_buffer_free(&conditions);
  return status;
}

int sb_sql_table_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  sb_sql_table *table = (sb_sql_table *)base;
  plan p = {.table = table, .info = info, .query = -1, .k = -1};
  sb_buffer text = {0};
  for (int i = 0; i < info->nConstraint; i++) find_search(&p, i);
  if (p.k >= 0 && p.query < 0) p.refusal = "k = ... needs a query vector; add MATCH on a column of vectors";
  if (p.refusal) {
    base->zErrMsg = sqlite3_mprintf("%s: %s", table->name, p.refusal);
    return SQLITE_ERROR;
  }
  if (p.impossible) return SQLITE_CONSTRAINT;
  info->orderByConsumed = ordered(&p);
  info->idxNum = flags_of(&p);
  if (write_plan(&p, &text) == SB_OK) {
    info->idxStr = sqlite3_mprintf("%s", text.bytes);
    info->needToFreeIdxStr = 1;
  }
  sb_buffer_free(&text);
  return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}
