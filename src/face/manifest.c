/* Manifests: JSON from outside, so every key is looked at before it is used. */
#include "crypto/crypto.h"
#include "face/models.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANIFEST_BYTES_MAX = 1 << 20 };

/* Reads one manifest; the first failure stays in `status`, so that a run of reads needs one check at its end. */
typedef struct reader {
  const char *file;
  json_t *root;
  sb_status status;
  sb_error *error;
} reader;

static void wrong(reader *r, const char *key, const char *wanted) {
  if (r->status == SB_OK)
    r->status = sb_fail(r->error, SB_MODEL, "the manifest %s is wrong: '%s' should be %s", r->file, key, wanted);
}

static json_t *member(reader *r, json_t *object, const char *key) {
  json_t *value = json_object_get(object, key);
  if (!value) wrong(r, key, "there");
  return value;
}

static double number_of(reader *r, json_t *value, const char *key, double least, double most) {
  double number = json_number_value(value);
  if (json_is_number(value) && number >= least && number <= most) return number;
  char wanted[64];
  snprintf(wanted, sizeof wanted, "a number between %g and %g", least, most);
  wrong(r, key, wanted);
  return least;
}

static float real(reader *r, json_t *object, const char *key, double least, double most) {
  return (float)number_of(r, member(r, object, key), key, least, most);
}

static int integer(reader *r, json_t *object, const char *key, int least, int most) {
  double value = number_of(r, member(r, object, key), key, least, most);
  if (value != floor(value)) wrong(r, key, "a whole number");
  return (int)value;
}

static void text(reader *r, json_t *object, const char *key, char *out, size_t size) {
  const char *value = json_string_value(member(r, object, key));
  if (value && *value && strlen(value) < size)
    snprintf(out, size, "%s", value);
  else
    wrong(r, key, "a short text");
}

static bool one_of(reader *r, json_t *object, const char *key, const char *const *words, int count, int *index) {
  const char *value = json_string_value(member(r, object, key));
  for (int i = 0; value && i < count; i++)
    if (!strcmp(value, words[i])) return *index = i, true;
  wrong(r, key, "one of the words that models/README.md lists");
  return false;
}

static size_t array_size(reader *r, json_t *array, const char *key, size_t least, size_t most) {
  size_t size = json_array_size(array);
  if (size >= least && size <= most) return size;
  char wanted[64];
  snprintf(wanted, sizeof wanted, "a list of %zu to %zu", least, most);
  wrong(r, key, wanted);
  return 0;
}

static void reals(reader *r, json_t *array, const char *key, float *out, size_t count) {
  if (array_size(r, array, key, count, count) != count) return;
  for (size_t i = 0; i < count; i++) out[i] = (float)number_of(r, json_array_get(array, i), key, -1e6, 1e6);
}

static sb_status reader_open(reader *r, const char *models_path, const char *file, sb_error *error) {
  *r = (reader){.file = file, .error = error};
  sb_error cause;
  char *path = sb_path_find(models_path, file, &cause);
  if (!path)
    return sb_fail(error, SB_MODEL, "the models are not here: no %s in %s; run script/setup, or give --models", file,
                   models_path);
  uint8_t *bytes = NULL;
  size_t size = 0;
  sb_status status = sb_file_read(path, MANIFEST_BYTES_MAX, &bytes, &size, error);
  free(path);
  if (status != SB_OK) return status;
  json_error_t reason;
  r->root = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, &reason);
  free(bytes);
  if (json_is_object(r->root)) return SB_OK;
  json_decref(r->root);
  r->root = NULL;
  return sb_fail(error, SB_MODEL, "the manifest %s is no JSON object: line %d: %.100s", file, reason.line, reason.text);
}

static void read_input(reader *r, sb_model_spec *spec) {
  static const char *const layouts[] = {"NCHW", "NHWC"}, *const channels[] = {"RGB", "BGR", "GREY"};
  json_t *input = member(r, r->root, "input");
  int layout = 0, channel = 0;
  if (one_of(r, input, "layout", layouts, 2, &layout)) spec->interleaved = layout == 1;
  if (one_of(r, input, "channels", channels, 3, &channel)) spec->channels = (sb_channels)channel;
  spec->width = integer(r, input, "width", 8, 4096);
  spec->height = integer(r, input, "height", 8, 4096);
  spec->mean = real(r, input, "mean", 0, 255);
  spec->deviation = real(r, input, "std", 1e-3, 1e4);
}

