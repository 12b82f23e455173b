/* Public: quality. A portrait against what ICAO Doc 9303 asks of one. Where no model tells, the answer is "unknown". */
#include "engine/flow.h"

#include <semblance/quality.h>

#include <math.h>
#include <stdlib.h>

/* A component of 50 is the middle of the standard's scale; the two angles are measured in degrees. */
static const float middle = 50, yaw_limit = 10, roll_limit = 8;
static const double eyes_apart = 90; /* pixels */

static const struct {
  const char *name, *advice;
} requirements[SB_REQUIREMENTS] = {
    [SB_REQUIREMENT_ONE_FACE] = {"one_face", "nobody else may be in the picture"},
    [SB_REQUIREMENT_SIZE] = {"size", "come closer, or use a larger photo: 90 pixels between the eyes"},
    [SB_REQUIREMENT_SHARP] = {"sharp", "hold still and focus, and use the camera's own photo"},
    [SB_REQUIREMENT_FRONTAL] = {"frontal", "look straight into the camera, with the head upright"},
    [SB_REQUIREMENT_EVEN_LIGHT] = {"even_light",
                                   "light both halves of the face alike, neither too dark nor too bright"},
    [SB_REQUIREMENT_EYES_OPEN] = {"eyes_open", "open the eyes"},
    [SB_REQUIREMENT_EYES_VISIBLE] = {"eyes_visible", "take off dark glasses, and hair off the eyes"},
    [SB_REQUIREMENT_MOUTH_CLOSED] = {"mouth_closed", "close the mouth"},
    [SB_REQUIREMENT_UNCOVERED] = {"uncovered", "show the whole face"},
};

const char *sb_requirement_name(int index) {
  return requirements[index].name;
}

const char *sb_requirement_advice(int index) {
  return requirements[index].advice;
}

static sb_met yes(bool met) {
  return met ? SB_MET_YES : SB_MET_NO;
}

static sb_met enough(const sb_portrait *portrait, sb_quality_component component) {
  float value = portrait->value[component];
  return value < 0 ? SB_MET_UNKNOWN : yes(value >= middle);
}

/* No, if one is not met; else unknown, if one is not known. */
static sb_met all_of(const sb_met *met, size_t count) {
  sb_met all = SB_MET_YES;
  for (size_t i = 0; i < count; i++) {
    if (met[i] == SB_MET_NO) return SB_MET_NO;
    if (met[i] == SB_MET_UNKNOWN) all = SB_MET_UNKNOWN;
  }
  return all;
}

static sb_met is_frontal(const sb_face *face) {
  const sb_point *eyes = face->landmarks;
  double roll = atan2(eyes[1].y - eyes[0].y, eyes[1].x - eyes[0].x) * 180 / acos(-1);
  if (fabs(roll) > roll_limit || face->quality.pose < 0.5f) return SB_MET_NO;
  return face->has_pose ? yes(fabsf(face->pose.yaw) <= yaw_limit) : SB_MET_UNKNOWN;
}

static void judge(sb_portrait_report *out) {
  const sb_face *face = &out->face;
  const sb_portrait *p = &face->portrait;
  const sb_met light[] = {enough(p, SB_COMPONENT_ILLUMINATION_UNIFORMITY), enough(p, SB_COMPONENT_LUMINANCE_MEAN),
                          enough(p, SB_COMPONENT_UNDER_EXPOSURE_PREVENTION),
                          enough(p, SB_COMPONENT_OVER_EXPOSURE_PREVENTION), yes(face->quality.exposure >= 0.5f)};
  const sb_met sharp[] = {enough(p, SB_COMPONENT_SHARPNESS), enough(p, SB_COMPONENT_NO_COMPRESSION_ARTIFACTS),
                          yes(face->quality.noise >= 0.5f && face->quality.tones >= 0.5f)};
  double apart = hypot(face->landmarks[1].x - face->landmarks[0].x, face->landmarks[1].y - face->landmarks[0].y);
  out->met[SB_REQUIREMENT_ONE_FACE] = yes(out->faces == 1);
  out->met[SB_REQUIREMENT_SIZE] = yes(apart >= eyes_apart);
  out->met[SB_REQUIREMENT_SHARP] = all_of(sharp, sizeof sharp / sizeof *sharp);
  out->met[SB_REQUIREMENT_FRONTAL] = is_frontal(face);
  out->met[SB_REQUIREMENT_EVEN_LIGHT] = all_of(light, sizeof light / sizeof *light);
  out->met[SB_REQUIREMENT_EYES_OPEN] = enough(p, SB_COMPONENT_EYES_OPEN);
  out->met[SB_REQUIREMENT_EYES_VISIBLE] = enough(p, SB_COMPONENT_EYES_VISIBLE);
  out->met[SB_REQUIREMENT_MOUTH_CLOSED] = enough(p, SB_COMPONENT_MOUTH_CLOSED);
  out->met[SB_REQUIREMENT_UNCOVERED] = enough(p, SB_COMPONENT_FACE_OCCLUSION_PREVENTION);
  out->icao = all_of(out->met, SB_REQUIREMENTS);
}

/* The standard's measure: the area of the second face against that of the first. */
static float single_face(const sb_faces *faces) {
  if (faces->count < 2) return 100;
  const sb_box *one = &faces->items[0].box, *two = &faces->items[1].box;
  return 100 * (1 - fminf(two->w * two->h / (one->w * one->h), 1));
}

static sb_status report(sb_engine *engine, sb_photo photo, sb_portrait_report *out, sb_error *error) {
  unsigned want = SB_WANT_EMBEDDING | SB_WANT_POSE | SB_WANT_PORTRAIT;
  sb_embedder embedder;
  sb_faces *faces = NULL;
  sb_status status = sb_engine_embedder(engine, NULL, &embedder, error);
  if (status != SB_OK) return status;
  status = sb_flow_faces(engine, photo, want, NULL, &faces, error);
  if (status != SB_OK) return status;
  if (faces->count) {
    *out = (sb_portrait_report){
        .width = faces->width, .height = faces->height, .faces = faces->count, .face = faces->items[0]};
    out->face.embedding = NULL;
    out->face.portrait.value[SB_COMPONENT_SINGLE_FACE_PRESENT] = single_face(faces);
    out->enrollable = out->face.quality.overall >= embedder.minimum_quality;
    judge(out);
  } else {
    status = sb_engine_fail_no_face(NULL, error);
  }
  sb_faces_free(faces);
  return status;
}

sb_status sb_engine_quality(sb_engine *engine, sb_photo photo, sb_portrait_report *out, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = report(engine, photo, out, error);
  sb_engine_leave(engine);
  return status;
}
