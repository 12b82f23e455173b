/* Manifests of attribute models: what each output means, and its classes. */
#include "face/manifest.h"

#include <string.h>

const char *const sb_attribute_keys[] = {"alignment", NULL};

static bool is_number(sb_attribute attribute) {
  return attribute == SB_ATTRIBUTE_AGE || attribute == SB_ATTRIBUTE_YAW || attribute == SB_ATTRIBUTE_PITCH ||
         attribute == SB_ATTRIBUTE_ROLL;
}

static bool has_two_classes(sb_attribute attribute) {
  return attribute == SB_ATTRIBUTE_GENDER || attribute == SB_ATTRIBUTE_LIVE;
}

/* The names of an attribute's classes, in the order of their numbers. */
static void class_names(sb_attribute attribute, const char *words[SB_CLASSES_MAX]) {
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
    sb_manifest_json_wrong(r, "meaning", "expected or regression, because this attribute is a number");
    return;
  }
  bool one = out->meaning == SB_MEANING_PROBABILITY;
  class_names(attribute, words);
  json_t *list = sb_manifest_json_member(r, output, "classes");
  out->class_count = (int)sb_manifest_json_array(r, list, "classes", one ? 1 : 2, one ? 1 : SB_CLASSES_MAX);
  for (int i = 0; i < out->class_count; i++)
    out->classes[i] = sb_manifest_json_word_of(r, json_array_get(list, (size_t)i), "classes", words);
  if (one && !has_two_classes(attribute))
    sb_manifest_json_wrong(r, "meaning", "classes, because this attribute has more than two");
}

static void read_attribute(sb_manifest_json *r, json_t *output, sb_attribute attribute, sb_attribute_output *out) {
  static const char *const meanings[] = {"classes", "expected", "regression", "probability", NULL},
                           *const class_keys[] = {"output", "meaning", "classes", "softmax", "decide", NULL},
                           *const number_keys[] = {"output", "meaning", "first", "step", "softmax", NULL},
                           *const decisions[] = {"half", "largest", NULL};
  out->there = true;
  out->meaning = (sb_attribute_meaning)sb_manifest_json_word(r, output, "meaning", meanings);
  bool classes = out->meaning == SB_MEANING_CLASSES || out->meaning == SB_MEANING_PROBABILITY;
  sb_manifest_json_keys(r, output, "outputs", classes ? class_keys : number_keys, NULL);
  sb_manifest_json_text(r, output, "output", out->output, SB_NAME_SIZE);
  out->softmax = sb_manifest_json_optional_bool(r, output, "softmax", false);
  out->largest_decides = sb_manifest_json_optional_word(r, output, "decide", decisions, 0) == 1;
  if (json_object_get(output, "decide") && attribute != SB_ATTRIBUTE_LIVE)
    sb_manifest_json_wrong(r, "decide", "absent: only liveness is decided");
  out->first = sb_manifest_json_optional_real(r, output, "first", -1e4, 1e4, 0);
  out->step = sb_manifest_json_optional_real(r, output, "step", 1e-6, 1e4, 1);
  if (classes)
    read_classes(r, output, attribute, out);
  else if (!is_number(attribute))
    sb_manifest_json_wrong(r, "meaning", "classes or probability, because this attribute is not a number");
}

void sb_attribute_spec_parse(sb_manifest_json *r, sb_attribute_spec *spec) {
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