static void read_common(reader *r, const char *task, const char *models_path, sb_model_spec *spec) {
  char file[128] = "", said[SB_NAME_SIZE] = "";
  text(r, r->root, "task", said, sizeof said);
  if (r->status == SB_OK && strcmp(said, task)) wrong(r, "task", task);
  text(r, r->root, "name", spec->name, sizeof spec->name);
  text(r, r->root, "file", file, sizeof file);
  text(r, r->root, "sha256", spec->sha256, sizeof spec->sha256);
  if (r->status == SB_OK && strlen(spec->sha256) != 64) wrong(r, "sha256", "64 hex digits");
  if (strchr(file, '/')) wrong(r, "file", "a file's name without folders");
  read_input(r, spec);
  if (r->status != SB_OK) return;
  sb_error cause;
  spec->path = sb_path_find(models_path, file, &cause);
  if (!spec->path)
    r->status =
        sb_fail(r->error, SB_MODEL, "the model file %s is missing from %s; run script/setup", file, models_path);
}

static void output(reader *r, const char *role, char name[SB_NAME_SIZE]) {
  text(r, member(r, r->root, "outputs"), role, name, SB_NAME_SIZE);
}

static float crop_scale(reader *r) {
  return real(r, member(r, r->root, "crop"), "scale", 0.1, 10);
}

static void read_anchors(reader *r, sb_detector_spec *spec) {
  json_t *anchors = member(r, r->root, "anchors"), *strides = member(r, anchors, "strides"),
         *sizes = member(r, anchors, "minimum_sizes");
  spec->levels = (int)array_size(r, strides, "strides", 1, SB_LEVELS_MAX);
  if (json_array_size(sizes) != (size_t)spec->levels) wrong(r, "minimum_sizes", "as long as strides");
  for (int l = 0; r->status == SB_OK && l < spec->levels; l++) {
    json_t *level = json_array_get(sizes, (size_t)l);
    spec->strides[l] = (int)number_of(r, json_array_get(strides, (size_t)l), "strides", 1, 1024);
    spec->size_counts[l] = (int)array_size(r, level, "minimum_sizes", 1, SB_SIZES_MAX);
    reals(r, level, "minimum_sizes", spec->sizes[l], (size_t)spec->size_counts[l]);
  }
  spec->centre_variance = real(r, anchors, "centre_variance", 1e-3, 10);
  spec->size_variance = real(r, anchors, "size_variance", 1e-3, 10);
}

static void read_detector(reader *r, sb_detector_spec *spec) {
  output(r, "scores", spec->scores);
  output(r, "locations", spec->locations);
  read_anchors(r, spec);
  spec->score_threshold = real(r, r->root, "score_threshold", 0, 1);
  json_t *large = member(r, member(r, r->root, "passes"), "large"), *shapes = member(r, large, "shapes");
  spec->large_side = integer(r, large, "side", 64, 4096);
  spec->large_from = integer(r, large, "from_side", 0, 4096);
  spec->large_box = real(r, large, "largest_box", 1, 4096);
  spec->shape_count = (int)array_size(r, shapes, "shapes", 1, SB_SHAPES_MAX);
  for (int i = 0; r->status == SB_OK && i < spec->shape_count; i++) {
    float pair[2] = {0};
    reals(r, json_array_get(shapes, (size_t)i), "shapes", pair, 2);
    spec->shapes[i][0] = (int)pair[0];
    spec->shapes[i][1] = (int)pair[1];
    if (pair[0] < 32 || pair[1] < 32 || pair[0] > 4096 || pair[1] > 4096) wrong(r, "shapes", "pairs of 32 to 4096");
  }
  int last = spec->shape_count - 1;
  if (r->status == SB_OK && (spec->shapes[last][0] < spec->large_side || spec->shapes[last][1] < spec->large_side))
    wrong(r, "shapes", "a list that ends with one that holds every photo");
  json_t *merge = member(r, r->root, "merge");
  spec->iou = real(r, merge, "iou", 0, 1);
  spec->overlap_smaller = real(r, merge, "overlap_smaller", 0, 1);
  spec->small_bonus = real(r, merge, "small_pass_bonus", 0, 10);
  spec->bonus_height = real(r, merge, "bonus_from_height", 0, 4096);
}

