/* What several routes of DeepFace's API read besides photos: options that are checked, and given back in answers. */
#ifndef SB_HTTP_DIALECTS_DEEPFACE_OPTIONS_H
#define SB_HTTP_DIALECTS_DEEPFACE_OPTIONS_H

#include "http/core/params.h"

typedef struct sb_http_deepface_options {
  const char *detector; /* "detector_backend" as it was sent: there is one detector, whatever the name */
  const char *method;   /* "search_method": exact or ann; every search is by the index */
  bool skip;            /* detector_backend=skip: a photo is a face that was cut out */
  bool enforce;         /* "enforce_detection": a photo without a face is an error, else it is taken as the face */
} sb_http_deepface_options;

/* Refuses values that DeepFace does not know, and those that would change an embedding in a way that no model here
 * does. */
sb_http_deepface_options sb_http_deepface_options_read(sb_http_params *p);

/* A flag as Python writes it; the text "false" is false. */
bool sb_http_deepface_bool(sb_http_params *p, const char *name, bool fallback);

/* The photos of the field `name` or, as older clients send it, `old`: one or a list. `*count`, at most 32. */
const sb_photo *sb_http_deepface_photos(sb_http_params *p, const char *name, const char *old, size_t *count);

/* What /verify compares: a photo or, for admins, an embedding. */
typedef struct sb_http_deepface_side {
  sb_photo photo;
  sb_http_vector embedding; /* `values` NULL: there is a photo */
} sb_http_deepface_side;
sb_http_deepface_side sb_http_deepface_side_read(sb_http_params *p, const char *name, const char *old);

#endif
