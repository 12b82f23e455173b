/* The child rule: no match is said where a face looks like a child's. */
#include "engine/child_rule.h"

/* A face that looks younger counts as a child's. The rule is meant for children under 13. With a limit of 13, 16 or 18
 * years the age model (faceres-deep) finds 96, 96 and 96 % of children up to 6 years, 61, 72 and 76 % of those of 7 to
 * 12, and takes 2, 2 and 4 % of people of 18 to 24 for children, and nobody who is older (107 and 54 children, 46 and
 * 93 adults of UTKFace). So the margin of three years costs adults nothing. */
static const float age_limit = 16;

unsigned sb_child_want(const sb_engine *engine) {
  return engine->children == SB_CHILDREN_UNSURE ? SB_WANT_AGE_LATER : 0;
}

bool sb_child_person(const sb_engine *engine, bool has_attributes, const sb_attributes *attributes) {
  return engine->children == SB_CHILDREN_UNSURE && has_attributes && attributes->age >= 0 &&
         attributes->age < age_limit;
}

static sb_status estimate(sb_engine *engine, sb_faces *faces, size_t face, float *age, sb_error *error) {
  void *worker = NULL;
  sb_timed_stage before = sb_stage_timer_enter(SB_TIMED_WAIT);
  sb_status status = sb_pool_take(engine->pool, &worker, error);
  sb_stage_timer_enter(SB_TIMED_ATTRIBUTES);
  if (status == SB_OK) {
    status = sb_worker_age(worker, faces, face, age, error);
    sb_pool_put(engine->pool, worker);
  }
  sb_stage_timer_enter(before);
  return status;
}

sb_status sb_child_face(sb_engine *engine, sb_faces *faces, size_t face, bool *child, sb_error *error) {
  const sb_face *known = &faces->items[face];
  float age = -1;
  *child = false;
  if (engine->children != SB_CHILDREN_UNSURE) return SB_OK;
  if (known->has_attributes && known->attributes.age >= 0) {
    age = known->attributes.age;
  } else {
    sb_status status = estimate(engine, faces, face, &age, error);
    if (status != SB_OK) return status;
  }
  *child = age >= 0 && age < age_limit;
  return SB_OK;
}

sb_status sb_child_compare(sb_engine *engine, sb_faces *const *faces, size_t photos, sb_comparison *out,
                           sb_error *error) {
  for (size_t i = 0; i < photos && out->verdict == SB_VERDICT_MATCH; i++) {
    bool child = false;
    sb_status status = sb_child_face(engine, faces[i], out->numbers[i] - 1, &child, error);
    if (status != SB_OK) return status;
    if (child) out->verdict = SB_VERDICT_UNSURE, out->reason = SB_REASON_CHILD;
  }
  return SB_OK;
}
