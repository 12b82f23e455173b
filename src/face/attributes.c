/* Attributes, pose and liveness: runs the attribute models of the pipeline and interprets their outputs as their
 * manifests say (sb_attribute_meaning). To add an attribute: sb_attribute (models.h), attribute_types.c, set() here,
 * and manifest_attributes.c. */
#include "face/worker.h"

#include <math.h>
#include <stdlib.h>

/* The probability of each class: the values normalised to sum 1, or their softmax. */
static void probabilities(const float *values, size_t count, bool softmax, double *out) {
  double most = -INFINITY, sum = 0;
  for (size_t i = 0; i < count; i++) most = fmax(most, values[i]);
  for (size_t i = 0; i < count; i++) sum += out[i] = softmax ? exp(values[i] - most) : fmax(values[i], 0);
  for (size_t i = 0; i < count; i++) out[i] = sum > 0 ? out[i] / sum : 1.0 / (double)count;
}

enum { VALUES_MAX = 1024 };

static double number_of(const sb_attribute_output *output, const float *values, size_t count) {
  double p[VALUES_MAX], sum = 0;
  if (output->meaning == SB_MEANING_REGRESSION) return output->first + output->step * values[0];
  if (count > VALUES_MAX) count = VALUES_MAX;
  if (output->softmax) probabilities(values, count, true, p);
  for (size_t i = 0; i < count; i++)
    sum += (output->first + output->step * (double)i) * (output->softmax ? p[i] : values[i]);
  return sum;
}

/* The probabilities of two classes, indexed by the class number. */
static void two_classes(const sb_attribute_output *output, const float *values, double of[2]) {
  double p[SB_CLASSES_MAX];
  of[0] = of[1] = 0;
  if (output->meaning == SB_MEANING_PROBABILITY) {
    of[output->classes[0]] = fmin(fmax(values[0], 0), 1);
    of[!output->classes[0]] = 1 - of[output->classes[0]];
  } else {
    probabilities(values, (size_t)output->class_count, output->softmax, p);
    for (int i = 0; i < output->class_count; i++) of[output->classes[i]] += p[i];
  }
}

static void set_gender(const sb_attribute_output *output, const float *values, sb_attributes *out) {
  double of[2];
  two_classes(output, values, of);
  out->man = (float)of[0];
  out->woman = (float)of[1];
}

static void set_expression(const sb_attribute_output *output, const float *values, sb_expression *out) {
  double p[SB_CLASSES_MAX];
  probabilities(values, (size_t)output->class_count, output->softmax, p);
  for (int i = 0; i < SB_EXPRESSIONS; i++) out->probability[i] = 0;
  for (int i = 0; i < output->class_count; i++) out->probability[output->classes[i]] += (float)p[i];
  out->dominant = 0;
  for (int i = 1; i < SB_EXPRESSIONS; i++)
    if (out->probability[i] > out->probability[out->dominant]) out->dominant = i;
}

static void set_ethnicity(const sb_attribute_output *output, const float *values, sb_attributes *out) {
  double p[SB_CLASSES_MAX];
  probabilities(values, (size_t)output->class_count, output->softmax, p);
  for (int i = 0; i < SB_ETHNICITIES; i++) out->ethnicity[i] = -1;
  for (int i = 0; i < output->class_count; i++)
    out->ethnicity[output->classes[i]] = fmaxf(out->ethnicity[output->classes[i]], 0) + (float)p[i];
  out->ethnicity_dominant = 0;
  for (int i = 1; i < SB_ETHNICITIES; i++)
    if (out->ethnicity[i] > out->ethnicity[out->ethnicity_dominant]) out->ethnicity_dominant = i;
}

static void set(sb_attribute attribute, const sb_attribute_output *output, const float *values, size_t count,
                sb_face *face) {
  switch (attribute) {
  case SB_ATTRIBUTE_AGE: face->attributes.age = (float)fmax(number_of(output, values, count), 0); break;
  case SB_ATTRIBUTE_GENDER: set_gender(output, values, &face->attributes); break;
  case SB_ATTRIBUTE_ETHNICITY: set_ethnicity(output, values, &face->attributes); break;
  case SB_ATTRIBUTE_YAW: face->pose.yaw = (float)number_of(output, values, count); break;
  case SB_ATTRIBUTE_PITCH: face->pose.pitch = (float)number_of(output, values, count); break;
  case SB_ATTRIBUTE_ROLL: face->pose.roll = (float)number_of(output, values, count); break;
  case SB_ATTRIBUTE_EXPRESSION: set_expression(output, values, &face->expression); break;
  case SB_ATTRIBUTE_LIVE: /* live_add */
  case SB_ATTRIBUTES: return;
  }
  face->has_attributes |= sb_attribute_want(attribute) == SB_WANT_ATTRIBUTES;
  face->has_pose |= attribute == SB_ATTRIBUTE_YAW;
  face->has_expression |= attribute == SB_ATTRIBUTE_EXPRESSION;
}

