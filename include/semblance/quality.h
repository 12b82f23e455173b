/*
 * Semblance: the quality of a portrait. The conventions are those of semblance.h.
 */
#ifndef SEMBLANCE_QUALITY_H
#define SEMBLANCE_QUALITY_H

#include <semblance/semblance.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What ICAO Doc 9303 and ISO/IEC 39794-5 ask of a portrait, as far as it is looked at here. */
typedef enum sb_requirement {
  SB_REQUIREMENT_ONE_FACE,
  SB_REQUIREMENT_SIZE, /* 90 pixels between the eyes */
  SB_REQUIREMENT_SHARP,
  SB_REQUIREMENT_FRONTAL, /* yaw and roll; the pitch is not estimated well enough */
  SB_REQUIREMENT_EVEN_LIGHT,
  SB_REQUIREMENT_EYES_OPEN,
  SB_REQUIREMENT_EYES_VISIBLE,
  SB_REQUIREMENT_MOUTH_CLOSED,
  SB_REQUIREMENT_UNCOVERED,
  SB_REQUIREMENTS
} sb_requirement;
typedef enum sb_met { SB_MET_NO, SB_MET_YES, SB_MET_UNKNOWN } sb_met; /* unknown: no model in use tells */
/* "eyes_open", and what to do where it is not met; static. */
SB_API const char *sb_requirement_name(int index);
SB_API const char *sb_requirement_advice(int index);

typedef struct sb_portrait_report {
  int width, height; /* of the upright photo */
  size_t faces;      /* how many the photo shows */
  sb_face face;      /* the largest, with `portrait`, pose and expression, without embedding */
  bool enrollable;   /* its quality is that of enrolment, at least */
  sb_met met[SB_REQUIREMENTS];
  sb_met icao; /* all are met; unknown: none is not met, but some are not known */
} sb_portrait_report;
/* Measures the largest face of a photo as a portrait. SB_NO_FACE, the photo errors, SB_MODEL, SB_BUSY. */
SB_API sb_status sb_engine_quality(sb_engine *engine, sb_photo photo, sb_portrait_report *out, sb_error *error);

#ifdef __cplusplus
}
#endif

#endif
