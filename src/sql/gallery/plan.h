/* The plan of one pass over a gallery's table, which xBestIndex passes to xFilter as SQLite's idxNum. xFilter's values
 * come in this order: the query vector, k, LIMIT, row, id, then one for each condition on distance or similarity that
 * the plan's text has, in the form of sql/table/plan.h. */
#ifndef SB_SQL_GALLERY_PLAN_H
#define SB_SQL_GALLERY_PLAN_H

enum {
  SB_SQL_GALLERY_PLAN_NEAREST = 1 << 0, /* a search */
  SB_SQL_GALLERY_PLAN_MATCH = 1 << 1,   /* asked for with MATCH: a NULL vector finds nothing; else it gives all rows */
  SB_SQL_GALLERY_PLAN_K = 1 << 2,
  SB_SQL_GALLERY_PLAN_LIMIT = 1 << 3, /* a search; a hint how many rows the statement takes */
  SB_SQL_GALLERY_PLAN_ROW = 1 << 4,   /* one face */
  SB_SQL_GALLERY_PLAN_ID = 1 << 5,    /* one person's faces */
};

#endif
