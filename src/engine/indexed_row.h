/* A row of a collection's index: a protected template and its density in one vector, so that one inner product gives
 * the cosine or, with two more coordinates of the query, the cosine less the bias of the face (stats/cohort.h):
 *
 *     row    template (unit length, dim numbers)  | -SCALE bias | deviation; 0: not measured
 *     query  embedding                            | 1 / SCALE, or 0 | 0
 *
 * SCALE keeps the lengths of both near 1, which the bounds of exact search like. A face whose density is not measured
 * has the bias of one of which nothing is known. */
#ifndef SB_ENGINE_INDEXED_ROW_H
#define SB_ENGINE_INDEXED_ROW_H

#include "store/store_types.h"
#include "vector/vector.h"

/* The length of a row for templates of `dim` numbers; the largest dimensions have no room for a density. */
size_t sb_indexed_row_dim(size_t dim);
/* `row` has room for SB_DIM_MAX numbers. */
void sb_indexed_row_make(const float *template, size_t dim, const sb_density *density, float *row);
/* Appends to a query's `dim` numbers what ranks by similarity - bias (`by_score`) or by similarity. */
void sb_indexed_row_query(size_t dim, bool by_score, float *query);
/* What every query by score has in the coordinates that hold a density: for sb_index_options.query_tail, which has room
 * for SB_QUERY_TAIL_MAX. Returns how many there are. */
size_t sb_indexed_row_query_tail(size_t dim, float *tail);
/* `population` is SB_DENSITY_NONE where there is none, else SB_DENSITY_OUTDATED: the row does not tell it. */
void sb_indexed_row_density(const float *row, size_t dim, sb_density *out);
float sb_indexed_row_bias(const sb_density *density);

#endif
