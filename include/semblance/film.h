/*
 * Semblance: searches of films. The conventions are those of semblance.h.
 */
#ifndef SEMBLANCE_FILM_H
#define SEMBLANCE_FILM_H

#include <semblance/semblance.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A film that is being searched, picture by picture. The caller decodes it (`semblance search` does so with FFmpeg, in
 * another process) and gives its pictures in their order, some a second. Faces that are one person in sight become one
 * track; a track gets one verdict, by the mean template of its best shots, when it has ended. Use it in one thread. */
typedef struct sb_film sb_film;

struct sb_film_track;
/* A track got its first verdict: a match as soon as there are two good shots, anything else within a second of the
 * first one, or when it has ended. `changed`: it got another one, because it is somebody after all, or somebody else; a
 * match is never taken back. `track` is valid during the visit, which must not call the film. A status other than SB_OK
 * ends sb_film_add. */
typedef sb_status (*sb_film_visit)(void *context, const struct sb_film_track *track, bool changed, sb_error *error);

typedef struct sb_film_request {
  size_t struct_size;
  const char *collection; /* NULL: default */
  size_t k;               /* candidates for each track, 1..SB_K_MAX; 0: 5 */
  sb_target target;
  bool pictures; /* also a small picture of each track's best shot */
  /* For a film without an end, such as a camera's: tracks are reported to `visit`, are not kept for the result, and get
   * no entry in the audit log, which is the visit's to add. NULL: they are kept. */
  sb_film_visit visit;
  /* With a visit: another collection, which is searched first. A track that matches somebody there is an alert, and is
   * not searched for in `collection`. Both have the same model (else SB_INVALID). NULL: none. */
  const char *watchlist;
  /* Is a face looked at? Its box and the picture's size are those of the film. Other faces are passed over as if they
   * were not in the picture. NULL: all are. */
  bool (*wanted)(void *context, const sb_box *box, int width, int height);
  void *context; /* for `visit` and `wanted` */
} sb_film_request;

/* One picture of a film: RGB, interleaved, without row padding. */
typedef struct sb_film_picture {
  const uint8_t *pixels;
  int width, height;
  int film_width, film_height; /* the size that boxes refer to, where the picture was shrunk; 0: its own */
  int64_t time_ms;             /* from the film's start; grows from picture to picture */
} sb_film_picture;

/* A track: one person in sight, from `since_ms` to `until_ms`. */
typedef struct sb_film_track {
  uint64_t number;            /* from 1, in the order of appearance */
  int64_t since_ms, until_ms; /* of the first and the last picture that shows the face */
  size_t pictures;            /* that show it */
  int64_t best_ms;            /* of the best shot */
  sb_search_face best;        /* face, quality: of the best shot; verdict and candidates: of the track */
  bool alert;                 /* somebody of the watchlist; the best candidate is one of its people */
  uint8_t *picture;           /* a JPEG of the best shot, 96x96 pixels; NULL: not asked for */
  size_t picture_size;        /* bytes */
} sb_film_track;

typedef struct sb_film_result {
  size_t count;
  sb_film_track *tracks;    /* in the order in which they begin */
  size_t pictures;          /* that were searched */
  size_t gallery_size;      /* people searched, as in sb_search_result */
  size_t gallery_faces;     /* their faces */
  double threshold, unsure; /* the scores from which a candidate is a match, and "not sure" */
  double fpir;              /* at that threshold and this gallery's size: best estimate */
} sb_film_result;
SB_API void sb_film_result_free(sb_film_result *result);

/* SB_INVALID (k, target), SB_NOT_FOUND (collection), SB_MODEL, the store errors. */
SB_API sb_status sb_film_new(sb_engine *engine, const sb_film_request *request, sb_film **out, sb_error *error);
SB_API void sb_film_free(sb_film *film); /* call it before sb_engine_free */
/* Searches the next picture. SB_INVALID: its size or its time; SB_BUSY, SB_MODEL, the store errors. */
SB_API sb_status sb_film_add(sb_film *film, const sb_film_picture *picture, sb_error *error);
/* Time has passed without a picture: tracks that were out of sight for too long end. SB_INVALID: it is not later. */
SB_API sb_status sb_film_pass(sb_film *film, int64_t time_ms, sb_error *error);
/* How many tracks go on: people in sight, or out of sight for a short time. */
SB_API size_t sb_film_tracks(const sb_film *film);
/* Ends all tracks, and gives the result; the film can only be freed afterwards. */
SB_API sb_status sb_film_finish(sb_film *film, sb_film_result **out, sb_error *error);

#ifdef __cplusplus
}
#endif

#endif