static void read_verifier(reader *r, sb_verifier_spec *spec) {
  output(r, "probability", spec->output);
  spec->index = integer(r, r->root, "output_index", 0, 64);
  spec->crop = crop_scale(r);
  spec->accept = real(r, r->root, "accept", 0, 1);
  spec->detector_accept = real(r, r->root, "detector_accept", 0, 1);
  spec->rotate_below = real(r, r->root, "rotate_below", 0, 1);
}

static void read_landmarks(reader *r, sb_landmarks_spec *spec) {
  output(r, "points", spec->output);
  spec->points = integer(r, r->root, "points", 5, SB_POINTS_MAX);
  spec->crop = crop_scale(r);
  spec->shift_down = real(r, member(r, r->root, "crop"), "shift_down", -1, 1);
  json_t *five = member(r, r->root, "five");
  array_size(r, five, "five", 5, 5);
  for (size_t i = 0; r->status == SB_OK && i < 5; i++) {
    json_t *list = json_array_get(five, i);
    spec->averaged_count[i] = (int)array_size(r, list, "five", 1, SB_AVERAGED_MAX);
    for (int k = 0; k < spec->averaged_count[i]; k++)
      spec->averaged[i][k] = (int)number_of(r, json_array_get(list, (size_t)k), "five", 0, spec->points - 1);
  }
  json_t *refine = member(r, r->root, "refine");
  spec->refinements = integer(r, refine, "times", 0, 10);
  reals(r, member(r, refine, "centre"), "centre", spec->centre, 2);
  spec->side = real(r, refine, "side", 1, 4096);
}

static void read_calibration(reader *r, sb_calibration *out) {
  json_t *calibration = member(r, r->root, "calibration"), *points = member(r, calibration, "points");
  out->count = array_size(r, points, "calibration.points", 2, SB_CALIBRATION_MAX);
  for (size_t i = 0; r->status == SB_OK && i < out->count; i++) {
    out->fmr[i] = number_of(r, json_object_get(json_array_get(points, i), "fmr"), "fmr", 1e-12, 1);
    out->threshold[i] = number_of(r, json_object_get(json_array_get(points, i), "threshold"), "threshold", -1, 1);
    if (i && (out->fmr[i] >= out->fmr[i - 1] || out->threshold[i] <= out->threshold[i - 1]))
      wrong(r, "calibration.points", "in order of falling fmr and rising threshold");
  }
  out->non_mated_mean = number_of(r, member(r, calibration, "non_mated_mean"), "non_mated_mean", -1, 1);
  out->default_threshold = number_of(r, member(r, calibration, "default_threshold"), "default_threshold", -1, 1);
  out->unsure_threshold =
      number_of(r, member(r, calibration, "unsure_threshold"), "unsure_threshold", -1, out->default_threshold);
  out->fmr_floor = number_of(r, member(r, calibration, "fmr_floor"), "fmr_floor", 1e-12, 1);
}

static void read_quality(reader *r, sb_embedder_spec *spec) {
  json_t *quality = member(r, r->root, "quality");
  sb_quality_spec *q = &spec->quality;
  reals(r, member(r, quality, "eye_distance"), "eye_distance", q->eye_distance, 2);
  reals(r, member(r, quality, "sharpness"), "sharpness", q->sharpness, 2);
  reals(r, member(r, quality, "yaw"), "yaw", q->yaw, 2);
  reals(r, member(r, quality, "contrast"), "contrast", q->contrast, 2);
  reals(r, member(r, quality, "pitch"), "pitch", q->pitch, 4);
  reals(r, member(r, quality, "brightness"), "brightness", q->brightness, 4);
  spec->info.minimum_quality = real(r, quality, "minimum", 0, 1);
}

static void read_embedder(reader *r, sb_embedder_spec *spec) {
  output(r, "embedding", spec->output);
  snprintf(spec->info.name, sizeof spec->info.name, "%s", spec->model.name);
  spec->info.dim = (size_t)integer(r, r->root, "dimension", 1, 4096);
  static const char *const metrics[] = {"cosine"};
  int metric = 0;
  one_of(r, r->root, "metric", metrics, 1, &metric);
  json_t *template = member(r, member(r, r->root, "alignment"), "template");
  array_size(r, template, "template", 5, 5);
  for (size_t i = 0; r->status == SB_OK && i < 5; i++) {
    float point[2] = {0};
    reals(r, json_array_get(template, i), "template", point, 2);
    spec->template[i][0] = point[0];
    spec->template[i][1] = point[1];
  }
  read_calibration(r, &spec->info.calibration);
  read_quality(r, spec);
}

