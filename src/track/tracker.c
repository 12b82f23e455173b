/* Assigning faces to tracks, and keeping the best shots of each track. */
#include "track/track.h"

#include "vector/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  LIVE_MAX = 1024,      /* tracks at a time; further faces get none */
  MISTAKE_SEEN_MAX = 2, /* a track of poor faces that was seen so rarely is a mistake of the detector */
  MOTION_MAX_MS = 1000, /* how far into the future motion is predicted */
};
static const double overlap_least = 0.25; /* of the boxes, to go on by place */
static const double poor_allowance = 0.2; /* a poor face may be this much less alike than `different` */
static const float smoothing = 0.5f;      /* of the velocity: weight of the newest step */

typedef struct shot {
  float quality;
  float *embedding; /* in the track's block */
} shot;

typedef struct live_track {
  sb_track track; /* `mean` is in `block` */
  float vx, vy;   /* of the box's centre, in its widths a second */
  size_t shots;
  shot best[SB_TRACK_SHOTS]; /* best first */
  bool has_good_shot;
  float *block; /* all numbers: the template, then the shots */
} live_track;

struct sb_tracker {
  sb_tracker_options options;
  int64_t now_ms;
  uint64_t numbers; /* given so far */
  bool finished;
  size_t count;
  live_track *live; /* LIVE_MAX */
  live_track ended; /* what sb_tracker_ended gave last; block NULL: none */
};

/* ---- Life of a tracker */

sb_status sb_tracker_new(const sb_tracker_options *options, sb_tracker **out, sb_error *error) {
  sb_tracker *tracker = sb_alloc(1, sizeof *tracker, error);
  if (!tracker) return SB_NO_MEMORY;
  tracker->options = *options;
  tracker->live = sb_alloc(LIVE_MAX, sizeof *tracker->live, error);
  if (!tracker->live) return free(tracker), SB_NO_MEMORY;
  *out = tracker;
  return SB_OK;
}

static size_t block_numbers(const sb_tracker *tracker) {
  return (1 + SB_TRACK_SHOTS) * tracker->options.dim;
}

/* Templates are secrets. */
static void clear_track(const sb_tracker *tracker, live_track *t) {
  if (t->block) sb_wipe(t->block, block_numbers(tracker) * sizeof *t->block);
  free(t->block);
  *t = (live_track){0};
}

void sb_tracker_free(sb_tracker *tracker) {
  if (!tracker) return;
  for (size_t i = 0; i < tracker->count; i++) clear_track(tracker, &tracker->live[i]);
  clear_track(tracker, &tracker->ended);
  free(tracker->live);
  free(tracker);
}

/* ---- Shots */

/* The mean of the best shots, of unit length. */
static void average(const sb_tracker *tracker, live_track *t) {
  size_t dim = tracker->options.dim;
  float *mean = t->track.mean;
  memset(mean, 0, dim * sizeof *mean);
  for (size_t s = 0; s < t->shots; s++)
    for (size_t i = 0; i < dim; i++) mean[i] += t->best[s].embedding[i];
  if (sb_normalize(mean, dim) <= 0) memcpy(mean, t->best[0].embedding, dim * sizeof *mean); /* they cancel out */
}

/* The first good shot replaces the poor ones: a mean with them would be less alike. */
static void forget_poor_shots(live_track *t) {
  t->shots = 0;
  t->has_good_shot = true;
}

/* Keeps the shot if it is among the best; is it the very best? */
static bool keep_shot(const sb_tracker *tracker, live_track *t, const sb_track_face *face) {
  size_t dim = tracker->options.dim;
  if (face->good && !t->has_good_shot) forget_poor_shots(t);
  if (!face->good && t->has_good_shot) return false;
  size_t at = t->shots;
  while (at && t->best[at - 1].quality < face->quality) at--;
  if (at == SB_TRACK_SHOTS) return false;
  size_t last = t->shots < SB_TRACK_SHOTS ? t->shots++ : SB_TRACK_SHOTS - 1;
  float *room = t->block + (1 + last) * dim;
  if (t->best[last].embedding) room = t->best[last].embedding;
  memmove(&t->best[at + 1], &t->best[at], (last - at) * sizeof *t->best);
  memcpy(room, face->embedding, dim * sizeof *room);
  t->best[at] = (shot){face->quality, room};
  average(tracker, t);
  return at == 0;
}

/* ---- Motion */

static sb_box predicted(const live_track *t, int64_t now) {
  int64_t ahead = now - t->track.until_ms;
  float seconds = (float)(ahead < MOTION_MAX_MS ? ahead : MOTION_MAX_MS) / 1000;
  sb_box box = t->track.box;
  box.x += t->vx * box.w * seconds;
  box.y += t->vy * box.w * seconds;
  return box;
}

static void move_to(live_track *t, const sb_box *box, int64_t now) {
  const sb_box *from = &t->track.box;
  float seconds = (float)(now - t->track.until_ms) / 1000;
  if (seconds > 0 && from->w > 0) {
    float vx = (box->x + box->w / 2 - from->x - from->w / 2) / from->w / seconds;
    float vy = (box->y + box->h / 2 - from->y - from->h / 2) / from->w / seconds;
    t->vx += smoothing * (vx - t->vx);
    t->vy += smoothing * (vy - t->vy);
  }
  t->track.box = *box;
}

/* Intersection over union. */
static double overlap(const sb_box *a, const sb_box *b) {
  double w = fmin((double)a->x + (double)a->w, (double)b->x + (double)b->w) - fmax((double)a->x, (double)b->x);
  double h = fmin((double)a->y + (double)a->h, (double)b->y + (double)b->h) - fmax((double)a->y, (double)b->y);
  if (w <= 0 || h <= 0) return 0;
  return w * h / ((double)a->w * (double)a->h + (double)b->w * (double)b->h - w * h);
}

