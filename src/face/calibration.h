/* The calibration of an embedder as JSON: in its manifest, or in a user's file that replaces it. */
#ifndef SB_FACE_CALIBRATION_H
#define SB_FACE_CALIBRATION_H

#include "face/face.h"
#include "face/manifest_json.h"

/* {"points": [{"fmr", "threshold"}], "tail": {"mean", "deviation"}, "independent_pairs", "non_mated_mean",
 * "default_threshold", "unsure_threshold", "fmr_floor"}, and where scores are normalised
 * "cohort": {"deviation", "search_offset", "verify_offset", "group_shift"}. "pairs" and "non_mated_deviation" are
 * informative and not used. */
void sb_embedder_calibration_parse(sb_manifest_json *r, json_t *calibration, sb_calibration *out);

#endif
