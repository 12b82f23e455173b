/* Attributes: what the outputs of the attribute models mean. */
#include "face/worker.h"

#include <math.h>

/* How likely class i is: the numbers as they are, or their softmax. */
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

static void set_gender(const sb_attribute_output *output, const float *values, sb_attributes *out) {
  double p[SB_CLASSES_MAX], of[2] = {0, 0};
  if (output->meaning == SB_MEANING_PROBABILITY) {
    of[output->classes[0]] = fmin(fmax(values[0], 0), 1);
    of[!output->classes[0]] = 1 - of[output->classes[0]];
  } else {
    probabilities(values, (size_t)output->class_count, output->softmax, p);
    for (int i = 0; i < output->class_count; i++) of[output->classes[i]] += p[i];
  }
  out->man = (float)of[0];
  out->woman = (float)of[1];
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

static sb_status read_outputs(const sb_session *session, const sb_attribute_spec *spec, sb_attributes *out,
                              sb_error *error) {
  for (int a = 0; a < SB_ATTRIBUTES; a++) {
    const sb_attribute_output *output = &spec->outputs[a];
    const float *values = NULL;
    size_t count = 0;
    if (!output->there) continue;
    size_t least = output->class_count > 0 ? (size_t)output->class_count : 1;
    sb_status status = sb_worker_output(session, &spec->model, output->output, least, &values, &count, error);
    if (status != SB_OK) return status;
    for (size_t i = 0; i < count; i++)
      if (!isfinite(values[i]))
        return sb_fail(error, SB_MODEL, "the model %s gave no usable numbers", spec->model.name);
    switch ((sb_attribute)a) {
    case SB_ATTRIBUTE_AGE: out->age = (float)fmax(number_of(output, values, count), 0); break;
    case SB_ATTRIBUTE_GENDER: set_gender(output, values, out); break;
    case SB_ATTRIBUTE_ETHNICITY: set_ethnicity(output, values, out); break;
    case SB_ATTRIBUTES: break;
    }
  }
  return SB_OK;
}

sb_status sb_worker_attributes(sb_worker *worker, const sb_image *image, const sb_box_found *box,
                               const double (*five)[2], sb_attributes *out, sb_error *error) {
  sb_attributes attributes = {.age = -1, .man = -1, .woman = -1};
  for (int i = 0; i < SB_ETHNICITIES; i++) attributes.ethnicity[i] = -1;
  sb_status status = SB_OK;
  for (int i = 0; status == SB_OK && i < worker->models->attribute_count; i++) {
    const sb_attribute_spec *spec = &worker->models->attributes[i];
    sb_session *session = NULL;
    status = sb_worker_show(worker, SB_STAGE_ATTRIBUTES + i, &spec->model, &spec->alignment, image, box, five, &session,
                            error);
    if (status == SB_OK) status = read_outputs(session, spec, &attributes, error);
  }
  if (status == SB_OK) *out = attributes;
  return status;
}
