/* Active liveness (L1): a person before a camera makes movements that are drawn at random. A pure state machine: frames
 * go in, as what was measured of the face in them; the next instruction, or the verdict, comes out. It reads no clock,
 * draws nothing at random itself, and knows no photo, model or network.
 *
 * What tells a head from a picture is parallax. The eyes and the corners of the mouth lie nearly in one plane, and the
 * tip of the nose before it. However a flat picture is moved, tilted or bent a little, its five points stay one
 * plane's: the homography of the other four points gives the nose. When a head turns, the nose leaves that place to the
 * side to which it turns. So a turn is not measured by the outline of the face, but by this distance, and a picture can
 * do none.
 *
 * A video of a person is refused by the order of the movements, by the moments at which they are asked for, and by the
 * time that they take; another face by its embedding. docs/liveness.md has what is not resisted. */
#ifndef SB_LIVENESS_CHALLENGE_H
#define SB_LIVENESS_CHALLENGE_H

#include "base/base.h"

enum {
  SB_CHALLENGE_MOVES = 3,           /* of a challenge */
  SB_CHALLENGE_RANDOM = 16,         /* bytes that decide the movements and the pauses before them */
  SB_CHALLENGE_DIM_MAX = 4096,      /* of an embedding */
  SB_CHALLENGE_MS_MAX = 8000,       /* from the first frontal view to the end of the last movement */
  SB_CHALLENGE_MOVE_MS_MAX = 3000,  /* for one movement */
  SB_CHALLENGE_FRAME_MS_MAX = 600,  /* between two frames */
  SB_CHALLENGE_FRAME_MS_LEAST = 20, /* frames that come faster are passed over */
};

/* A movement; LEFT and RIGHT are the subject's own. */
typedef enum sb_challenge_move {
  SB_CHALLENGE_LEFT,
  SB_CHALLENGE_RIGHT,
  SB_CHALLENGE_UP,
  SB_CHALLENGE_CLOSER,
  SB_CHALLENGE_LOOK, /* not drawn: look straight at the camera */
} sb_challenge_move;

typedef enum sb_challenge_state { SB_CHALLENGE_RUNNING, SB_CHALLENGE_PASSED, SB_CHALLENGE_FAILED } sb_challenge_state;

/* Why a challenge failed: X(symbol, code in JSON, what happened and what to do). */
#define SB_CHALLENGE_REASON_LIST(X)                                                                          \
  X(NONE, "", "")                                                                                            \
  X(TIMEOUT, "timeout", "the movement was not seen in time: follow each instruction when it comes")          \
  X(SLOW, "slow", "the movements took too long together: begin when the instruction comes, at an even pace") \
  X(WRONG, "wrong", "another movement than the one asked for was seen")                                      \
  X(EARLY, "early", "the movement came before it was asked for")                                             \
  X(LOST, "lost", "the face was out of view: stay in the picture")                                           \
  X(GAP, "gap", "frames are missing: at least two a second are needed, better eight")                        \
  X(SEVERAL, "several", "more than one face is in view: be alone before the camera")                         \
  X(JUMP, "jump", "the face jumped: move evenly, and hold the camera still")                                 \
  X(IDENTITY, "identity", "another face came into view")                                                     \
  X(STILL, "still", "the picture does not move at all")                                                      \
  X(FLAT, "flat", "the face moves like a flat picture")

typedef enum sb_challenge_reason {
#define SB_CHALLENGE_REASON_ENUM(symbol, code, message) SB_CHALLENGE_REASON_##symbol,
  SB_CHALLENGE_REASON_LIST(SB_CHALLENGE_REASON_ENUM)
#undef SB_CHALLENGE_REASON_ENUM
} sb_challenge_reason;

/* What keeps the first frontal view from being taken. */
typedef enum sb_challenge_hint {
  SB_CHALLENGE_HINT_NONE,
  SB_CHALLENGE_HINT_NO_FACE,
  SB_CHALLENGE_HINT_SMALL, /* come closer */
  SB_CHALLENGE_HINT_LARGE, /* go back a little: there must be room to come closer */
  SB_CHALLENGE_HINT_TURNED /* look straight at the camera */
} sb_challenge_hint;

/* What was measured in one frame. Coordinates in pixels. */
typedef struct sb_challenge_frame {
  double at_ms; /* of a monotonic clock, when the frame arrived */
  int width, height;
  size_t faces; /* that count: much smaller ones in the background do not */
  sb_box box;   /* of the largest face, as are the following */
  sb_point points[5];
  bool has_pose;
  sb_pose pose;
  const float *embedding; /* unit length, the same dim in every frame */
  size_t dim;
} sb_challenge_frame;

/* Only for challenge.c and tests: the place of the points in the axes of the face, in units of its size. */
typedef struct sb_challenge_shape {
  double points[5][2];
  double size, x, y; /* of the face and its middle, in pixels */
} sb_challenge_shape;

typedef struct sb_challenge {
  /* Set at the beginning. */
  sb_challenge_move moves[SB_CHALLENGE_MOVES];
  double pauses_ms[SB_CHALLENGE_MOVES]; /* before each movement */
  double same_person;                   /* similarity from which two embeddings are one person's */
  /* The outcome so far. */
  sb_challenge_state state;
  sb_challenge_reason reason;
  sb_challenge_hint hint;
  size_t done;                   /* movements */
  sb_challenge_move instruction; /* what to do now */
  double began_ms, ended_ms;     /* of the first frontal view; of the verdict */
  size_t frames;                 /* that were used */
  /* The first frontal view: means over its frames. */
  bool has_reference;
  size_t reference_frames;
  sb_challenge_shape reference;
  sb_pose reference_pose;
  double reference_ms; /* of its first frame */
  float anchor[SB_CHALLENGE_DIM_MAX];
  size_t dim;
  /* The frame before. */
  bool has_last;
  double last_ms, last_face_ms;
  sb_challenge_shape last;
  double last_parallax[2];
  /* Where in a movement the subject is. */
  double since_ms; /* since when the instruction has been given, or the face has been at the middle */
  bool at_middle;  /* with the instruction to look: the pause is running */
  size_t still, flat, strange, shown; /* frames in a row that look so, or show the movement */
} sb_challenge;

/* `random`: SB_CHALLENGE_RANDOM secret random bytes. `same_person`: the embedding model's threshold. */
void sb_challenge_begin(sb_challenge *challenge, const uint8_t *random, double same_person);
/* Takes the next frame; does nothing when the challenge has ended. SB_INVALID: the frame is not one (numbers that are
 * not finite, another dim); the challenge is as it was. */
sb_status sb_challenge_feed(sb_challenge *challenge, const sb_challenge_frame *frame, sb_error *error);
/* Ends a challenge for which no frame came in time; to be called before its state is told. */
void sb_challenge_check_time(sb_challenge *challenge, double now_ms);

/* "left", "right", "up", "closer", "look"; static. */
const char *sb_challenge_move_name(sb_challenge_move move);
const char *sb_challenge_reason_code(sb_challenge_reason reason);
const char *sb_challenge_reason_text(sb_challenge_reason reason);
const char *sb_challenge_hint_name(sb_challenge_hint hint); /* "", "no_face", "small", "large", "turned" */

#endif
