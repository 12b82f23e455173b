/* Manifests of models and pipelines: what they have in common, and the tasks that need few words. */
#include "face/manifest.h"

#include "crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const sb_manifest_task_names[] = {"detect", "verify_face", "landmarks", "embed", "attributes", NULL};

static const char *const common_keys[] = {"name",      "task",   "file",         "sha256",   "source", "converter",
                                          "licence",   "origin", "experimental", "optional", "input",  "outputs",
                                          "precision", NULL};
static const char *const verifier_keys[] = {"crop", "output_index", "accept", "detector_accept", "rotate_below", NULL};
static const char *const landmarks_keys[] = {"crop", "points", "five", "refine", NULL};
static const char *const attributes_keys[] = {"alignment", NULL};

bool sb_manifest_name_valid(const char *name) {
  size_t length = strlen(name);
  return length >= 1 && length < SB_NAME_SIZE && name[0] != '.' && name[0] != '-' &&
         strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == length;
}

/* ---- What all models have */

/* A number for all channels, or a list of one a channel. */
static void read_by_channel(sb_manifest_json *r, json_t *input, const char *key, int channels, double least,
                            double most, float out[3]) {
  const json_t *value = sb_manifest_json_member(r, input, key);
  if (!json_is_array(value)) {
    for (int c = 0; c < 3; c++) out[c] = (float)sb_manifest_json_number(r, value, key, least, most);
    return;
  }
  size_t count = sb_manifest_json_array(r, value, key, (size_t)channels, (size_t)channels);
  for (size_t c = 0; c < count; c++)
    out[c] = (float)sb_manifest_json_number(r, json_array_get(value, c), key, least, most);
}

static void read_input(sb_manifest_json *r, sb_model_spec *spec) {
  static const char *const layouts[] = {"NCHW", "NHWC", NULL}, *const channels[] = {"RGB", "BGR", "GREY", NULL},
                           *const keys[] = {"name", "layout", "width",       "height", "channels",
                                            "mean", "std",    "standardise", NULL};
  char name[SB_NAME_SIZE];
  json_t *input = sb_manifest_json_member(r, r->root, "input");
  sb_manifest_json_keys(r, input, "input", keys, NULL);
  if (json_object_get(input, "name")) sb_manifest_json_text(r, input, "name", name, sizeof name);
  spec->interleaved = sb_manifest_json_word(r, input, "layout", layouts) == 1;
  spec->channels = (sb_model_channels)sb_manifest_json_word(r, input, "channels", channels);
  spec->width = sb_manifest_json_integer(r, input, "width", 8, 4096);
  spec->height = sb_manifest_json_integer(r, input, "height", 8, 4096);
  spec->standardise = sb_manifest_json_optional_bool(r, input, "standardise", false);
  if (spec->standardise) {
    if (json_object_get(input, "mean") || json_object_get(input, "std"))
      sb_manifest_json_wrong(r, "standardise", "without mean and std, which it takes from the picture");
    return;
  }
  int count = spec->channels == SB_CHANNELS_GREY ? 1 : 3;
  read_by_channel(r, input, "mean", count, 0, 255, spec->mean);
  read_by_channel(r, input, "std", count, 1e-3, 1e4, spec->deviation);
}

/* One line that tells where the file comes from. */
static void read_source(sb_manifest_json *r, sb_manifest *out) {
  static const char *const keys[] = {"registry", "package", "version", "sdist", "files", "url", NULL};
  json_t *source = json_object_get(r->root, "source");
  if (!source) return;
  sb_manifest_json_keys(r, source, "source", keys, NULL);
  const char *url = json_string_value(json_object_get(source, "url"));
  if (url) {
    snprintf(out->source, sizeof out->source, "%s", url);
    return;
  }
  char registry[16] = "", package[100] = "", version[32] = "";
  sb_manifest_json_text(r, source, "registry", registry, sizeof registry);
  sb_manifest_json_text(r, source, "package", package, sizeof package);
  sb_manifest_json_text(r, source, "version", version, sizeof version);
  snprintf(out->source, sizeof out->source, "%s %s %s", registry, package, version);
}

