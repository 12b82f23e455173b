/* The rules of a challenge. Lengths are in units of the face's size (the square root of the area between eyes and
 * mouth, about 60 mm): a nose stands about 0.45 out of the plane, so a turn by 15 degrees moves it by about 0.12. */
#include "liveness/challenge.h"

#include "liveness/geometry.h"

#include <math.h>
#include <string.h>

static const double turn_least = 0.10;    /* parallax of a turn to the side */
static const double up_least = 0.07;      /* and of a look up */
static const double closer_least = 1.22;  /* times as large as in the first frontal view */
static const double middle_most = 0.055;  /* parallax of a face that looks at the camera again */
static const double middle_size = 1.15;   /* and its size */
static const double wrong_most = 0.13;    /* parallax of another movement than the one asked for */
static const double frontal_most = 0.16;  /* how far the nose may be to the side in the first frontal view */
static const double noise_most = 0.05;    /* by which the frames of the first frontal view may differ */
static const double still_most = 0.0015;  /* points that move less in a frame are those of a still picture */
static const double flat_aspect = 0.16;   /* logarithm of a change of the aspect that is more than a look up makes */
static const double flat_parallax = 0.04; /* while the nose stays in the plane */
static const double small_side = 0.18, large_side = 0.62; /* of the box, by the shorter side of the frame */
static const double strange_margin = 0.12; /* so much less similar is another face at once, and not by chance */

enum {
  REFERENCE_FRAMES = 3,
  REFERENCE_MS = 300,
  REACTION_MS = 180, /* nobody completes a movement sooner after the instruction */
  LOST_MS = 450,
  PAUSE_MS = 150, /* shortest pause before a movement; the random part comes on top */
  PAUSE_RANDOM_MS = 300,
  SHOWN_FRAMES = 2, /* that show a movement one after another: noise does not do that */
  STILL_FRAMES = 6,
  FLAT_FRAMES = 3,
  STRANGE_FRAMES = 2
};

/* ---- Names */

const char *sb_challenge_move_name(sb_challenge_move move) {
  static const char *const names[] = {"left", "right", "up", "closer", "look"};
  return names[move];
}

const char *sb_challenge_reason_code(sb_challenge_reason reason) {
#define CODE(symbol, code, message) code,
  static const char *const codes[] = {SB_CHALLENGE_REASON_LIST(CODE)};
#undef CODE
  return codes[reason];
}

const char *sb_challenge_reason_text(sb_challenge_reason reason) {
#define TEXT(symbol, code, message) message,
  static const char *const texts[] = {SB_CHALLENGE_REASON_LIST(TEXT)};
#undef TEXT
  return texts[reason];
}

const char *sb_challenge_hint_name(sb_challenge_hint hint) {
  static const char *const names[] = {"", "no_face", "small", "large", "turned"};
  return names[hint];
}

/* ---- Beginning and end */

/* Three movements, no two the same one after another, and one at least to the side, where a head differs most from a
 * picture: 34 sequences. */
void sb_challenge_begin(sb_challenge *challenge, const uint8_t *random, double same_person) {
  *challenge = (sb_challenge){.same_person = same_person, .instruction = SB_CHALLENGE_LOOK};
  bool sideways = false;
  for (int i = 0; i < SB_CHALLENGE_MOVES; i++) {
    unsigned value = random[2 * i] | (unsigned)random[2 * i + 1] << 8;
    unsigned move = i ? value % (SB_CHALLENGE_LOOK - 1) : value % SB_CHALLENGE_LOOK;
    if (i && move >= (unsigned)challenge->moves[i - 1]) move++;
    challenge->moves[i] = (sb_challenge_move)move;
    challenge->pauses_ms[i] = PAUSE_MS + PAUSE_RANDOM_MS * (double)random[2 * SB_CHALLENGE_MOVES + i] / 255;
    sideways = sideways || move <= (unsigned)SB_CHALLENGE_RIGHT;
  }
  if (!sideways) challenge->moves[1] = random[SB_CHALLENGE_RANDOM - 1] & 1 ? SB_CHALLENGE_LEFT : SB_CHALLENGE_RIGHT;
}

static void end(sb_challenge *c, double now_ms, sb_challenge_state state, sb_challenge_reason reason) {
  c->state = state;
  c->reason = reason;
  c->ended_ms = now_ms;
  c->instruction = SB_CHALLENGE_LOOK;
}

static void fail(sb_challenge *c, double now_ms, sb_challenge_reason reason) {
  end(c, now_ms, SB_CHALLENGE_FAILED, reason);
}