/* The numbers of an output, all finite. */
static sb_status read_output(const sb_infer_session *session, const sb_attribute_spec *spec, sb_attribute attribute,
                             const float **values, size_t *count, sb_error *error) {
  const sb_attribute_output *output = &spec->outputs[attribute];
  size_t least = output->class_count > 0 ? (size_t)output->class_count : 1;
  sb_status status = sb_worker_output(session, &spec->model, output->output, least, values, count, error);
  if (status != SB_OK) return status;
  for (size_t i = 0; i < *count; i++)
    if (!isfinite((*values)[i]))
      return sb_fail(error, SB_MODEL, "the model %s gave NaN or infinite numbers", spec->model.name);
  return SB_OK;
}

/* Everything but liveness, which several models decide together. */
static sb_status read_outputs(const sb_infer_session *session, const sb_attribute_spec *spec, sb_face *face,
                              sb_error *error) {
  for (int a = 0; a < SB_ATTRIBUTES; a++) {
    const float *values = NULL;
    size_t count = 0;
    if (!spec->outputs[a].there || a == SB_ATTRIBUTE_LIVE) continue;
    sb_status status = read_output(session, spec, (sb_attribute)a, &values, &count, error);
    if (status != SB_OK) return status;
    set((sb_attribute)a, &spec->outputs[a], values, count, face);
  }
  return SB_OK;
}

/* ---- Liveness: the mean of what the models of the pipeline say */

typedef struct live_sum {
  int models, count; /* numbers of each model: the same for all (manifest_pipeline.c) */
  double p[SB_CLASSES_MAX];
} live_sum;

/* Adds the probability of each class that the model gives. */
static sb_status live_add(const sb_infer_session *session, const sb_attribute_spec *spec, live_sum *sum,
                          sb_error *error) {
  const sb_attribute_output *output = &spec->outputs[SB_ATTRIBUTE_LIVE];
  const float *values = NULL;
  size_t count = 0;
  double p[SB_CLASSES_MAX];
  if (!output->there) return SB_OK;
  sb_status status = read_output(session, spec, SB_ATTRIBUTE_LIVE, &values, &count, error);
  if (status != SB_OK) return status;
  if (output->meaning == SB_MEANING_PROBABILITY)
    p[0] = fmin(fmax(values[0], 0), 1);
  else
    probabilities(values, (size_t)output->class_count, output->softmax, p);
  sum->models++;
  sum->count = output->class_count;
  for (int i = 0; i < sum->count; i++) sum->p[i] += p[i];
  return SB_OK;
}

static void live_decide(const live_sum *sum, const sb_attribute_output *output, sb_face *face) {
  double live = 0;
  int largest = 0;
  for (int i = 0; i < sum->count; i++) {
    if (output->classes[i] == 0) live += sum->p[i] / sum->models;
    if (sum->p[i] > sum->p[largest]) largest = i;
  }
  if (output->meaning == SB_MEANING_PROBABILITY && output->classes[0]) live = 1 - sum->p[0] / sum->models;
  face->has_live = true;
  face->live = (float)live;
  face->is_live = output->largest_decides ? output->classes[largest] == 0 : live >= 0.5;
}

sb_status sb_worker_attributes(sb_worker *worker, const sb_image *image, const sb_align_face *where, unsigned want,
                               sb_face *face, sb_error *error) {
  face->attributes = (sb_attributes){.age = -1, .man = -1, .woman = -1};
  for (int i = 0; i < SB_ETHNICITIES; i++) face->attributes.ethnicity[i] = -1;
  live_sum live = {0};
  const sb_attribute_output *decides = NULL;
  for (int i = 0; i < worker->models->attribute_count; i++) {
    const sb_attribute_spec *spec = &worker->models->attributes[i];
    const sb_worker_model model = {SB_SLOT_ATTRIBUTES + i, &spec->model};
    sb_infer_session *session = NULL;
    if (!(sb_attribute_model_wants(spec) & want)) continue;
    sb_status status = sb_worker_run_on_aligned(worker, model, &spec->alignment, image, where, &session, error);
    if (status == SB_OK) status = read_outputs(session, spec, face, error);
    if (status == SB_OK) status = live_add(session, spec, &live, error);
    if (status != SB_OK) return status;
    if (spec->outputs[SB_ATTRIBUTE_LIVE].there) decides = &spec->outputs[SB_ATTRIBUTE_LIVE];
  }
  if (decides) live_decide(&live, decides, face);
  return SB_OK;
}

