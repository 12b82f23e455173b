/* What worker.c may know of a pipeline: its specifications and its compiled models. */
#ifndef SB_FACE_PIPELINE_H
#define SB_FACE_PIPELINE_H

#include "face/models.h"

enum { SB_EMBEDDERS_MAX = 16 };
typedef enum sb_pipeline_slot {
  SB_SLOT_SMALL,
  SB_SLOT_VERIFY,
  SB_SLOT_LANDMARKS,
  SB_SLOT_ATTRIBUTES,                                           /* + index of the attribute model */
  SB_SLOT_EMBED = SB_SLOT_ATTRIBUTES + SB_ATTRIBUTE_MODELS_MAX, /* + index of the embedder, 0: the pipeline's */
  SB_SLOT_LARGE = SB_SLOT_EMBED + SB_EMBEDDERS_MAX              /* + shape */
} sb_pipeline_slot;
enum { SB_SLOTS = SB_SLOT_LARGE + SB_SHAPES_MAX };

const sb_models *sb_pipeline_models(const sb_pipeline *pipeline);
/* The embedder of that name (NULL: the pipeline's), its manifest read when it is first asked for; valid for the pipeline's
 * life. Locked. SB_NOT_FOUND, SB_MODEL. */
sb_status sb_pipeline_embedder(sb_pipeline *pipeline, const char *name, int *index, const sb_embedder_spec **out,
                               sb_error *error);
/* A run of the stage took so long. Any thread. */
void sb_pipeline_note(sb_pipeline *pipeline, int stage, double ms);
/* The compiled model of a stage; loads it when it is first needed. Locked. */
sb_status sb_pipeline_model(sb_pipeline *pipeline, int stage, const sb_infer_model **out, sb_error *error);

#endif
