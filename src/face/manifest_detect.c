/* Manifests of detectors: the keys of each family (SSD, YuNet, SCRFD) and those that all share. */
#include "face/manifest.h"

#include <string.h>

const char *const sb_detector_keys[] = {
    "family", "strides", "anchors", "anchors_per_cell", "score_threshold", "smallest_box", "passes", "merge", NULL};

static void read_strides(sb_manifest_json *r, sb_detector_spec *spec) {
  json_t *strides = sb_manifest_json_member(r, r->root, "strides");
  spec->levels = (int)sb_manifest_json_array(r, strides, "strides", 1, SB_LEVELS_MAX);
  for (int l = 0; l < spec->levels; l++)
    spec->strides[l] = (int)sb_manifest_json_number(r, json_array_get(strides, (size_t)l), "strides", 1, 1024);
}

/* A list of one output name a level. */
static void read_names(sb_manifest_json *r, const json_t *outputs, const char *key, int levels,
                       char names[SB_LEVELS_MAX][SB_NAME_SIZE]) {
  const json_t *list = sb_manifest_json_member(r, outputs, key);
  size_t count = sb_manifest_json_array(r, list, key, (size_t)levels, (size_t)levels);
  for (size_t l = 0; l < count; l++) sb_manifest_json_text_of(r, json_array_get(list, l), key, names[l], SB_NAME_SIZE);
}

static void read_ssd(sb_manifest_json *r, sb_detector_spec *spec) {
  static const char *const output_keys[] = {"scores", "probabilities", "locations", "points", NULL},
                           *const anchor_keys[] = {"minimum_sizes", "centre_variance", "size_variance", NULL};
  json_t *outputs = sb_manifest_json_member(r, r->root, "outputs"),
         *anchors = sb_manifest_json_member(r, r->root, "anchors");
  sb_manifest_json_keys(r, outputs, "outputs", output_keys, NULL);
  sb_manifest_json_keys(r, anchors, "anchors", anchor_keys, NULL);
  bool pairs = !json_object_get(outputs, "probabilities");
  spec->score_columns = pairs ? 2 : 1;
  sb_manifest_json_text(r, outputs, pairs ? "scores" : "probabilities", spec->scores[0], SB_NAME_SIZE);
  if (!pairs && json_object_get(outputs, "scores"))
    sb_manifest_json_wrong(r, "scores", "absent where probabilities are given");
  sb_manifest_json_text(r, outputs, "locations", spec->locations[0], SB_NAME_SIZE);
  spec->has_points = json_object_get(outputs, "points");
  if (spec->has_points) sb_manifest_json_text(r, outputs, "points", spec->points[0], SB_NAME_SIZE);
  json_t *sizes = sb_manifest_json_member(r, anchors, "minimum_sizes");
  if (json_array_size(sizes) != (size_t)spec->levels) sb_manifest_json_wrong(r, "minimum_sizes", "as long as strides");
  for (int l = 0; r->status == SB_OK && l < spec->levels; l++) {
    json_t *level = json_array_get(sizes, (size_t)l);
    spec->size_counts[l] = (int)sb_manifest_json_array(r, level, "minimum_sizes", 1, SB_SIZES_MAX);
    sb_manifest_json_reals(r, level, "minimum_sizes", spec->sizes[l], (size_t)spec->size_counts[l]);
  }
  spec->centre_variance = (float)sb_manifest_json_real(r, anchors, "centre_variance", 1e-3, 10);
  spec->size_variance = (float)sb_manifest_json_real(r, anchors, "size_variance", 1e-3, 10);
}

