/* The small words of the public header. */
#include "base/base.h"

sb_quality_part sb_quality_weakest(const sb_quality *quality) {
  const float parts[] = {quality->size, quality->sharpness, quality->pose, quality->exposure}, good = 0.5f;
  int weakest = SB_QUALITY_SIZE;
  for (int i = 1; i < 4; i++)
    if (parts[i] < parts[weakest]) weakest = i;
  /* In a dark or blurred face the points are apart, too: that something covers it is said where nothing else is wrong. */
  if (parts[weakest] >= good && quality->visibility < parts[weakest]) return SB_QUALITY_VISIBILITY;
  return (sb_quality_part)weakest;
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
