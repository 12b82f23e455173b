/* The pipeline as its workers see it: manifests, compiled models by slot, embedders by name. The public part is in
 * face.h. */
#ifndef SB_FACE_PIPELINE_H
#define SB_FACE_PIPELINE_H

#include "face/models.h"

enum { SB_EMBEDDERS_MAX = 16 };

/* A slot holds one compiled model. Some kinds of models have several slots: add the index. */
typedef enum sb_pipeline_slot {
  SB_SLOT_SMALL, /* the detector's small pass */
  SB_SLOT_VERIFY,
  SB_SLOT_LANDMARKS,
  SB_SLOT_ATTRIBUTES,                                           /* + index of the attribute model */
  SB_SLOT_EMBED = SB_SLOT_ATTRIBUTES + SB_ATTRIBUTE_MODELS_MAX, /* + index of the embedder; 0: the pipeline's own */
  SB_SLOT_LARGE = SB_SLOT_EMBED + SB_EMBEDDERS_MAX              /* + index of the detector's input shape */
} sb_pipeline_slot;
enum { SB_SLOTS = SB_SLOT_LARGE + SB_SHAPES_MAX };

const sb_models *sb_pipeline_models(const sb_pipeline *pipeline);
/* The embedder of that name (NULL: the pipeline's own) and its index; its manifest is read when it is first asked for.
 * Valid for the pipeline's life. Locked. SB_NOT_FOUND, SB_MODEL. */
sb_status sb_pipeline_embedder(sb_pipeline *pipeline, const char *name, int *index, const sb_embedder_spec **out,
                               sb_error *error);
/* The compiled model of a slot, loaded when it is first needed. Locked. */
sb_status sb_pipeline_model(sb_pipeline *pipeline, int slot, const sb_infer_model **out, sb_error *error);
/* Adds the duration of one run to the totals of sb_pipeline_times. Any thread. */
void sb_pipeline_add_time(sb_pipeline *pipeline, int slot, double ms);

#endif