static void read_common(sb_manifest_json *r, const char *folders, const char *name, sb_manifest *out) {
  static const char *const precisions[] = {"f32", "bf16", NULL};
  sb_model_spec *spec = &out->spec.model;
  sb_manifest_json_text(r, r->root, "name", spec->name, sizeof spec->name);
  if (r->status == SB_OK && (strcmp(spec->name, name) || !sb_manifest_name_valid(name)))
    sb_manifest_json_wrong(r, "name", "the manifest's file name without .json, in small letters");
  sb_manifest_json_text(r, r->root, "file", out->file, sizeof out->file);
  sb_manifest_json_text(r, r->root, "sha256", spec->sha256, sizeof spec->sha256);
  if (r->status == SB_OK && strspn(spec->sha256, "0123456789abcdef") != 64)
    sb_manifest_json_wrong(r, "sha256", "64 hex digits in small letters");
  if (strchr(out->file, '/') || out->file[0] == '.') sb_manifest_json_wrong(r, "file", "a file's name without folders");
  sb_manifest_json_text(r, r->root, "licence", out->licence, sizeof out->licence);
  sb_manifest_json_text(r, r->root, "origin", out->origin, sizeof out->origin);
  out->experimental = sb_manifest_json_optional_bool(r, r->root, "experimental", false);
  sb_manifest_json_optional_bool(r, r->root, "optional", false);
  spec->bf16 = sb_manifest_json_optional_word(r, r->root, "precision", precisions, 0) == 1;
  read_source(r, out);
  read_input(r, spec);
  if (r->status == SB_OK) spec->path = sb_path_find(folders, out->file, NULL);
}

/* ---- The tasks */

static void read_crop(sb_manifest_json *r, float *scale, float *shift_down) {
  static const char *const keys[] = {"scale", "shift_down", NULL};
  json_t *crop = sb_manifest_json_member(r, r->root, "crop");
  sb_manifest_json_keys(r, crop, "crop", keys, NULL);
  *scale = (float)sb_manifest_json_real(r, crop, "scale", 0.1, 10);
  *shift_down = (float)sb_manifest_json_optional_real(r, crop, "shift_down", -1, 1, 0);
}

static void read_output(sb_manifest_json *r, const char *role, char name[SB_NAME_SIZE]) {
  const char *const keys[] = {role, NULL};
  json_t *outputs = sb_manifest_json_member(r, r->root, "outputs");
  sb_manifest_json_keys(r, outputs, "outputs", keys, NULL);
  sb_manifest_json_text(r, outputs, role, name, SB_NAME_SIZE);
}

static void read_verifier(sb_manifest_json *r, sb_verifier_spec *spec) {
  static const char *const roles[] = {"probability", "points", NULL};
  float no_shift;
  json_t *outputs = sb_manifest_json_member(r, r->root, "outputs");
  sb_manifest_json_keys(r, outputs, "outputs", roles, NULL);
  sb_manifest_json_text(r, outputs, "probability", spec->output, SB_NAME_SIZE);
  if (json_object_get(outputs, "points")) sb_manifest_json_text(r, outputs, "points", spec->points, SB_NAME_SIZE);
  spec->index = sb_manifest_json_integer(r, r->root, "output_index", 0, 64);
  read_crop(r, &spec->crop, &no_shift);
  spec->accept = (float)sb_manifest_json_real(r, r->root, "accept", 0, 1);
  spec->detector_accept = (float)sb_manifest_json_real(r, r->root, "detector_accept", 0, 1);
  spec->rotate_below = (float)sb_manifest_json_real(r, r->root, "rotate_below", 0, 1);
}