static void read_age_gender(reader *r, sb_age_gender_spec *spec) {
  output(r, "age", spec->age);
  output(r, "gender", spec->gender);
  spec->crop = crop_scale(r);
}

static void read_ethnicity(reader *r, sb_ethnicity_spec *spec) {
  output(r, "classes", spec->output);
  spec->crop = crop_scale(r);
  json_t *classes = member(r, r->root, "classes");
  array_size(r, classes, "classes", SB_ETHNICITIES, SB_ETHNICITIES);
  for (int i = 0; r->status == SB_OK && i < SB_ETHNICITIES; i++) {
    const char *word = json_string_value(json_array_get(classes, (size_t)i));
    if (!word || strcmp(word, sb_ethnicity_name(i)))
      wrong(r, "classes", "white, black, asian, indian, other, in this order");
  }
}

/* Opens the manifest that the pipeline names for a task and reads what all models have. */
static sb_status open_task(reader *pipeline, const char *task, const char *models_path, reader *r, char file[128],
                           sb_model_spec *spec) {
  char name[SB_NAME_SIZE] = "";
  text(pipeline, pipeline->root, task, name, sizeof name);
  if (pipeline->status != SB_OK) return pipeline->status;
  snprintf(file, 128, "%s.json", name);
  sb_status status = reader_open(r, models_path, file, pipeline->error);
  if (status != SB_OK) return status;
  read_common(r, task, models_path, spec);
  return r->status;
}

#define READ_TASK(task, spec, read)                                             \
  if (status == SB_OK) {                                                        \
    status = open_task(&pipeline, task, models_path, &r, file, &(spec)->model); \
    if (status == SB_OK) read(&r, spec);                                        \
    if (status == SB_OK) status = r.status;                                     \
    json_decref(r.root);                                                        \
    r.root = NULL;                                                              \
  }

sb_status sb_models_read(const char *models_path, const char *name, sb_models *out, sb_error *error) {
  sb_models *models = sb_alloc(1, sizeof *models, error);
  if (!models) return SB_NO_MEMORY;
  char path[160], file[128];
  snprintf(path, sizeof path, "pipelines/%.100s.json", name);
  reader pipeline, r = {0};
  sb_status status = reader_open(&pipeline, models_path, path, error);
  READ_TASK("detect", &models->detector, read_detector)
  READ_TASK("verify_face", &models->verifier, read_verifier)
  READ_TASK("landmarks", &models->landmarks, read_landmarks)
  READ_TASK("embed", &models->embedder, read_embedder)
  READ_TASK("age_gender", &models->age_gender, read_age_gender)
  READ_TASK("ethnicity", &models->ethnicity, read_ethnicity)
  json_decref(pipeline.root);
  if (status == SB_OK)
    *out = *models;
  else
    sb_models_free(models);
  free(models);
  return status;
}

void sb_models_free(sb_models *models) {
  sb_model_spec *specs[] = {&models->detector.model, &models->verifier.model,   &models->landmarks.model,
                            &models->embedder.model, &models->age_gender.model, &models->ethnicity.model};
  for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
    free(specs[i]->path);
    specs[i]->path = NULL;
  }
}

sb_status sb_model_spec_check(const sb_model_spec *spec, sb_error *error) {
  uint8_t digest[SB_DIGEST_SIZE];
  char hex[2 * SB_DIGEST_SIZE + 1];
  sb_status status = sb_sha256_file(spec->path, digest, error);
  if (status != SB_OK) return status;
  sb_hex(digest, sizeof digest, hex);
  if (!strcmp(hex, spec->sha256)) return SB_OK;
  return sb_fail(
      error, SB_MODEL,
      "the model file %s is cut short or not the one that was pinned (SHA-256 %.12s..., expected %.12s...); run script/setup",
      spec->path, hex, spec->sha256);
}

sb_status sb_embedder_read(const sb_pipeline_config *config, sb_embedder *out, sb_error *error) {
  sb_models models;
  sb_status status = sb_models_read(config->models_path, config->name ? config->name : "default", &models, error);
  if (status != SB_OK) return status;
  *out = models.embedder.info;
  sb_models_free(&models);
  return SB_OK;
}
