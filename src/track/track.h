/* Tracker (L2): from the faces of each picture of a film to tracks. A track is one face in sight, from when it comes
 * until it is gone.
 *
 * Faces are assigned to tracks as in ByteTrack (Zhang et al. 2022) and DeepSORT (Wojke et al. 2017): by how much a
 * face's box overlaps the one that the track's motion predicts, and by how alike the templates are. The templates
 * decide wherever both are good:
 *
 *   alike as two photos of one person   the same track, wherever the face is, also after some time out of sight
 *   unlike                              another track, also at the same place (a scene cut, two people who cross)
 *   in between, or a poor face          the same track if the boxes overlap and little time has passed
 *
 * Nothing here runs a model, asks a clock or reads a gallery. One thread. */
#ifndef SB_TRACK_H
#define SB_TRACK_H

#include "base/base.h"

typedef struct sb_tracker_options {
  size_t dim;       /* of the templates */
  double same;      /* similarity from which two templates are of one person */
  double different; /* similarity below which two good templates are of different people */
  int64_t near_ms;  /* how long after its last face a track goes on by its place */
  int64_t lost_ms;  /* how long by its template; then it has ended */
} sb_tracker_options;

/* A face of one picture. */
typedef struct sb_track_face {
  sb_box box;
  float quality;          /* 0..1, for the choice of the best shots */
  bool good;              /* good enough to be recognised by */
  const float *embedding; /* `dim` numbers of unit length */
} sb_track_face;

enum { SB_TRACK_SHOTS = 5 };
typedef struct sb_track {
  uint64_t number;                     /* from 1, in the order of appearance */
  int64_t since_ms, until_ms, best_ms; /* first, last and best shot */
  size_t seen;                         /* pictures with this face */
  size_t good;                         /* of them those where it was good */
  float best_quality;
  sb_box box;  /* in the last picture */
  float *mean; /* the mean of the best shots, of unit length; of all shots where none is good */
} sb_track;

typedef struct sb_tracker sb_tracker;
sb_status sb_tracker_new(const sb_tracker_options *options, sb_tracker **out, sb_error *error);
void sb_tracker_free(sb_tracker *tracker); /* NULL allowed */

/* What became of a face. */
typedef struct sb_track_assignment {
  uint64_t track; /* its number; 0: none, because there are too many */
  bool best;      /* it is the track's best shot so far */
} sb_track_assignment;
/* Adds the faces of the next picture; `out` has room for `count`. Times only grow. */
sb_status sb_tracker_add(sb_tracker *tracker, int64_t time_ms, const sb_track_face *faces, size_t count,
                         sb_track_assignment *out, sb_error *error);
/* The next track that has ended, and is then forgotten; NULL: none. Valid until the next call. A track that was seen
 * once or twice, and never well, is taken for a mistake of the detector and not returned. */
const sb_track *sb_tracker_ended(sb_tracker *tracker);
/* The film has ended, and with it every track. */
void sb_tracker_finish(sb_tracker *tracker);
/* A track that goes on, valid until the next call; NULL: it has ended, or there was none of that number. */
const sb_track *sb_tracker_find(const sb_tracker *tracker, uint64_t track);

#endif
