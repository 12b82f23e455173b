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
    [SB_QUALITY_NOISE] = {"the picture is noisy", "take it in more light"},
    [SB_QUALITY_BLOCKS] = {"the picture is made of coarse blocks", "use the camera's own photo, not a compressed copy"},
    [SB_QUALITY_TONES] = {"the picture has too few shades", "use the camera's own photo, and even light"},
    [SB_QUALITY_EYES] = {"the eyes are dark or covered", "take off dark glasses, and light the face from the front"},
    [SB_QUALITY_FEATURES] = {"the model recognises little in this face",
                             "take a sharper and larger photo in even light"},
};

const char *sb_engine_quality_problem(sb_quality_part part) {
  return texts[part].problem;
}

const char *sb_engine_quality_advice(sb_quality_part part) {
  return texts[part].advice;
}
