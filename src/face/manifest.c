/* Reads the manifest of a model (docs/models.md): the keys that all tasks have, and the verifier's and landmark model's
 * own. Detectors, embedders and attribute models have files of their own (manifest_*.c). To add a key, add it to the
 * list of keys and read it. */
#include "face/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const sb_manifest_task_names[] = {"detect", "verify_face", "landmarks", "embed", "attributes", NULL};

static const char *const common_keys[] = {"name",      "task",   "file",         "sha256",   "source", "converter",
                                          "licence",   "origin", "experimental", "optional", "input",  "outputs",
                                          "precision", NULL};
static const char *const verifier_keys[] = {"crop", "output_index", "accept", "detector_accept", "rotate_below", NULL};
static const char *const landmarks_keys[] = {"crop", "points", "five", "refine", NULL};

bool sb_manifest_name_valid(const char *name) {
  size_t length = strlen(name);
  return length >= 1 && length < SB_NAME_SIZE && name[0] != '.' && name[0] != '-' &&
         strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == length;
}

/* ---- Keys of all tasks */

/* A number for all channels, or a list with one number a channel. */
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
                           *const keys[] = {"name", "layout",      "width",  "height",  "channels", "mean",
                                            "std",  "standardise", "resize", "padding", NULL},
                           *const resizes[] = {"averaged", "linear", NULL}, *const paddings[] = {"mean", "black", NULL};
  char name[SB_NAME_SIZE];
  json_t *input = sb_manifest_json_member(r, r->root, "input");
  sb_manifest_json_keys(r, input, "input", keys, NULL);
  if (json_object_get(input, "name")) sb_manifest_json_text(r, input, "name", name, sizeof name);
  spec->interleaved = sb_manifest_json_word(r, input, "layout", layouts) == 1;
  spec->channels = (sb_model_channels)sb_manifest_json_word(r, input, "channels", channels);
  spec->width = sb_manifest_json_integer(r, input, "width", 8, 4096);
  spec->height = sb_manifest_json_integer(r, input, "height", 8, 4096);
  spec->linear = sb_manifest_json_optional_word(r, input, "resize", resizes, 0) == 1;
  spec->black = sb_manifest_json_optional_word(r, input, "padding", paddings, 0) == 1;
  spec->standardise = sb_manifest_json_optional_bool(r, input, "standardise", false);
  if (spec->standardise) {
    if (json_object_get(input, "mean") || json_object_get(input, "std"))
      sb_manifest_json_wrong(r, "standardise", "given without mean and std, which it computes from the picture");
    return;
  }
  int count = spec->channels == SB_CHANNELS_GREY ? 1 : 3;
  read_by_channel(r, input, "mean", count, 0, 255, spec->mean);
  read_by_channel(r, input, "std", count, 1e-3, 1e4, spec->deviation);
}

/* Summarises in one line where the model file comes from. */
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

static void check_input_of(sb_manifest_json *r, sb_manifest_task task, const sb_model_spec *spec) {
  if (task != SB_TASK_DETECT && (spec->linear || spec->black))
    sb_manifest_json_wrong(r, "input", "without resize and padding, which only detectors have");
}

static void read_common(sb_manifest_json *r, const char *folders, const char *name, sb_manifest *out) {
  static const char *const precisions[] = {"f32", "bf16", NULL};
  sb_model_spec *spec = &out->spec.model;
  sb_manifest_json_text(r, r->root, "name", spec->name, sizeof spec->name);
  if (r->status == SB_OK && (strcmp(spec->name, name) || !sb_manifest_name_valid(name)))
    sb_manifest_json_wrong(r, "name", "the manifest's file name without .json, in lower case");
  sb_manifest_json_text(r, r->root, "file", out->file, sizeof out->file);
  sb_manifest_json_text(r, r->root, "sha256", spec->sha256, sizeof spec->sha256);
  if (r->status == SB_OK && strspn(spec->sha256, "0123456789abcdef") != 64)
    sb_manifest_json_wrong(r, "sha256", "64 hex digits in lower case");
  if (strchr(out->file, '/') || out->file[0] == '.') sb_manifest_json_wrong(r, "file", "a file name without folders");
  sb_manifest_json_text(r, r->root, "licence", out->licence, sizeof out->licence);
  sb_manifest_json_text(r, r->root, "origin", out->origin, sizeof out->origin);
  spec->experimental = sb_manifest_json_optional_bool(r, r->root, "experimental", false);
  sb_manifest_json_optional_bool(r, r->root, "optional", false);
  spec->bf16 = sb_manifest_json_optional_word(r, r->root, "precision", precisions, 0) == 1;
  read_source(r, out);
  read_input(r, spec);
  check_input_of(r, out->task, spec);
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
    sb_manifest_json_keys(r, r->root, "the manifest", common_keys, sb_attribute_keys);
    sb_attribute_spec_parse(r, &out->spec.attributes);
    break;
  }
}

sb_status sb_manifest_read(const char *folders, const char *name, sb_manifest *out, sb_error *error) {
  char file[SB_NAME_SIZE + 8];
  sb_manifest_json r;
  if (!sb_manifest_name_valid(name))
    return sb_fail(error, SB_NOT_FOUND,
                   "no model of that name exists; `semblance models list` shows the installed ones");
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
