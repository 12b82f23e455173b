/* Manifests of pipelines (pipelines/NAME.json), and reading the models that they name. */
#include "face/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a model that must have the given task and an existing file; its spec is moved into `out`. */
static sb_status read_model(const char *folders, const char *name, sb_manifest_task task, void *out, size_t size,
                            sb_error *error) {
  sb_manifest manifest = {0};
  sb_status status = sb_manifest_read(folders, name, &manifest, error);
  if (status != SB_OK) return status;
  if (manifest.task != task)
    status = sb_fail(error, SB_MODEL, "the model %s has the task %s, but one with the task %s is needed", name,
                     sb_manifest_task_names[manifest.task], sb_manifest_task_names[task]);
  else if (!manifest.spec.model.path)
    status = sb_fail(error, SB_MODEL,
                     "the model file %s was not found in %s; run script/setup, or script/models for an optional model",
                     manifest.file, folders);
  if (status == SB_OK)
    memcpy(out, &manifest.spec, size);
  else
    sb_manifest_free(&manifest);
  return status;
}

static void read_model_named(sb_manifest_json *r, const char *folders, const char *key, sb_manifest_task task,
                             void *out, size_t size) {
  char name[SB_NAME_SIZE] = "";
  sb_manifest_json_text(r, r->root, key, name, sizeof name);
  if (r->status == SB_OK) r->status = read_model(folders, name, task, out, size, r->error);
}

static void read_attribute_models(sb_manifest_json *r, const char *folders, sb_models *out) {
  const json_t *list = sb_manifest_json_member(r, r->root, "attributes");
  int count = (int)sb_manifest_json_array(r, list, "attributes", 0, SB_ATTRIBUTE_MODELS_MAX);
  for (; r->status == SB_OK && out->attribute_count < count; out->attribute_count += r->status == SB_OK) {
    char name[SB_NAME_SIZE] = "";
    sb_manifest_json_text_of(r, json_array_get(list, (size_t)out->attribute_count), "attributes", name, sizeof name);
    sb_attribute_spec *spec = &out->attributes[out->attribute_count];
    if (r->status == SB_OK) r->status = read_model(folders, name, SB_TASK_ATTRIBUTES, spec, sizeof *spec, r->error);
  }
}

static bool is_installed(const char *folders, const char *name) {
  char file[SB_NAME_SIZE + 8];
  snprintf(file, sizeof file, "%.63s.json", name);
  char *path = sb_path_find(folders, file, NULL);
  free(path);
  return path != NULL;
}

/* The models of "attributes" estimate no liveness any more; those that estimated nothing else are dropped. */
static void drop_liveness(sb_models *out) {
  int kept = 0;
  for (int i = 0; i < out->attribute_count; i++) {
    sb_attribute_spec *spec = &out->attributes[i];
    spec->outputs[SB_ATTRIBUTE_LIVE].there = false;
    if (sb_attribute_model_wants(spec))
      out->attributes[kept++] = *spec;
    else
      free(spec->model.path);
  }
  out->attribute_count = kept;
}

static bool same_classes(const sb_attribute_output *a, const sb_attribute_output *b) {
  return a->there && b->there && a->meaning == b->meaning && a->class_count == b->class_count &&
         a->largest_decides == b->largest_decides &&
         !memcmp(a->classes, b->classes, (size_t)a->class_count * sizeof *a->classes);
}

/* "liveness": optional models that, where all of them are installed, decide together in place of those of
 * "attributes". */
