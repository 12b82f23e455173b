/* Manifests of embedders: alignment, metric, thresholds, calibration. */
#include "face/calibration.h"
#include "face/manifest.h"

#include <math.h>
#include <stdio.h>

/* "facts" is for readers: error rates by group of people, measured with this model. */
const char *const sb_embedder_keys[] = {"alignment",   "dimension",  "metric", "embedding_length",
                                        "calibration", "thresholds", "facts",  NULL};

/* Thresholds published by the model's authors, in the model's own metric; their false match rates are not known. */
static void read_thresholds(sb_manifest_json *r, json_t *thresholds, bool euclidean, sb_calibration *out) {
  static const char *const keys[] = {"same", "unsure", NULL};
  sb_manifest_json_keys(r, thresholds, "thresholds", keys, NULL);
  double same = sb_manifest_json_real(r, thresholds, "same", euclidean ? 0 : -1, euclidean ? 2 : 1);
  double unsure = sb_manifest_json_real(r, thresholds, "unsure", euclidean ? same : -1, euclidean ? 2 : same);
  /* For vectors of unit length, distance^2 = 2 - 2 cosine. */
  out->default_threshold = euclidean ? 1 - same * same / 2 : same;
  out->unsure_threshold = euclidean ? 1 - unsure * unsure / 2 : unsure;
}

void sb_alignment_parse(sb_manifest_json *r, sb_alignment *out) {
  static const char *const kinds[] = {"points", "box", NULL}, *const fits[] = {"square", "stretch", "pad", "cut", NULL},
                           *const borders[] = {"zero", "edge", NULL}, *const samplings[] = {"averaged", "linear", NULL},
                           *const point_keys[] = {"kind", "template", "border", "sampling", NULL},
                           *const box_keys[] = {"kind",    "scale",  "shift_down", "fit",
                                                "upright", "inside", "border",     NULL};
  json_t *alignment = sb_manifest_json_member(r, r->root, "alignment");
  out->kind = (sb_alignment_kind)sb_manifest_json_word(r, alignment, "kind", kinds);
  sb_manifest_json_keys(r, alignment, "alignment", out->kind == SB_ALIGN_BOX ? box_keys : point_keys, NULL);
  out->border =
      sb_manifest_json_optional_word(r, alignment, "border", borders, 0) ? SB_IMAGE_BORDER_EDGE : SB_IMAGE_BORDER_ZERO;
  if (out->kind == SB_ALIGN_POINTS) {
    if (sb_manifest_json_optional_word(r, alignment, "sampling", samplings, 0)) out->border |= SB_IMAGE_WARP_LINEAR;
    sb_manifest_json_points(r, sb_manifest_json_member(r, alignment, "template"), "template", out->template);
    return;
  }
  out->fit = (sb_alignment_fit)sb_manifest_json_word(r, alignment, "fit", fits);
  out->scale = sb_manifest_json_real(r, alignment, "scale", 0.1, 10);
  out->shift_down = sb_manifest_json_optional_real(r, alignment, "shift_down", -1, 1, 0);
  out->upright = sb_manifest_json_optional_bool(r, alignment, "upright", false);
  out->inside = sb_manifest_json_optional_bool(r, alignment, "inside", false);
  if (out->fit != SB_FIT_CUT) return;
  if (out->upright || out->shift_down != 0 || json_object_get(alignment, "border") || !out->inside)
    sb_manifest_json_wrong(r, "fit", "another than 'cut', or with 'inside' and without upright, shift_down and border");
}

void sb_embedder_spec_parse(sb_manifest_json *r, sb_embedder_spec *spec) {
  static const char *const metrics[] = {"cosine", "euclidean_l2", NULL}, *const output_keys[] = {"embedding", NULL};
  json_t *outputs = sb_manifest_json_member(r, r->root, "outputs");
  sb_manifest_json_keys(r, outputs, "outputs", output_keys, NULL);
  sb_manifest_json_text(r, outputs, "embedding", spec->output, SB_NAME_SIZE);
  snprintf(spec->info.name, sizeof spec->info.name, "%s", spec->model.name);
  spec->info.dim = (size_t)sb_manifest_json_integer(r, r->root, "dimension", 2, SB_DIMENSION_MAX);
  const json_t *length = json_object_get(r->root, "embedding_length");
  if (length) sb_manifest_json_reals(r, length, "embedding_length", spec->length, 2);
  int metric = sb_manifest_json_word(r, r->root, "metric", metrics);
  sb_alignment_parse(r, &spec->alignment);
  json_t *calibration = json_object_get(r->root, "calibration"), *thresholds = json_object_get(r->root, "thresholds");
  if (calibration && !thresholds)
    sb_embedder_calibration_parse(r, calibration, &spec->info.calibration);
  else if (thresholds && !calibration)
    read_thresholds(r, thresholds, metric == 1, &spec->info.calibration);
  else
    sb_manifest_json_wrong(r, "calibration", "present, or 'thresholds' instead of it, but not both");
}
