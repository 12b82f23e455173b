/* What several of Rekognition's calls read and write: images, attributes, faces, similarities, tokens of pages. */
#ifndef SB_HTTP_DIALECTS_REKOGNITION_SHAPES_H
#define SB_HTTP_DIALECTS_REKOGNITION_SHAPES_H

#include "http/core/params.h"
#include "http/dialects/dialects.h"

/* ---- Reading */

const char *sb_http_rekognition_collection(sb_http_params *p); /* `CollectionId` */
/* The photo in `Image.Bytes`, or that of another name than Image. An object of S3 is refused: nothing is fetched. */
sb_photo sb_http_rekognition_image(sb_http_params *p, const char *name);
/* `QualityFilter`: are faces that are too poor for enrolment to be passed over? */
bool sb_http_rekognition_filter(sb_http_params *p, bool fallback);
/* A similarity from 0 to 100; 80 where the field is absent, as in Rekognition. */
double sb_http_rekognition_least(sb_http_params *p, const char *name);
/* `NextToken`, which sb_http_rekognition_token made; 0 where it is absent. */
int64_t sb_http_rekognition_after(sb_http_params *p);
json_t *sb_http_rekognition_token(int64_t after);

/* Which attributes a face gets beside those of DEFAULT. */
typedef struct sb_http_attributes {
  bool age, gender, emotions;
} sb_http_attributes;
/* A list of the names that Rekognition has for them. ALL is what a model here tells; to ask for another by its name is
 * refused. */
sb_http_attributes sb_http_rekognition_attributes(sb_http_params *p, const char *name);
unsigned sb_http_rekognition_want(const sb_http_attributes *attributes); /* SB_WANT_... */

/* ---- Writing */

typedef struct sb_http_frame {
  int width, height; /* of the photo: places are ratios of it */
} sb_http_frame;
json_t *sb_http_rekognition_box(const sb_box *box, sb_http_frame frame);
json_t *sb_http_rekognition_confidence(const sb_face *face); /* 0..100 */
json_t *sb_http_rekognition_detail(const sb_face *face, sb_http_frame frame, const sb_http_attributes *attributes);
/* A stored face of a person. */
json_t *sb_http_rekognition_face(int64_t face, const char *id, const char *name);
/* Did somebody give the person an id? Else the person is a face that was indexed without one. */
bool sb_http_rekognition_is_user(const char *id);

/* What scores mean as Rekognition's similarities. */
typedef struct sb_http_scale {
  double unsure, threshold; /* of "not sure" and of a match */
  double strict;            /* that one pair of strangers in a million reaches; 0: not known */
} sb_http_scale;
/* `model`: that of the scores. */
sb_http_scale sb_http_rekognition_scale(const sb_http_request *request, const char *model, double unsure,
                                        double threshold);
/* 0..100: "not sure" begins at 50, a match at 80, and 99 is `strict`; straight lines between. */
double sb_http_rekognition_similarity(const sb_http_scale *scale, double score, sb_verdict verdict);

#endif
