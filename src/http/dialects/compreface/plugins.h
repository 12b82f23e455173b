/* CompreFace's plugins: what a request wants to know of each face, and that as JSON. */
#ifndef SB_HTTP_DIALECTS_COMPREFACE_PLUGINS_H
#define SB_HTTP_DIALECTS_COMPREFACE_PLUGINS_H

#include "http/core/params.h"

enum { SB_HTTP_COMPREFACE_PAGE_MAX = 1000 };

typedef struct sb_http_plugins {
  bool landmarks, age, gender, pose,
      calculator; /* `face_plugins`; "mask" is passed over, as no model for it is there */
  bool whole;     /* `detect_faces=false`: the photo is one face, already cut out */
  double least;   /* `det_prob_threshold` */
  size_t most;    /* `limit`, faces; 0: all */
  bool times;     /* `status=true` */
} sb_http_plugins;

sb_http_plugins sb_http_plugins_read(sb_http_params *p);
/* The SB_WANT_* flags that the plugins need. */
unsigned sb_http_plugins_want(const sb_http_plugins *plugins);
/* Is the face wanted, when `so_far` faces have been listed? */
bool sb_http_plugins_accept(const sb_http_plugins *plugins, const sb_face *face, size_t so_far);
/* Adds what the plugins tell of a face; `embedding` NULL: it is not known. */
void sb_http_plugins_add(const sb_http_plugins *plugins, json_t **json, const sb_face *face, const float *embedding,
                         size_t dim);
/* Adds "execution_time" to a face, and "plugins_versions" to a whole answer, where `status=true` asks for them. */
void sb_http_plugins_add_time(const sb_http_plugins *plugins, json_t **json);
void sb_http_plugins_add_versions(const sb_http_plugins *plugins, json_t **json, const sb_http_request *request);

json_t *sb_http_plugins_box(const sb_face *face);
/* CompreFace's similarity is from 0 to 1, and its users ask for 0.8 and more: here "not sure" begins at 0.5 and a
 * match at 0.8. */
json_t *sb_http_plugins_similarity(double score, double unsure, double threshold, sb_verdict verdict);

#endif
