/* One table of texts about a face of low quality: what is wrong with it, and what to do. */
#include "engine/quality_text.h"

static const struct {
  const char *problem, *advice;
} texts[] = {
    [SB_QUALITY_SIZE] = {"the face is too small", "come closer or use a larger photo"},
    [SB_QUALITY_SHARPNESS] = {"the face is blurred", "hold still and focus"},
    [SB_QUALITY_POSE] = {"the face is turned away", "look at the camera"},
    [SB_QUALITY_EXPOSURE] = {"the face is too dark, too bright or without contrast", "improve the light"},
    [SB_QUALITY_VISIBILITY] = {"part of the face is covered or outside the picture", "show the whole face"},
};

const char *sb_engine_quality_problem(sb_quality_part part) {
  return texts[part].problem;
}

const char *sb_engine_quality_advice(sb_quality_part part) {
  return texts[part].advice;
}
