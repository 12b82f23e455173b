/* The attributes: which part of SB_WANT_* asks for each, and the public names of their classes. */
#include "face/models.h"

#include <stdio.h>

unsigned sb_attribute_want(sb_attribute attribute) {
  switch (attribute) {
  case SB_ATTRIBUTE_AGE:
  case SB_ATTRIBUTE_GENDER:
  case SB_ATTRIBUTE_ETHNICITY: return SB_WANT_ATTRIBUTES;
  case SB_ATTRIBUTE_YAW:
  case SB_ATTRIBUTE_PITCH:
  case SB_ATTRIBUTE_ROLL:
  case SB_ATTRIBUTE_EXPRESSION: return SB_WANT_POSE;
  case SB_ATTRIBUTE_LIVE: return SB_WANT_LIVENESS;
  case SB_ATTRIBUTES: break;
  }
  return 0;
}

unsigned sb_attribute_model_wants(const sb_attribute_spec *spec) {
  unsigned wants = 0;
  for (int a = 0; a < SB_ATTRIBUTES; a++)
    if (spec->outputs[a].there) wants |= sb_attribute_want((sb_attribute)a);
  return wants;
}

int sb_attribute_liveness_models(const sb_models *models, char *names, size_t size, bool *experimental) {
  int count = 0;
  size_t used = 0;
  *names = 0;
  *experimental = false;
  for (int i = 0; i < models->attribute_count; i++) {
    const sb_attribute_spec *spec = &models->attributes[i];
    if (!spec->outputs[SB_ATTRIBUTE_LIVE].there) continue;
    if (used < size) used += (size_t)snprintf(names + used, size - used, "%s%s", count ? ", " : "", spec->model.name);
    *experimental = *experimental || spec->model.experimental;
    count++;
  }
  return count;
}

int sb_attribute_age_model(const sb_models *models) {
  int i = models->attribute_count - 1;
  while (i >= 0 && !models->attributes[i].outputs[SB_ATTRIBUTE_AGE].there) i--;
  return i;
}

const char *sb_ethnicity_name(int index) {
  static const char *const names[SB_ETHNICITIES] = {"white",          "black",           "asian", "indian",
                                                    "middle_eastern", "latino_hispanic", "other"};
  return index >= 0 && index < SB_ETHNICITIES ? names[index] : "";
}

const char *sb_expression_name(int index) {
  static const char *const names[SB_EXPRESSIONS] = {"neutral", "happy",     "sad",  "surprised",
                                                    "afraid",  "disgusted", "angry"};
  return index >= 0 && index < SB_EXPRESSIONS ? names[index] : "";
}