void sb_challenge_check_time(sb_challenge *c, double now_ms) {
  if (c->state != SB_CHALLENGE_RUNNING || !c->has_reference) return;
  if (now_ms - c->last_ms > SB_CHALLENGE_FRAME_MS_MAX)
    fail(c, now_ms, SB_CHALLENGE_REASON_GAP);
  else if (now_ms - c->began_ms > SB_CHALLENGE_MS_MAX)
    fail(c, now_ms, SB_CHALLENGE_REASON_SLOW);
  else if (now_ms - c->since_ms > SB_CHALLENGE_MOVE_MS_MAX)
    fail(c, now_ms, SB_CHALLENGE_REASON_TIMEOUT);
}

/* ---- The first frontal view */

static sb_challenge_hint hint_of(const sb_challenge_frame *frame, const sb_challenge_shape *shape) {
  double side = frame->width < frame->height ? frame->width : frame->height;
  double box = fmax((double)frame->box.w, (double)frame->box.h);
  if (box < small_side * side) return SB_CHALLENGE_HINT_SMALL;
  if (box > large_side * side) return SB_CHALLENGE_HINT_LARGE;
  return fabs(shape->points[2][0]) > frontal_most ? SB_CHALLENGE_HINT_TURNED : SB_CHALLENGE_HINT_NONE;
}

static bool agrees(const sb_challenge *c, const sb_challenge_shape *shape) {
  if (fabs(log(shape->size / c->reference.size)) > noise_most) return false;
  for (int i = 0; i < 5; i++)
    if (hypot(shape->points[i][0] - c->reference.points[i][0], shape->points[i][1] - c->reference.points[i][1]) >
        noise_most * 2)
      return false;
  return true;
}