static void read_by_level(sb_manifest_json *r, sb_detector_spec *spec) {
  static const char *const yunet_keys[] = {"scores", "objectness", "locations", "points", NULL}, *const scrfd_keys[] = {
                                                                                                     "scores",
                                                                                                     "locations",
                                                                                                     "points", NULL};
  json_t *outputs = sb_manifest_json_member(r, r->root, "outputs");
  sb_manifest_json_keys(r, outputs, "outputs", spec->family == SB_FAMILY_YUNET ? yunet_keys : scrfd_keys, NULL);
  read_names(r, outputs, "scores", spec->levels, spec->scores);
  read_names(r, outputs, "locations", spec->levels, spec->locations);
  if (spec->family == SB_FAMILY_YUNET) read_names(r, outputs, "objectness", spec->levels, spec->objectness);
  spec->has_points = json_object_get(outputs, "points");
  if (spec->has_points) read_names(r, outputs, "points", spec->levels, spec->points);
  int count =
      spec->family == SB_FAMILY_SCRFD ? sb_manifest_json_integer(r, r->root, "anchors_per_cell", 1, SB_SIZES_MAX) : 1;
  for (int l = 0; l < spec->levels; l++) spec->size_counts[l] = count;
}

static void read_large_pass(sb_manifest_json *r, json_t *large, sb_detector_spec *spec) {
  static const char *const keys[] = {"side", "from_side", "largest_box", "shapes", NULL};
  sb_manifest_json_keys(r, large, "large", keys, NULL);
  spec->has_large = true;
  spec->large_side = sb_manifest_json_integer(r, large, "side", 64, 4096);
  spec->large_from = sb_manifest_json_integer(r, large, "from_side", 0, 4096);
  spec->large_box = (float)sb_manifest_json_real(r, large, "largest_box", 1, 4096);
  json_t *shapes = sb_manifest_json_member(r, large, "shapes");
  spec->shape_count = (int)sb_manifest_json_array(r, shapes, "shapes", 1, SB_SHAPES_MAX);
  for (int i = 0; r->status == SB_OK && i < spec->shape_count; i++) {
    float pair[2] = {0};
    sb_manifest_json_reals(r, json_array_get(shapes, (size_t)i), "shapes", pair, 2);
    spec->shapes[i][0] = (int)pair[0];
    spec->shapes[i][1] = (int)pair[1];
    if (pair[0] < 32 || pair[1] < 32 || pair[0] > 4096 || pair[1] > 4096)
      sb_manifest_json_wrong(r, "shapes", "pairs of numbers between 32 and 4096");
  }
  int last = spec->shape_count - 1;
  if (r->status == SB_OK && (spec->shapes[last][0] < spec->large_side || spec->shapes[last][1] < spec->large_side))
    sb_manifest_json_wrong(r, "shapes", "a list whose last shape is at least 'side' wide and high");
}

void sb_detector_spec_parse(sb_manifest_json *r, sb_detector_spec *spec) {
  static const char *const families[] = {"ssd", "yunet", "scrfd", NULL}, *const pass_keys[] = {"large", NULL},
                           *const merge_keys[] = {"iou", "overlap_smaller", "small_pass_bonus", "bonus_from_height",
                                                  NULL};
  spec->family = (sb_detector_family)sb_manifest_json_word(r, r->root, "family", families);
  read_strides(r, spec);
  if (r->status != SB_OK) return;
  if (spec->family == SB_FAMILY_SSD)
    read_ssd(r, spec);
  else
    read_by_level(r, spec);
  spec->score_threshold = (float)sb_manifest_json_real(r, r->root, "score_threshold", 0, 1);
  spec->smallest_box = (float)sb_manifest_json_optional_real(r, r->root, "smallest_box", 0, 4096, 0);
  json_t *passes = json_object_get(r->root, "passes");
  if (passes) {
    sb_manifest_json_keys(r, passes, "passes", pass_keys, NULL);
    read_large_pass(r, sb_manifest_json_member(r, passes, "large"), spec);
  }
  json_t *merge = sb_manifest_json_member(r, r->root, "merge");
  sb_manifest_json_keys(r, merge, "merge", merge_keys, NULL);
  spec->iou = (float)sb_manifest_json_real(r, merge, "iou", 0, 1);
  spec->overlap_smaller = (float)sb_manifest_json_real(r, merge, "overlap_smaller", 0, 1);
  spec->small_bonus = (float)sb_manifest_json_optional_real(r, merge, "small_pass_bonus", 0, 10, 0);
  spec->bonus_height = (float)sb_manifest_json_optional_real(r, merge, "bonus_from_height", 0, 4096, 0);
}
