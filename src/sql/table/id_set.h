/* A set of row ids, as a sorted array. */
#ifndef SB_SQL_TABLE_ID_SET_H
#define SB_SQL_TABLE_ID_SET_H

#include "base/base.h"

/* Zero-initialise; sb_sql_id_set_free at the end. Add ids in any order, then sort: the other functions need the
 * sorted state. */
typedef struct sb_sql_id_set {
  int64_t *items; /* after sorting: ascending, each once */
  size_t count, capacity;
} sb_sql_id_set;

sb_status sb_sql_id_set_add(sb_sql_id_set *set, int64_t id, sb_error *error);
void sb_sql_id_set_sort(sb_sql_id_set *set);
/* Removes from `set` what `other` does not contain. */
void sb_sql_id_set_intersect(sb_sql_id_set *set, const sb_sql_id_set *other);
bool sb_sql_id_set_contains(const sb_sql_id_set *set, int64_t id);
void sb_sql_id_set_free(sb_sql_id_set *set);

#endif
