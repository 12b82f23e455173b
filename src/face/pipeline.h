/* What worker.c may know of a pipeline: its specifications and its compiled models. */
#ifndef SB_FACE_PIPELINE_H
#define SB_FACE_PIPELINE_H

#include "face/models.h"

typedef enum sb_stage {
  SB_STAGE_SMALL,
  SB_STAGE_VERIFY,
  SB_STAGE_LANDMARKS,
  SB_STAGE_EMBED,
  SB_STAGE_AGE_GENDER,
  SB_STAGE_ETHNICITY,
  SB_STAGE_LARGE /* + shape */
} sb_stage;
enum { SB_STAGES = SB_STAGE_LARGE + SB_SHAPES_MAX };

const sb_models *sb_pipeline_models(const sb_pipeline *pipeline);
/* The compiled model of a stage; loads it when it is first needed. Locked. */
sb_status sb_pipeline_model(sb_pipeline *pipeline, int stage, const sb_model **out, sb_error *error);

#endif