/* ---- Assignment */

typedef struct pair {
  size_t track, face;
  double score;
} pair;

/* By place alone, or by the box as it was: a motion that ended suddenly is no reason to lose somebody. */
static double place_score(const live_track *t, const sb_track_face *face, int64_t now) {
  sb_box ahead = predicted(t, now);
  return fmax(overlap(&ahead, &face->box), overlap(&t->track.box, &face->box));
}

/* How well the face goes on with the track: from 1 on by its template, below that by its place; 0: not at all. */
static double score(const sb_tracker *tracker, const live_track *t, const sb_track_face *face) {
  const sb_tracker_options *o = &tracker->options;
  double alike = (double)sb_dot(t->track.mean, face->embedding, o->dim);
  double place = place_score(t, face, tracker->now_ms);
  if (alike >= o->same) return 1 + alike + place;
  if (tracker->now_ms - t->track.until_ms > o->near_ms || place < overlap_least) return 0;
  bool both_good = face->good && t->has_good_shot;
  if (alike < (both_good ? o->different : o->different - poor_allowance)) return 0;
  return place;
}

static int better_first(const void *a, const void *b) {
  const pair *x = a, *y = b;
  if (x->score != y->score) return x->score < y->score ? 1 : -1;
  if (x->track != y->track) return x->track < y->track ? -1 : 1; /* equal scores: the older track */
  return x->face < y->face ? -1 : 1;
}

static void take_face(const sb_tracker *tracker, live_track *t, const sb_track_face *face, sb_track_assignment *out) {
  sb_track *track = &t->track;
  move_to(t, &face->box, tracker->now_ms);
  track->until_ms = tracker->now_ms;
  track->seen++;
  track->good += face->good;
  bool best = keep_shot(tracker, t, face);
  if (best) {
    track->best_ms = tracker->now_ms;
    track->best_quality = face->quality;
  }
  *out = (sb_track_assignment){track->number, best};
}

static void end_track(sb_tracker *tracker, size_t at) {
  clear_track(tracker, &tracker->ended);
  tracker->ended = tracker->live[at];
  memmove(&tracker->live[at], &tracker->live[at + 1], (--tracker->count - at) * sizeof *tracker->live);
}

static sb_status begin_track(sb_tracker *tracker, const sb_track_face *face, sb_track_assignment *out,
                             sb_error *error) {
  if (tracker->count == LIVE_MAX) return SB_OK;
  live_track *t = &tracker->live[tracker->count];
  *t = (live_track){.block = sb_alloc(block_numbers(tracker), sizeof *t->block, error)};
  if (!t->block) return SB_NO_MEMORY;
  t->track = (sb_track){.number = ++tracker->numbers,
                        .since_ms = tracker->now_ms,
                        .until_ms = tracker->now_ms,
                        .box = face->box,
                        .mean = t->block};
  tracker->count++;
  take_face(tracker, t, face, out);
  return SB_OK;
}

/* All pairs that go together, best first. */
static sb_status list_pairs(const sb_tracker *tracker, const sb_track_face *faces, size_t count, pair **out,
                            size_t *pairs, sb_error *error) {
  pair *list = sb_alloc(tracker->count * count + 1, sizeof *list, error);
  size_t n = 0;
  if (!list) return SB_NO_MEMORY;
  for (size_t t = 0; t < tracker->count; t++)
    for (size_t f = 0; f < count; f++) {
      double s = score(tracker, &tracker->live[t], &faces[f]);
      if (s > 0) list[n++] = (pair){t, f, s};
    }
  qsort(list, n, sizeof *list, better_first);
  *out = list;
  *pairs = n;
  return SB_OK;
}

sb_status sb_tracker_add(sb_tracker *tracker, int64_t time_ms, const sb_track_face *faces, size_t count,
                         sb_track_assignment *out, sb_error *error) {
  pair *pairs = NULL;
  size_t found = 0, before = tracker->count;
  tracker->now_ms = time_ms;
  for (size_t f = 0; f < count; f++) out[f].track = 0;
  if (!count) return SB_OK;
  sb_status status = list_pairs(tracker, faces, count, &pairs, &found, error);
  bool *taken = status == SB_OK ? sb_alloc(before + 1, sizeof *taken, error) : NULL;
  if (!taken) return free(pairs), SB_NO_MEMORY;
  for (size_t i = 0; i < found; i++) {
    const pair *p = &pairs[i];
    if (taken[p->track] || out[p->face].track) continue;
    taken[p->track] = true;
    take_face(tracker, &tracker->live[p->track], &faces[p->face], &out[p->face]);
  }
  free(taken);
  free(pairs);
  for (size_t f = 0; status == SB_OK && f < count; f++)
    if (!out[f].track) status = begin_track(tracker, &faces[f], &out[f], error);
  return status;
}

/* ---- Ends */

void sb_tracker_finish(sb_tracker *tracker) {
  tracker->finished = true;
}

const sb_track *sb_tracker_ended(sb_tracker *tracker) {
  for (size_t i = 0; i < tracker->count;) {
    const live_track *t = &tracker->live[i];
    if (!tracker->finished && tracker->now_ms - t->track.until_ms <= tracker->options.lost_ms) {
      i++;
      continue;
    }
    bool mistake = !t->track.good && t->track.seen <= MISTAKE_SEEN_MAX;
    end_track(tracker, i);
    if (!mistake) return &tracker->ended.track;
  }
  return NULL;
}

const sb_track *sb_tracker_find(const sb_tracker *tracker, uint64_t track) {
  for (size_t i = 0; i < tracker->count; i++)
    if (tracker->live[i].track.number == track) return &tracker->live[i].track;
  return NULL;
}