static void read_liveness_models(sb_manifest_json *r, const char *folders, sb_models *out) {
  const json_t *list = json_object_get(r->root, "liveness"), *word;
  char names[SB_ATTRIBUTE_MODELS_MAX][SB_NAME_SIZE] = {{0}};
  if (!list || r->status != SB_OK) return;
  size_t count = sb_manifest_json_array(r, list, "liveness", 1, SB_ATTRIBUTE_MODELS_MAX), i;
  bool installed = count > 0;
  json_array_foreach(list, i, word) {
    if (i >= count) return;
    sb_manifest_json_text_of(r, word, "liveness", names[i], sizeof names[i]);
    installed = installed && is_installed(folders, names[i]);
  }
  if (r->status != SB_OK || !installed) return;
  drop_liveness(out);
  if (out->attribute_count + (int)count > SB_ATTRIBUTE_MODELS_MAX) {
    sb_manifest_json_wrong(r, "liveness", "fewer models: together with 'attributes' at most 8");
    return;
  }
  int first = out->attribute_count;
  for (i = 0; i < count; i++) {
    sb_attribute_spec *spec = &out->attributes[out->attribute_count];
    r->status = read_model(folders, names[i], SB_TASK_ATTRIBUTES, spec, sizeof *spec, r->error);
    if (r->status != SB_OK) return;
    out->attribute_count++;
    if (!same_classes(&spec->outputs[SB_ATTRIBUTE_LIVE], &out->attributes[first].outputs[SB_ATTRIBUTE_LIVE]))
      sb_manifest_json_wrong(r, "liveness", "models of the attribute live with the same classes");
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

static void read_optional_ramp(sb_manifest_json *r, json_t *quality, const char *key, float out[2]) {
  const json_t *ramp = json_object_get(quality, key);
  if (ramp) sb_manifest_json_reals(r, ramp, key, out, 2);
}

static void read_quality(sb_manifest_json *r, sb_quality_spec *q) {
  static const char *const keys[] = {"eye_distance", "sharpness", "yaw",          "pitch",  "brightness", "contrast",
                                     "minimum",      "noise",     "points_apart", "levels", "eyes",       NULL};
  json_t *quality = sb_manifest_json_member(r, r->root, "quality");
  sb_manifest_json_keys(r, quality, "quality", keys, NULL);
  sb_manifest_json_reals(r, sb_manifest_json_member(r, quality, "eye_distance"), "eye_distance", q->eye_distance, 2);
  sb_manifest_json_reals(r, sb_manifest_json_member(r, quality, "sharpness"), "sharpness", q->sharpness, 2);
  sb_manifest_json_reals(r, sb_manifest_json_member(r, quality, "yaw"), "yaw", q->yaw, 2);
  sb_manifest_json_reals(r, sb_manifest_json_member(r, quality, "contrast"), "contrast", q->contrast, 2);
  sb_manifest_json_reals(r, sb_manifest_json_member(r, quality, "pitch"), "pitch", q->pitch, 4);
  sb_manifest_json_reals(r, sb_manifest_json_member(r, quality, "brightness"), "brightness", q->brightness, 4);
  read_optional_ramp(r, quality, "noise", q->noise);
  read_optional_ramp(r, quality, "levels", q->levels);
  read_optional_ramp(r, quality, "eyes", q->eyes);
  if (json_object_get(quality, "points_apart")) read_disagreement(r, json_object_get(quality, "points_apart"), q);
  q->minimum = (float)sb_manifest_json_real(r, quality, "minimum", 0, 1);
}

static void read_pipeline(sb_manifest_json *r, const char *folders, sb_models *models) {
  static const char *const keys[] = {"name",  "detect",     "verify_face", "landmarks", "embed",
                                     "frame", "attributes", "quality",     "liveness",  NULL},
                           *const frame_keys[] = {"template", "side", NULL};
  sb_manifest_json_keys(r, r->root, "the pipeline", keys, NULL);
  read_model_named(r, folders, "detect", SB_TASK_DETECT, &models->detector, sizeof models->detector);
  if (json_object_get(r->root, "verify_face"))
    read_model_named(r, folders, "verify_face", SB_TASK_VERIFY_FACE, &models->verifier, sizeof models->verifier);
  if (json_object_get(r->root, "landmarks"))
    read_model_named(r, folders, "landmarks", SB_TASK_LANDMARKS, &models->landmarks, sizeof models->landmarks);
  else if (!models->detector.has_points)
    sb_manifest_json_wrong(r, "landmarks", "present, because the detector gives no points");
  read_model_named(r, folders, "embed", SB_TASK_EMBED, &models->embedder, sizeof models->embedder);
  read_attribute_models(r, folders, models);
  read_liveness_models(r, folders, models);
  json_t *frame = sb_manifest_json_member(r, r->root, "frame");
  sb_manifest_json_keys(r, frame, "frame", frame_keys, NULL);
  sb_manifest_json_points(r, sb_manifest_json_member(r, frame, "template"), "template", models->frame);
  models->frame_side = sb_manifest_json_integer(r, frame, "side", 32, 1024);
  read_quality(r, &models->quality);
}

sb_status sb_models_read(const char *folders, const char *name, sb_models *out, sb_error *error) {
  char path[160];
  sb_manifest_json r;
  if (!sb_manifest_name_valid(name))
    return sb_fail(error, SB_MODEL, "no pipeline of that name exists; check --pipeline");
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
  if (status == SB_NOT_FOUND) { /* nothing works without it: a fault of the installation, not an unknown name */
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
  sb_status status = read_model(folders, name, SB_TASK_EMBED, out, sizeof *out, error);
  if (status != SB_NOT_FOUND) return status;
  return sb_fail(error, SB_NOT_FOUND, "no model '%.63s' exists; `semblance models list` shows the installed ones",
                 name);
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