static void read_landmarks(sb_manifest_json *r, sb_landmarks_spec *spec) {
  static const char *const refine_keys[] = {"times", "centre", "side", NULL};
  read_output(r, "points", spec->output);
  spec->points = sb_manifest_json_integer(r, r->root, "points", 5, SB_POINTS_MAX);
  read_crop(r, &spec->crop, &spec->shift_down);
  json_t *five = sb_manifest_json_member(r, r->root, "five");
  sb_manifest_json_array(r, five, "five", 5, 5);
  for (size_t i = 0; r->status == SB_OK && i < 5; i++) {
    json_t *list = json_array_get(five, i);
    spec->averaged_count[i] = (int)sb_manifest_json_array(r, list, "five", 1, SB_AVERAGED_MAX);
    for (int k = 0; k < spec->averaged_count[i]; k++)
      spec->averaged[i][k] =
          (int)sb_manifest_json_number(r, json_array_get(list, (size_t)k), "five", 0, spec->points - 1);
  }
  json_t *refine = sb_manifest_json_member(r, r->root, "refine");
  sb_manifest_json_keys(r, refine, "refine", refine_keys, NULL);
  spec->refinements = sb_manifest_json_integer(r, refine, "times", 0, 10);
  sb_manifest_json_reals(r, sb_manifest_json_member(r, refine, "centre"), "centre", spec->centre, 2);
  spec->side = (float)sb_manifest_json_real(r, refine, "side", 1, 4096);
}

static bool is_number(sb_attribute attribute) {
  return attribute == SB_ATTRIBUTE_AGE || attribute == SB_ATTRIBUTE_YAW || attribute == SB_ATTRIBUTE_PITCH ||
         attribute == SB_ATTRIBUTE_ROLL;
}

static bool has_two_classes(sb_attribute attribute) {
  return attribute == SB_ATTRIBUTE_GENDER || attribute == SB_ATTRIBUTE_LIVE;
}

/* The words of an attribute's classes, in the order of their numbers. */
static void words_of(sb_attribute attribute, const char *words[SB_CLASSES_MAX]) {
  static const char *const genders[] = {"man", "woman"}, *const lives[] = {"live", "spoof"};
  int count = attribute == SB_ATTRIBUTE_ETHNICITY    ? SB_ETHNICITIES
              : attribute == SB_ATTRIBUTE_EXPRESSION ? SB_EXPRESSIONS
                                                     : 2;
  for (int i = 0; i < count; i++)
    words[i] = attribute == SB_ATTRIBUTE_ETHNICITY    ? sb_ethnicity_name(i)
               : attribute == SB_ATTRIBUTE_EXPRESSION ? sb_expression_name(i)
               : attribute == SB_ATTRIBUTE_GENDER     ? genders[i]
                                                      : lives[i];
  words[count] = NULL;
}

static void read_classes(sb_manifest_json *r, json_t *output, sb_attribute attribute, sb_attribute_output *out) {
  const char *words[SB_CLASSES_MAX];
  if (is_number(attribute)) {
    sb_manifest_json_wrong(r, "meaning", "expected or regression where it is a number");
    return;
  }
  bool one = out->meaning == SB_MEANING_PROBABILITY;
  words_of(attribute, words);
  json_t *list = sb_manifest_json_member(r, output, "classes");
  out->class_count = (int)sb_manifest_json_array(r, list, "classes", one ? 1 : 2, one ? 1 : SB_CLASSES_MAX);
  for (int i = 0; i < out->class_count; i++)
    out->classes[i] = sb_manifest_json_word_of(r, json_array_get(list, (size_t)i), "classes", words);
  if (one && !has_two_classes(attribute)) sb_manifest_json_wrong(r, "meaning", "classes where there are more than two");
}

static void read_attribute(sb_manifest_json *r, json_t *output, sb_attribute attribute, sb_attribute_output *out) {
  static const char *const meanings[] = {"classes", "expected", "regression", "probability", NULL},
                           *const class_keys[] = {"output", "meaning", "classes", "softmax", NULL},
                           *const number_keys[] = {"output", "meaning", "first", "step", "softmax", NULL};
  out->there = true;
  out->meaning = (sb_attribute_meaning)sb_manifest_json_word(r, output, "meaning", meanings);
  bool classes = out->meaning == SB_MEANING_CLASSES || out->meaning == SB_MEANING_PROBABILITY;
  sb_manifest_json_keys(r, output, "outputs", classes ? class_keys : number_keys, NULL);
  sb_manifest_json_text(r, output, "output", out->output, SB_NAME_SIZE);
  out->softmax = sb_manifest_json_optional_bool(r, output, "softmax", false);
  out->first = sb_manifest_json_optional_real(r, output, "first", -1e4, 1e4, 0);
  out->step = sb_manifest_json_optional_real(r, output, "step", 1e-6, 1e4, 1);
  if (classes)
    read_classes(r, output, attribute, out);
  else if (!is_number(attribute))
    sb_manifest_json_wrong(r, "meaning", "classes or probability where it is no number");
}

