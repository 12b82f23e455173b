/* What is wrong with a face of low quality, in words: one text for the program and for refusals of enrolment. */
#ifndef SB_ENGINE_QUALITY_TEXT_H
#define SB_ENGINE_QUALITY_TEXT_H

#include <semblance/semblance.h>

const char *sb_engine_quality_problem(sb_quality_part part); /* "the face is blurred" */
const char *sb_engine_quality_advice(sb_quality_part part);  /* "hold still and focus" */

#endif
