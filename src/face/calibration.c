/* Parses calibrations; their meaning is in stats/stats.h. */
#include "face/calibration.h"

#include <stdlib.h>

enum { FILE_BYTES_MAX = 1 << 20 };

/* Without this object scores are not normalised (stats/cohort.h). */
static void parse_cohort(sb_manifest_json *r, json_t *cohort, sb_calibration *out) {
  static const char *const keys[] = {"deviation", "search_offset", "verify_offset", "group_shift", NULL};
  sb_manifest_json_keys(r, cohort, "cohort", keys, NULL);
  out->cohort_deviation = sb_manifest_json_real(r, cohort, "deviation", 1e-6, 2);
  out->search_offset = sb_manifest_json_real(r, cohort, "search_offset", -2, 2);
  out->verify_offset = sb_manifest_json_real(r, cohort, "verify_offset", -2, 2);
  out->group_shift = sb_manifest_json_real(r, cohort, "group_shift", 0, 1);
}

void sb_embedder_calibration_parse(sb_manifest_json *r, json_t *calibration, sb_calibration *out) {
  static const char *const keys[] = {"pairs",
                                     "points",
                                     "tail",
                                     "independent_pairs",
                                     "non_mated_mean",
                                     "non_mated_deviation",
                                     "default_threshold",
                                     "unsure_threshold",
                                     "fmr_floor",
                                     "cohort",
                                     NULL},
                           *const point_keys[] = {"fmr", "threshold", NULL},
                           *const tail_keys[] = {"mean", "deviation", NULL};
  json_t *cohort = calibration ? json_object_get(calibration, "cohort") : NULL;
  sb_error cause;
  sb_manifest_json_keys(r, calibration, "calibration", keys, NULL);
  json_t *points = sb_manifest_json_member(r, calibration, "points"),
         *tail = sb_manifest_json_member(r, calibration, "tail");
  sb_manifest_json_keys(r, tail, "tail", tail_keys, NULL);
  out->count = sb_manifest_json_array(r, points, "points", 1, SB_CALIBRATION_MAX);
  for (size_t i = 0; r->status == SB_OK && i < out->count; i++) {
    json_t *point = json_array_get(points, i);
    sb_manifest_json_keys(r, point, "points", point_keys, NULL);
    out->fmr[i] = sb_manifest_json_real(r, point, "fmr", 1e-12, 1);
    out->threshold[i] = sb_manifest_json_real(r, point, "threshold", -1, 1);
  }
  out->tail_mean = sb_manifest_json_real(r, tail, "mean", -1, 1);
  out->tail_deviation = sb_manifest_json_real(r, tail, "deviation", 1e-6, 2);
  out->independent_pairs = sb_manifest_json_real(r, calibration, "independent_pairs", 1, 1e15);
  out->non_mated_mean = sb_manifest_json_real(r, calibration, "non_mated_mean", -1, 1);
  out->default_threshold = sb_manifest_json_real(r, calibration, "default_threshold", -1, 1);
  out->unsure_threshold = sb_manifest_json_real(r, calibration, "unsure_threshold", -1, out->default_threshold);
  out->fmr_floor = sb_manifest_json_real(r, calibration, "fmr_floor", 1e-12, 1);
  if (r->status == SB_OK && cohort) parse_cohort(r, cohort, out);
  if (r->status == SB_OK && sb_calibration_check(out, &cause) != SB_OK)
    sb_manifest_json_wrong(r, "calibration", cause.message);
}

sb_status sb_embedder_calibration_read(const char *path, char model[64], sb_calibration *out, sb_error *error) {
  static const char *const keys[] = {"model", "date", "calibration", NULL};
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_calibration calibration = {0};
  sb_error cause = {0};
  json_error_t reason;
  sb_status status = sb_file_read(path, FILE_BYTES_MAX, &bytes, &size, error);
  if (status == SB_NOT_FOUND) return sb_fail(error, SB_INVALID, "the calibration file %s does not exist", path);
  if (status != SB_OK) return status;
  sb_manifest_json r = {.file = path, .error = &cause};
  r.root = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, &reason);
  free(bytes);
  if (!r.root)
    return sb_fail(error, SB_INVALID,
                   "%s is not a calibration written by `semblance eval --calibrate`: it is not JSON (line %d: %s)",
                   path, reason.line, reason.text);
  sb_manifest_json_keys(&r, r.root, "a calibration", keys, NULL);
  sb_manifest_json_text(&r, r.root, "model", model, 64);
  sb_embedder_calibration_parse(&r, sb_manifest_json_member(&r, r.root, "calibration"), &calibration);
  json_decref(r.root);
  if (r.status != SB_OK)
    return sb_fail(error, SB_INVALID, "%s is not a calibration written by `semblance eval --calibrate`: %s", path,
                   cause.message);
  *out = calibration;
  return SB_OK;
}
