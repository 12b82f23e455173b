/* Synthetic face embeddings for the search benchmark, distributed like real ones; the recipe of the published
 * measurements.
 *
 * An identity is normal with variances exp(-i / tau) along randomly rotated axes, scaled to unit length: about 2 *
 * tau dimensions carry nearly everything. A mate of g is c g + sqrt(1 - c^2) u with c normal (0.6, 0.1) within
 * 0.25..0.9 and u a unit vector orthogonal to g, with 70 % of its energy distributed like a face and 30 % the same in
 * all directions. */
#ifndef SB_CLI_SYNTHETIC_FACES_H
#define SB_CLI_SYNTHETIC_FACES_H

#include "base/base.h"

/* Immutable once made: any thread. The same arguments always give the same vectors. */
typedef struct sb_cli_synthetic_faces sb_cli_synthetic_faces;
sb_status sb_cli_synthetic_faces_new(size_t dim, double tau, sb_cli_synthetic_faces **out, sb_error *error);
void sb_cli_synthetic_faces_free(sb_cli_synthetic_faces *faces);
/* Identity number `number`, dim floats of unit length. */
void sb_cli_synthetic_face(const sb_cli_synthetic_faces *faces, uint64_t number, float *out);
/* A mate (another photo of the same person) of `face`; `number` distinguishes mates of one face. */
void sb_cli_synthetic_mate(const sb_cli_synthetic_faces *faces, const float *face, uint64_t number, float *out);

#endif
