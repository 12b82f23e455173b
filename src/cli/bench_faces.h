/* Vectors that lie as embeddings of faces do, for the search benchmark: the recipe of the published measurements.
 *
 * An identity is normal with variances exp(-i / tau) along axes turned at random, scaled to unit length: about 2 * tau
 * dimensions carry nearly everything. A mate of g is c g + sqrt(1 - c^2) u with c normal (0.6, 0.1) within 0.25..0.9 and u a unit
 * vector orthogonal to g, 70 % of its energy face-like, 30 % the same in all directions. */
#ifndef SB_CLI_BENCH_FACES_H
#define SB_CLI_BENCH_FACES_H

#include "base/base.h"

/* Immutable once made: any thread. The same numbers give the same vectors. */
typedef struct sb_bench_faces sb_bench_faces;
sb_status sb_bench_faces_new(size_t dim, double tau, sb_bench_faces **out, sb_error *error);
void sb_bench_faces_free(sb_bench_faces *faces);
/* Identity number `number`, dim floats of unit length. */
void sb_bench_face(const sb_bench_faces *faces, uint64_t number, float *out);
/* A mate of a vector; `number` tells mates of the same vector apart. */
void sb_bench_mate(const sb_bench_faces *faces, const float *face, uint64_t number, float *out);

#endif