sb_status sb_pipeline_read_liveness(const sb_pipeline_config *config, sb_pipeline_liveness *out, sb_error *error) {
  sb_models models = {0};
  sb_status status = sb_models_read(config->models_path, config->name ? config->name : "default", &models, error);
  if (status != SB_OK) return status;
  out->count = sb_attribute_liveness_models(&models, out->names, sizeof out->names, &out->experimental);
  sb_models_free(&models);
  return SB_OK;
}

/* ---- The age alone, after the photo is gone */

bool sb_pipeline_has_age(const sb_pipeline *pipeline) {
  return sb_attribute_age_model(sb_pipeline_models(pipeline)) >= 0;
}

sb_status sb_pipeline_read_age(const sb_pipeline_config *config, bool *has_age, sb_error *error) {
  sb_models models = {0};
  sb_status status = sb_models_read(config->models_path, config->name ? config->name : "default", &models, error);
  if (status == SB_OK) *has_age = sb_attribute_age_model(&models) >= 0;
  sb_models_free(&models);
  return status;
}

static size_t picture_values(const sb_model_spec *spec) {
  return (size_t)spec->width * (size_t)spec->height * 3;
}

size_t sb_worker_picture_bytes(const sb_worker *worker) {
  int i = sb_attribute_age_model(worker->models);
  return i < 0 ? 0 : picture_values(&worker->models->attributes[i].model);
}

sb_status sb_worker_keep_picture(const sb_worker *worker, const sb_image *image, const sb_align_face *where,
                                 uint8_t *picture, sb_error *error) {
  const sb_attribute_spec *spec = &worker->models->attributes[sb_attribute_age_model(worker->models)];
  size_t count = picture_values(&spec->model);
  sb_align_picture aligned = {.width = spec->model.width, .height = spec->model.height};
  aligned.rgb = sb_alloc(count, sizeof *aligned.rgb, error);
  if (!aligned.rgb) return SB_NO_MEMORY;
  sb_status status = sb_align(image, &spec->alignment, where, &aligned, error);
  for (size_t i = 0; status == SB_OK && i < count; i++)
    picture[i] = (uint8_t)lrintf(fminf(fmaxf(aligned.rgb[i], 0), UINT8_MAX));
  free(aligned.rgb);
  return status;
}

static sb_status run_age(sb_worker *worker, const sb_attribute_spec *spec, int slot, const uint8_t *picture, float *age,
                         sb_error *error) {
  const sb_worker_model model = {slot, &spec->model};
  size_t count = picture_values(&spec->model);
  sb_infer_session *session = NULL;
  sb_face face = {.attributes = {.age = -1}};
  float *rgb = sb_alloc(count, sizeof *rgb, error);
  if (!rgb) return SB_NO_MEMORY;
  for (size_t i = 0; i < count; i++) rgb[i] = picture[i];
  sb_status status = sb_worker_run_picture(worker, model, rgb, &session, error);
  if (status == SB_OK) status = read_outputs(session, spec, &face, error);
  free(rgb);
  if (status == SB_OK) *age = face.attributes.age;
  return status;
}

sb_status sb_worker_age(sb_worker *worker, sb_faces *faces, size_t face, float *age, sb_error *error) {
  sb_find_result *result = (sb_find_result *)faces; /* every sb_faces is the first member of one */
  int i = sb_attribute_age_model(worker->models);
  *age = -1;
  if (!result->pictures || i < 0) return SB_OK;
  const sb_attribute_spec *spec = &worker->models->attributes[i];
  const uint8_t *picture = result->pictures + face * picture_values(&spec->model);
  float *known = &result->ages[face];
  sb_status status = SB_OK;
  if (*known < 0) status = run_age(worker, spec, SB_SLOT_ATTRIBUTES + i, picture, known, error);
  *age = *known;
  return status;
}