static double dot(const float *a, const float *b, size_t dim) {
  double sum = 0;
  for (size_t i = 0; i < dim; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

/* Adds a frame to the means. */
static void add_reference(sb_challenge *c, const sb_challenge_frame *frame, const sb_challenge_shape *shape) {
  double part = 1.0 / (double)++c->reference_frames;
  for (int i = 0; i < 5; i++)
    for (int k = 0; k < 2; k++) c->reference.points[i][k] += part * (shape->points[i][k] - c->reference.points[i][k]);
  c->reference.size += part * (shape->size - c->reference.size);
  c->reference_pose.yaw += (float)part * (frame->pose.yaw - c->reference_pose.yaw);
  c->reference_pose.pitch += (float)part * (frame->pose.pitch - c->reference_pose.pitch);
  for (size_t i = 0; i < frame->dim; i++) c->anchor[i] += (float)part * (frame->embedding[i] - c->anchor[i]);
}

static void restart_reference(sb_challenge *c, const sb_challenge_frame *frame) {
  c->reference = (sb_challenge_shape){.size = 0};
  c->reference_pose = (sb_pose){0};
  c->reference_frames = 0;
  c->reference_ms = frame->at_ms;
  c->dim = frame->dim;
  memset(c->anchor, 0, sizeof c->anchor);
}

static void take_reference(sb_challenge *c, const sb_challenge_frame *frame, const sb_challenge_shape *shape) {
  c->hint = hint_of(frame, shape);
  if (c->hint != SB_CHALLENGE_HINT_NONE) {
    c->reference_frames = 0;
    return;
  }
  if (!c->reference_frames || !agrees(c, shape)) restart_reference(c, frame);
  add_reference(c, frame, shape);
  if (c->reference_frames < REFERENCE_FRAMES || frame->at_ms - c->reference_ms < REFERENCE_MS) return;
  float length = (float)sqrt(dot(c->anchor, c->anchor, c->dim));
  for (size_t i = 0; length > 0 && i < c->dim; i++) c->anchor[i] /= length;
  c->has_reference = true;
  c->began_ms = c->since_ms = frame->at_ms;
  c->at_middle = true;
}

/* ---- What must hold in every frame */

/* How fast a head moves: these are several times what people do when they are asked to. */
static bool has_jumped(const sb_challenge *c, double seconds, const sb_challenge_shape *shape,
                       const double parallax[2]) {
  double moved = hypot(shape->x - c->last.x, shape->y - c->last.y) / c->last.size;
  double grown = fabs(log(shape->size / c->last.size));
  double turned = hypot(parallax[0] - c->last_parallax[0], parallax[1] - c->last_parallax[1]);
  return moved > 0.4 + 5 * seconds || grown > 0.14 + 1.6 * seconds || turned > 0.14 + 1.4 * seconds;
}

static bool is_still(const sb_challenge *c, const sb_challenge_shape *shape) {
  double most = hypot(shape->x - c->last.x, shape->y - c->last.y) / c->last.size;
  for (int i = 0; i < 5; i++)
    most = fmax(most, hypot(shape->points[i][0] - c->last.points[i][0], shape->points[i][1] - c->last.points[i][1]));
  return most < still_most;
}

static bool is_flat(const sb_challenge *c, const sb_challenge_shape *shape, const double parallax[2]) {
  double change = log(sb_challenge_aspect(shape) / sb_challenge_aspect(&c->reference));
  return fabs(change) > flat_aspect && hypot(parallax[0], parallax[1]) < flat_parallax;
}

static sb_challenge_reason check_identity(sb_challenge *c, const sb_challenge_frame *frame) {
  double similarity = dot(frame->embedding, c->anchor, c->dim);
  c->strange = similarity < c->same_person ? c->strange + 1 : 0;
  bool strange = c->strange >= STRANGE_FRAMES || similarity < c->same_person - strange_margin;
  return strange ? SB_CHALLENGE_REASON_IDENTITY : SB_CHALLENGE_REASON_NONE;
}

static sb_challenge_reason check_frame(sb_challenge *c, const sb_challenge_frame *frame,
                                       const sb_challenge_shape *shape, const double parallax[2]) {
  sb_challenge_reason identity = check_identity(c, frame);
  if (identity != SB_CHALLENGE_REASON_NONE) return identity;
  if (c->has_last && has_jumped(c, (frame->at_ms - c->last_face_ms) / 1000, shape, parallax))
    return SB_CHALLENGE_REASON_JUMP;
  c->still = c->has_last && is_still(c, shape) ? c->still + 1 : 0;
  c->flat = is_flat(c, shape, parallax) ? c->flat + 1 : 0;
  if (c->still >= STILL_FRAMES) return SB_CHALLENGE_REASON_STILL;
  return c->flat >= FLAT_FRAMES ? SB_CHALLENGE_REASON_FLAT : SB_CHALLENGE_REASON_NONE;
}

/* ---- Movements */

/* Does a frame show the movement? */
static bool shows(const sb_challenge *c, sb_challenge_move move, const sb_challenge_shape *shape,
                  const double parallax[2]) {
  double size = shape->size / c->reference.size;
  switch (move) {
  case SB_CHALLENGE_LEFT: return parallax[0] >= turn_least;
  case SB_CHALLENGE_RIGHT: return parallax[0] <= -turn_least;
  case SB_CHALLENGE_UP: return parallax[1] <= -up_least && fabs(parallax[0]) < turn_least;
  case SB_CHALLENGE_CLOSER: return size >= closer_least;
  default: return hypot(parallax[0], parallax[1]) < middle_most && size < middle_size && size > 1 / middle_size;
  }
}

/* The model of the pose must see a turn, too. It reads one to the photo's left, which is the subject's right, as
 * positive; its pitch is not reliable enough for a look up. */
static bool pose_agrees(const sb_challenge *c, sb_challenge_move move, const sb_challenge_frame *frame) {
  const double least = 5;
  double yaw = (double)(frame->pose.yaw - c->reference_pose.yaw);
  if (!frame->has_pose) return true;
  if (move == SB_CHALLENGE_LEFT) return yaw < -least;
  return move != SB_CHALLENGE_RIGHT || yaw > least;
}

static bool is_wrong(sb_challenge_move asked, const double parallax[2]) {
  if (asked == SB_CHALLENGE_LEFT) return parallax[0] < -turn_least;
  if (asked == SB_CHALLENGE_RIGHT) return parallax[0] > turn_least;
  return fabs(parallax[0]) > wrong_most;
}

/* The instruction is to look at the camera: the pause begins when the face does. A movement in the pause is a video's.
 */
static void wait_at_middle(sb_challenge *c, double now_ms, bool middle, const double parallax[2]) {
  if (!c->at_middle) {
    if (!middle) return;
    c->at_middle = true;
    c->since_ms = now_ms;
    return;
  }
  if (fabs(parallax[0]) >= turn_least) {
    fail(c, now_ms, SB_CHALLENGE_REASON_EARLY);
    return;
  }
  if (!middle || now_ms - c->since_ms < c->pauses_ms[c->done]) return;
  c->instruction = c->moves[c->done];
  c->since_ms = now_ms;
  c->shown = 0;
}

static void follow_move(sb_challenge *c, const sb_challenge_frame *frame, const sb_challenge_shape *shape,
                        const double parallax[2]) {
  double now_ms = frame->at_ms;
  if (is_wrong(c->instruction, parallax)) {
    fail(c, now_ms, SB_CHALLENGE_REASON_WRONG);
    return;
  }
  c->shown = shows(c, c->instruction, shape, parallax) && pose_agrees(c, c->instruction, frame) ? c->shown + 1 : 0;
  if (!c->shown) return;
  if (now_ms - c->since_ms < REACTION_MS) {
    fail(c, now_ms, SB_CHALLENGE_REASON_EARLY);
    return;
  }
  if (c->shown < SHOWN_FRAMES) return;
  if (++c->done == SB_CHALLENGE_MOVES) {
    end(c, now_ms, SB_CHALLENGE_PASSED, SB_CHALLENGE_REASON_NONE);
    return;
  }
  c->instruction = SB_CHALLENGE_LOOK;
  c->since_ms = now_ms;
  c->at_middle = false;
}

static void follow(sb_challenge *c, const sb_challenge_frame *frame, const sb_challenge_shape *shape) {
  double parallax[2] = {0};
  if (!sb_challenge_parallax(&c->reference, shape, parallax)) return;
  sb_challenge_reason reason = check_frame(c, frame, shape, parallax);
  if (reason != SB_CHALLENGE_REASON_NONE) {
    fail(c, frame->at_ms, reason);
    return;
  }
  memcpy(c->last_parallax, parallax, sizeof parallax);
  if (c->instruction == SB_CHALLENGE_LOOK)
    wait_at_middle(c, frame->at_ms, shows(c, SB_CHALLENGE_LOOK, shape, parallax), parallax);
  else
    follow_move(c, frame, shape, parallax);
}

/* ---- Feeding */

static bool all_finite(const sb_challenge_frame *frame) {
  bool finite = isfinite(frame->at_ms) && isfinite(frame->box.x) && isfinite(frame->box.y) && isfinite(frame->box.w) &&
                isfinite(frame->box.h) && isfinite(frame->pose.yaw) && isfinite(frame->pose.pitch);
  for (int i = 0; i < 5; i++) finite = finite && isfinite(frame->points[i].x) && isfinite(frame->points[i].y);
  for (size_t i = 0; i < frame->dim; i++) finite = finite && isfinite(frame->embedding[i]);
  return finite;
}

static sb_status check_input(const sb_challenge *c, const sb_challenge_frame *frame, sb_error *error) {
  if (!frame->faces) return SB_OK;
  if (frame->width < 1 || frame->height < 1 || !frame->embedding || !frame->dim || frame->dim > SB_CHALLENGE_DIM_MAX)
    return sb_fail(error, SB_INVALID, "a frame has no size, or no embedding of at most %d numbers",
                   SB_CHALLENGE_DIM_MAX);
  if (c->reference_frames && frame->dim != c->dim)
    return sb_fail(error, SB_INVALID, "the embedding has another length than that of the frame before");
  return all_finite(frame) ? SB_OK : sb_fail(error, SB_INVALID, "a frame has numbers that are not finite");
}

/* A frame without a face that can be used. */
static void miss(sb_challenge *c, double now_ms) {
  if (!c->has_reference) {
    c->hint = SB_CHALLENGE_HINT_NO_FACE;
    c->reference_frames = 0;
  } else if (now_ms - c->last_face_ms > LOST_MS) {
    fail(c, now_ms, SB_CHALLENGE_REASON_LOST);
  }
}

sb_status sb_challenge_feed(sb_challenge *c, const sb_challenge_frame *frame, sb_error *error) {
  sb_challenge_shape shape;
  sb_status status = check_input(c, frame, error);
  if (status != SB_OK || c->state != SB_CHALLENGE_RUNNING) return status;
  if (c->frames && frame->at_ms - c->last_ms < SB_CHALLENGE_FRAME_MS_LEAST) return SB_OK;
  sb_challenge_check_time(c, frame->at_ms);
  if (c->state != SB_CHALLENGE_RUNNING) return SB_OK;
  c->frames++;
  c->last_ms = frame->at_ms;
  if (frame->faces > 1 && c->has_reference) {
    fail(c, frame->at_ms, SB_CHALLENGE_REASON_SEVERAL);
    return SB_OK;
  }
  if (frame->faces != 1 || !sb_challenge_shape_of(frame->points, &shape)) {
    miss(c, frame->at_ms);
    return SB_OK;
  }
  if (c->has_reference)
    follow(c, frame, &shape);
  else
    take_reference(c, frame, &shape);
  c->last = shape;
  c->last_face_ms = frame->at_ms;
  c->has_last = true;
  return SB_OK;
}
