/* SQLite tells a virtual table the value that a column is compared with, but not where the value comes from: in a join
 * it comes from a row of the other table, in a correlated subquery from one of the outer query. Both may be computed
 * again for every xFilter. The difference shows in the statement's plan, which EXPLAIN QUERY PLAN gives: one row for
 * each loop, and the loops of one join have the same parent. */
#include "sql/table/join.h"

#include <string.h>

enum { LOOPS_MAX = 64 /* SQLite joins up to 64 tables */ };

/* The loops of an explained statement: their parents, and which of them read a table by the plan in question. */
typedef struct loops {
  int parents[LOOPS_MAX], count;
  bool own[LOOPS_MAX];
} loops;

static bool is_loop(const char *detail) {
  return detail && (!strncmp(detail, "SCAN ", 5) || !strncmp(detail, "SEARCH ", 7));
}

static int read_loops(sqlite3_stmt *explained, const char *own, loops *out) {
  int code;
  while ((code = sqlite3_step(explained)) == SQLITE_ROW && out->count < LOOPS_MAX) {
    const char *detail = (const char *)sqlite3_column_text(explained, 3);
    if (!is_loop(detail)) continue;
    out->parents[out->count] = sqlite3_column_int(explained, 1);
    out->own[out->count++] = strstr(detail, own) != NULL;
  }
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static bool any_has_sibling(const loops *l) {
  for (int i = 0; i < l->count; i++)
    for (int j = 0; l->own[i] && j < l->count; j++)
      if (j != i && l->parents[j] == l->parents[i]) return true;
  return false;
}

static int explain(sqlite3 *db, const char *statement, const char *own, bool *joined) {
  sqlite3_stmt *explained = NULL;
  loops found = {.count = 0};
  char *text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", statement);
  if (!text) return SQLITE_NOMEM;
  int code = sqlite3_prepare_v2(db, text, -1, &explained, NULL);
  if (code == SQLITE_OK) code = read_loops(explained, own, &found);
  sqlite3_finalize(explained);
  sqlite3_free(text);
  *joined = any_has_sibling(&found);
  return code;
}

/* Whether a statement that is running on this connection joins the table that it reads by this plan with another. */
static int find_join(sqlite3 *db, int number, const char *plan, bool *joined) {
  char *own = sqlite3_mprintf(" VIRTUAL TABLE INDEX %d:%s", number, plan);
  int code = own ? SQLITE_OK : SQLITE_NOMEM;
  *joined = false;
  for (sqlite3_stmt *s = NULL; code == SQLITE_OK && !*joined && (s = sqlite3_next_stmt(db, s));) {
    const char *text = sqlite3_stmt_busy(s) && !sqlite3_stmt_isexplain(s) ? sqlite3_sql(s) : NULL;
    if (text) code = explain(db, text, own, joined);
  }
  sqlite3_free(own);
  return code;
}

bool sb_sql_condition_is_fixed(const sb_sql_condition *condition, sqlite3_value *value) {
  return condition->literal || sb_sql_condition_is_list(condition) || !sb_sql_condition_has_value(condition) ||
         sqlite3_value_frombind(value);
}

int sb_sql_find_late(sqlite3 *db, int number, const char *plan, int count, sqlite3_value **values, bool *late) {
  const char *conditions = sb_sql_plan_conditions(plan);
  sb_sql_condition condition;
  bool fixed = true;
  for (int i = 0; i < count && sb_sql_plan_next_condition(&conditions, &condition); i++)
    fixed &= sb_sql_condition_is_fixed(&condition, values[i]);
  *late = false;
  return fixed ? SQLITE_OK : find_join(db, number, plan, late);
}
