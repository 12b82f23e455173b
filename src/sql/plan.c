/* Which conditions of a statement are met inside the table, as best_index tells them to filter. */
#include "sql/table.h"

#include <stdio.h>
#include <string.h>

/* The operator's word in a plan, and how it stands in SQL; `in` is an `=` whose values come as one list. */
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

bool sb_plan_next(const char **text, sb_condition *out) {
  const char *end = strchr(*text, ';');
  if (!end) return false;
  *out = (sb_condition){.column = -1};
  if (sscanf(*text, " rowid %11s %63[^;]", out->operator, out->collation) != 2 &&
      sscanf(*text, " c%d %11s %63[^;]", &out->column, out->operator, out->collation) != 3)
    return false;
  *text = end + 1;
  return true;
}

sb_status sb_condition_sql(const sb_condition *condition, size_t values, sb_buffer *out, sb_error *error) {
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

/* ---- best_index */

typedef struct plan {
  const sb_table *table;
  sqlite3_index_info *info;
  int probe, k; /* constraints; -1: none */
  bool match, impossible;
  sb_measure measure;
  const char *refusal;
} plan;

static int hidden(const sb_table *table, int which) {
  return table->declaration.columns + which;
}

/* A collation's name that can stand in a plan's text. */
static bool plain_name(const char *name) {
  return strlen(name) < 64 && !strpbrk(name, ";\"\n");
}

/* Finds what asks for nearest rows. */
static void look_at(plan *p, int i) {
  const struct sqlite3_index_constraint *c = &p->info->aConstraint[i];
  bool function = c->op >= SQLITE_INDEX_CONSTRAINT_FUNCTION && c->op < SQLITE_INDEX_CONSTRAINT_FUNCTION + 3;
  bool match = c->op == SQLITE_INDEX_CONSTRAINT_MATCH;
  if ((function || match) && c->iColumn != p->table->declaration.vector) {
    p->refusal = "MATCH is for the vector column";
    return;
  }
  if (function || match) {
    if (p->probe >= 0) p->refusal = "a search has one probe: one MATCH";
    p->impossible |= !c->usable;
    p->probe = i;
    p->match = match;
    p->measure = match ? p->table->declaration.metric : (sb_measure)(c->op - SQLITE_INDEX_CONSTRAINT_FUNCTION);
  } else if (c->iColumn == hidden(p->table, SB_HIDDEN_K) && c->op == SQLITE_INDEX_CONSTRAINT_EQ) {
    p->impossible |= !c->usable;
    p->k = i;
  }
}

static bool ordered(const plan *p) {
  const sb_table *table = p->table;
  if (p->info->nOrderBy != 1) return false;
  int column = p->info->aOrderBy[0].iColumn;
  bool falling = p->info->aOrderBy[0].desc;
  if (p->probe < 0) return column < 0;
  if (column == hidden(table, SB_HIDDEN_RANK)) return !falling;
  if (p->measure != table->declaration.metric) return false;
  if (column == hidden(table, SB_HIDDEN_DISTANCE)) return !falling;
  return column == hidden(table, SB_HIDDEN_SIMILARITY) && falling;
}

/* A condition on the rows that filter.c or a scan meets. */
static sb_status take_condition(plan *p, int i, int *next, sb_buffer *text) {
  const struct sqlite3_index_constraint *c = &p->info->aConstraint[i];
  const char *word = operator_word(c->op);
  bool column =
      c->iColumn >= 0 && c->iColumn < p->table->declaration.columns && c->iColumn != p->table->declaration.vector;
  if (!c->usable || !word || (c->iColumn != -1 && !column)) return SB_OK;
  if (c->iColumn == -1 && (c->op == SQLITE_INDEX_CONSTRAINT_LIKE || c->op == SQLITE_INDEX_CONSTRAINT_GLOB))
    return SB_OK;
  const char *collation = sqlite3_vtab_collation(p->info, i);
  if (!collation || !plain_name(collation)) return SB_OK;
  /* A search gets all values of an IN list at once; a scan is asked once for each. */
  if (p->probe >= 0 && c->op == SQLITE_INDEX_CONSTRAINT_EQ && sqlite3_vtab_in(p->info, i, -1)) {
    sqlite3_vtab_in(p->info, i, 1);
    word = "in";
  }
  p->info->aConstraintUsage[i].argvIndex = ++*next;
  return c->iColumn == -1 ? sb_buffer_addf(text, NULL, " rowid %s %s;", word, collation)
                          : sb_buffer_addf(text, NULL, " c%d %s %s;", c->iColumn, word, collation);
}

static void estimate(plan *p, const char *conditions) {
  sqlite3_index_info *info = p->info;
  bool one = p->probe < 0 && strstr(conditions, " rowid = ");
  info->estimatedCost = p->probe >= 0 ? 100 : one ? 5 : *conditions ? 100000 : 1000000;
  info->estimatedRows = p->probe >= 0 ? 25 : one ? 1 : *conditions ? 10000 : 1000000;
  if (one) info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
}

static int number_of(const plan *p) {
  uint64_t used = p->info->colUsed,
           vector = (uint64_t)1 << (p->table->declaration.vector < 63 ? p->table->declaration.vector : 63);
  int columns = p->table->declaration.columns;
  uint64_t users = columns < 63 ? ((uint64_t)1 << columns) - 1 : UINT64_MAX;
  int number = p->probe < 0 ? 0 : SB_PLAN_NEAREST | (p->match ? SB_PLAN_MATCH : 0) | (int)p->measure << SB_PLAN_MEASURE;
  if (p->k >= 0) number |= SB_PLAN_K;
  if (used & vector) number |= SB_PLAN_VECTOR;
  if (used & users & (vector >> 63 ? UINT64_MAX : ~vector)) number |= SB_PLAN_ROWS;
  if (p->info->orderByConsumed && p->probe < 0 && p->info->aOrderBy[0].desc) number |= SB_PLAN_BACKWARDS;
  return number;
}

int sb_table_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  sb_table *table = (sb_table *)base;
  plan p = {.table = table, .info = info, .probe = -1, .k = -1};
  sb_buffer text = {0}, conditions = {0};
  int next = 0;
  for (int i = 0; i < info->nConstraint; i++) look_at(&p, i);
  if (p.k >= 0 && p.probe < 0) p.refusal = "k = ... goes with MATCH";
  if (p.refusal) {
    base->zErrMsg = sqlite3_mprintf("%s: %s", table->name, p.refusal);
    return SQLITE_ERROR;
  }
  if (p.impossible) return SQLITE_CONSTRAINT;
  if (p.probe >= 0) {
    info->aConstraintUsage[p.probe].argvIndex = ++next;
    info->aConstraintUsage[p.probe].omit = 1;
  }
  if (p.k >= 0) {
    info->aConstraintUsage[p.k].argvIndex = ++next;
    info->aConstraintUsage[p.k].omit = 1;
  }
  sb_status status = sb_buffer_addf(&conditions, NULL, "%s", "");
  for (int i = 0; status == SB_OK && i < info->nConstraint; i++)
    if (i != p.probe && i != p.k) status = take_condition(&p, i, &next, &conditions);
  info->orderByConsumed = ordered(&p);
  info->idxNum = number_of(&p);
  if (status == SB_OK && p.probe >= 0)
    status = sb_buffer_addf(&text, NULL, "nearest by %s%s%s%s", sb_measure_name(p.measure), p.k >= 0 ? ", k" : "",
                            *conditions.bytes ? ", where:" : "", conditions.bytes);
  else if (status == SB_OK)
    status = sb_buffer_addf(&text, NULL, "rows%s%s", *conditions.bytes ? " where:" : "", conditions.bytes);
  if (status == SB_OK) {
    estimate(&p, conditions.bytes);
    info->idxStr = sqlite3_mprintf("%s", text.bytes);
    info->needToFreeIdxStr = 1;
  }
  sb_buffer_free(&text);
  sb_buffer_free(&conditions);
  return status == SB_OK && info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}