static void read_attributes(sb_manifest_json *r, sb_attribute_spec *spec) {
  static const char *const names[] = {"age", "gender", "ethnicity", "yaw", "pitch", "roll", "expression", "live", NULL};
  json_t *outputs = sb_manifest_json_member(r, r->root, "outputs");
  sb_manifest_json_keys(r, outputs, "outputs", names, NULL);
  if (json_object_size(outputs) == 0) sb_manifest_json_wrong(r, "outputs", "at least one attribute");
  for (int a = 0; a < SB_ATTRIBUTES && r->status == SB_OK; a++) {
    json_t *output = json_object_get(outputs, names[a]);
    if (output) read_attribute(r, output, (sb_attribute)a, &spec->outputs[a]);
  }
  sb_alignment_parse(r, &spec->alignment);
}

static void read_task(sb_manifest_json *r, sb_manifest *out) {
  switch (out->task) {
  case SB_TASK_DETECT:
    sb_manifest_json_keys(r, r->root, "the manifest", common_keys, sb_detector_keys);
    sb_detector_spec_parse(r, &out->spec.detector);
    break;
  case SB_TASK_VERIFY_FACE:
    sb_manifest_json_keys(r, r->root, "the manifest", common_keys, verifier_keys);
    read_verifier(r, &out->spec.verifier);
    break;
  case SB_TASK_LANDMARKS:
    sb_manifest_json_keys(r, r->root, "the manifest", common_keys, landmarks_keys);
    read_landmarks(r, &out->spec.landmarks);
    break;
  case SB_TASK_EMBED:
    sb_manifest_json_keys(r, r->root, "the manifest", common_keys, sb_embedder_keys);
    sb_embedder_spec_parse(r, &out->spec.embedder);
    break;
  case SB_TASK_ATTRIBUTES:
    sb_manifest_json_keys(r, r->root, "the manifest", common_keys, attributes_keys);
    read_attributes(r, &out->spec.attributes);
    break;
  }
}

sb_status sb_manifest_read(const char *folders, const char *name, sb_manifest *out, sb_error *error) {
  char file[SB_NAME_SIZE + 8];
  sb_manifest_json r;
  if (!sb_manifest_name_valid(name)) return sb_fail(error, SB_NOT_FOUND, "there is no model of that name");
  sb_manifest *manifest = sb_alloc(1, sizeof *manifest, error);
  if (!manifest) return SB_NO_MEMORY;
  snprintf(file, sizeof file, "%s.json", name);
  sb_status status = sb_manifest_json_open(&r, folders, file, error);
  if (status == SB_OK) {
    manifest->task = (sb_manifest_task)sb_manifest_json_word(&r, r.root, "task", sb_manifest_task_names);
    read_common(&r, folders, name, manifest);
    if (r.status == SB_OK) read_task(&r, manifest);
    status = r.status;
    sb_manifest_json_close(&r);
  }
  if (status == SB_OK)
    *out = *manifest;
  else
    sb_manifest_free(manifest);
  free(manifest);
  return status;
}

void sb_manifest_free(sb_manifest *manifest) {
  free(manifest->spec.model.path);
  manifest->spec.model.path = NULL;
}

/* ---- Pipelines */

/* A model that must do `task` and be there; it moves into `out`. */
static sb_status read_part(const char *folders, const char *name, sb_manifest_task task, void *out, size_t size,
                           sb_error *error) {
  sb_manifest manifest = {0};
  sb_status status = sb_manifest_read(folders, name, &manifest, error);
  if (status != SB_OK) return status;
  if (manifest.task != task)
    status = sb_fail(error, SB_MODEL, "the model %s is of task %s; one of task %s is wanted", name,
                     sb_manifest_task_names[manifest.task], sb_manifest_task_names[task]);
  else if (!manifest.spec.model.path)
    status = sb_fail(error, SB_MODEL,
                     "the model file %s is missing from %s; run script/setup, or script/models for "
                     "an optional one",
                     manifest.file, folders);
  if (status == SB_OK)
    memcpy(out, &manifest.spec, size);
  else
    sb_manifest_free(&manifest);
  return status;
}

static void read_part_named(sb_manifest_json *r, const char *folders, const char *key, sb_manifest_task task, void *out,
                            size_t size) {
  char name[SB_NAME_SIZE] = "";
  sb_manifest_json_text(r, r->root, key, name, sizeof name);
  if (r->status == SB_OK) r->status = read_part(folders, name, task, out, size, r->error);
}

static void read_attribute_models(sb_manifest_json *r, const char *folders, sb_models *out) {
  const json_t *list = sb_manifest_json_member(r, r->root, "attributes");
  int count = (int)sb_manifest_json_array(r, list, "attributes", 0, SB_ATTRIBUTE_MODELS_MAX);
  for (; r->status == SB_OK && out->attribute_count < count; out->attribute_count += r->status == SB_OK) {
    char name[SB_NAME_SIZE] = "";
    sb_manifest_json_text_of(r, json_array_get(list, (size_t)out->attribute_count), "attributes", name, sizeof name);
    sb_attribute_spec *spec = &out->attributes[out->attribute_count];
    if (r->status == SB_OK) r->status = read_part(folders, name, SB_TASK_ATTRIBUTES, spec, sizeof *spec, r->error);
  }
}

static void read_disagreement(sb_manifest_json *r, json_t *apart, sb_quality_spec *q) {
  static const char *const keys[] = {"distance", "usual", "centre", "side", NULL};
  sb_manifest_json_keys(r, apart, "points_apart", keys, NULL);
  sb_manifest_json_reals(r, sb_manifest_json_member(r, apart, "distance"), "distance", q->disagreement, 2);
  sb_manifest_json_points(r, sb_manifest_json_member(r, apart, "usual"), "usual", q->disagreement_usual);
  sb_manifest_json_reals(r, sb_manifest_json_member(r, apart, "centre"), "centre", q->disagreement_centre, 2);
  q->disagreement_side = (float)sb_manifest_json_real(r, apart, "side", 8, 4096);
  q->has_disagreement = true;
}

static void read_quality(sb_manifest_json *r, sb_quality_spec *q) {
  static const char *const keys[] = {"eye_distance", "sharpness", "yaw",          "pitch", "brightness",
                                     "contrast",     "minimum",   "points_apart", NULL};
  json_t *quality = sb_manifest_json_member(r, r->root, "quality");
  sb_manifest_json_keys(r, quality, "quality", keys, NULL);
  sb_manifest_json_reals(r, sb_manifest_json_member(r, quality, "eye_distance"), "eye_distance", q->eye_distance, 2);
  sb_manifest_json_reals(r, sb_manifest_json_member(r, quality, "sharpness"), "sharpness", q->sharpness, 2);
  sb_manifest_json_reals(r, sb_manifest_json_member(r, quality, "yaw"), "yaw", q->yaw, 2);
  sb_manifest_json_reals(r, sb_manifest_json_member(r, quality, "contrast"), "contrast", q->contrast, 2);
  sb_manifest_json_reals(r, sb_manifest_json_member(r, quality, "pitch"), "pitch", q->pitch, 4);
  sb_manifest_json_reals(r, sb_manifest_json_member(r, quality, "brightness"), "brightness", q->brightness, 4);
  if (json_object_get(quality, "points_apart")) read_disagreement(r, json_object_get(quality, "points_apart"), q);
  q->minimum = (float)sb_manifest_json_real(r, quality, "minimum", 0, 1);
}

static void read_pipeline(sb_manifest_json *r, const char *folders, sb_models *models) {
  static const char *const keys[] = {"name",  "detect",     "verify_face", "landmarks", "embed",
                                     "frame", "attributes", "quality",     NULL},
                           *const frame_keys[] = {"template", "side", NULL};
  sb_manifest_json_keys(r, r->root, "the pipeline", keys, NULL);
  read_part_named(r, folders, "detect", SB_TASK_DETECT, &models->detector, sizeof models->detector);
  if (json_object_get(r->root, "verify_face"))
    read_part_named(r, folders, "verify_face", SB_TASK_VERIFY_FACE, &models->verifier, sizeof models->verifier);
  if (json_object_get(r->root, "landmarks"))
    read_part_named(r, folders, "landmarks", SB_TASK_LANDMARKS, &models->landmarks, sizeof models->landmarks);
  else if (!models->detector.has_points)
    sb_manifest_json_wrong(r, "landmarks", "there: the detector gives no points");
  read_part_named(r, folders, "embed", SB_TASK_EMBED, &models->embedder, sizeof models->embedder);
  read_attribute_models(r, folders, models);
  json_t *frame = sb_manifest_json_member(r, r->root, "frame");
  sb_manifest_json_keys(r, frame, "frame", frame_keys, NULL);
  sb_manifest_json_points(r, sb_manifest_json_member(r, frame, "template"), "template", models->frame);
  models->frame_side = sb_manifest_json_integer(r, frame, "side", 32, 1024);
  read_quality(r, &models->quality);
}

sb_status sb_models_read(const char *folders, const char *name, sb_models *out, sb_error *error) {
  char path[160];
  sb_manifest_json r;
  if (!sb_manifest_name_valid(name)) return sb_fail(error, SB_MODEL, "there is no pipeline of that name");
  sb_models *models = sb_alloc(1, sizeof *models, error);
  if (!models) return SB_NO_MEMORY;
  snprintf(path, sizeof path, "pipelines/%s.json", name);
  sb_status status = sb_manifest_json_open(&r, folders, path, error);
  if (status == SB_OK) {
    read_pipeline(&r, folders, models);
    status = r.status;
    sb_manifest_json_close(&r);
  }
  if (status == SB_OK)
    *out = *models;
  else
    sb_models_free(models);
  free(models);
  if (status == SB_NOT_FOUND) { /* nothing works without: not an answer about a name, but a fault of the installation */
    status = SB_MODEL;
    if (error) error->code = SB_MODEL;
  }
  return status;
}

void sb_models_free(sb_models *models) {
  free(models->detector.model.path);
  free(models->verifier.model.path);
  free(models->landmarks.model.path);
  free(models->embedder.model.path);
  for (int i = 0; i < models->attribute_count; i++) free(models->attributes[i].model.path);
  *models = (sb_models){0};
}

sb_status sb_embedder_spec_read(const char *folders, const char *name, sb_embedder_spec *out, sb_error *error) {
  sb_status status = read_part(folders, name, SB_TASK_EMBED, out, sizeof *out, error);
  if (status != SB_NOT_FOUND) return status;
  return sb_fail(error, SB_NOT_FOUND, "there is no model '%.63s'; `semblance models list` shows those there are", name);
}

sb_status sb_model_check_digest(const sb_model_spec *spec, sb_error *error) {
  uint8_t digest[SB_DIGEST_SIZE];
  char hex[2 * SB_DIGEST_SIZE + 1];
  sb_status status = sb_crypto_sha256_file(spec->path, digest, error);
  if (status != SB_OK) return status;
  sb_hex(digest, sizeof digest, hex);
  if (!strcmp(hex, spec->sha256)) return SB_OK;
  return sb_fail(
      error, SB_MODEL,
      "the model file %s is cut short or not the one that was pinned (SHA-256 %.12s..., expected %.12s...); run script/setup",
      spec->path, hex, spec->sha256);
}

sb_status sb_embedder_read(const sb_pipeline_config *config, const char *name, sb_embedder *out, sb_error *error) {
  sb_models models;
  sb_status status = sb_models_read(config->models_path, config->name ? config->name : "default", &models, error);
  if (status != SB_OK) return status;
  if (!name) name = config->model;
  if (!name || !strcmp(name, models.embedder.info.name)) {
    *out = models.embedder.info;
  } else {
    sb_embedder_spec spec = {0};
    status = sb_embedder_spec_read(config->models_path, name, &spec, error);
    if (status == SB_OK) *out = spec.info;
    free(spec.model.path);
  }
  if (status == SB_OK) out->minimum_quality = models.quality.minimum;
  sb_models_free(&models);
  return status;
}
