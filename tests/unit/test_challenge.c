/* The challenge of active liveness, on simulated heads: five points in space, turned, seen in perspective and measured
 * with noise; a person who sees each instruction and follows it passes, and whatever is no such person is refused. */
#include "unit.h"

#include "liveness/challenge.h"
#include "liveness/geometry.h"

#include <math.h>

enum { DIM = 64, FRAMES_MAX = 400, TRIES = 200 };

/* How a head is: degrees, positive to the subject's left and up; times as near as at the beginning; millimetres. */
typedef struct head {
  double yaw, pitch, near, x, y;
} head;

/* Right eye, left eye, nose, right and left corner of the mouth, as a camera sees them: x to its right, y down, z
 * towards it, in millimetres from the middle of the face. */
static const double face_points[5][3] = {{-31, -32, 0}, {31, -32, 0}, {0, 8, 26}, {-24, 36, 1}, {24, 36, 1}};

typedef struct world {
  uint64_t random;
  double noise; /* of the points, in pixels */
  bool flat;    /* a picture: all points in one plane */
  unsigned person;
} world;

static double uniform(world *w, double least, double most) {
  return least + (most - least) * ((double)random_float(&w->random) + 1) / 2;
}

static double gauss(world *w) {
  double sum = 0;
  for (int i = 0; i < 12; i++) sum += uniform(w, -.5, .5);
  return sum;
}

static sb_point project(const world *w, const head *h, const double p[3]) {
  const double focal = 320, distance = 480, neck = w->flat ? 0 : -70;
  double yaw = h->yaw * M_PI / 180, pitch = h->pitch * M_PI / 180, z = (w->flat ? 0 : p[2]) - neck;
  double x1 = p[0] * cos(yaw) + z * sin(yaw), z1 = z * cos(yaw) - p[0] * sin(yaw);
  double y1 = p[1] * cos(pitch) - z1 * sin(pitch), z2 = z1 * cos(pitch) + p[1] * sin(pitch) + neck;
  double s = focal / (distance / h->near - z2);
  return (sb_point){(float)(160 + s * (x1 + h->x)), (float)(120 + s * (y1 + h->y))};
}

static void embed(world *w, const head *h, float *out) {
  uint64_t own = 31 * (uint64_t)w->person + 7, turned = 999;
  double norm = 0, side = fabs(h->yaw) / 60 + fabs(h->pitch) / 80;
  for (int i = 0; i < DIM; i++) {
    out[i] = random_float(&own) + (float)side * random_float(&turned) + .25F * random_float(&w->random);
    norm += (double)out[i] * (double)out[i];
  }
  for (int i = 0; i < DIM; i++) out[i] /= (float)sqrt(norm);
}

typedef struct seen {
  sb_challenge_frame frame;
  float embedding[DIM];
} seen;

static void look(world *w, const head *h, double at_ms, seen *out) {
  sb_challenge_frame f = {.at_ms = at_ms, .width = 320, .height = 240, .faces = 1, .has_pose = true, .dim = DIM};
  for (int i = 0; i < 5; i++) {
    f.points[i] = project(w, h, face_points[i]);
    f.points[i].x += (float)(w->noise * gauss(w));
    f.points[i].y += (float)(w->noise * gauss(w));
  }
  float side = f.points[1].x - f.points[0].x + f.points[4].x - f.points[3].x;
  f.box = (sb_box){f.points[2].x - side, f.points[2].y - side, 1.9F * side / 2, 2 * side / 2};
  f.pose = (sb_pose){.yaw = (float)(-h->yaw + 2 * gauss(w)), .pitch = (float)(h->pitch - 10 + 2 * gauss(w))};
  embed(w, h, out->embedding);
  f.embedding = out->embedding;
  out->frame = f;
}

/* ---- A person who follows instructions */

typedef struct person {
  sb_challenge_move doing; /* what the person moves to */
  head from;
  double begins_ms, lasts_ms;
  sb_challenge_move heard;
  double heard_ms, reaction_ms;
} person;

static head target_of(sb_challenge_move move, world *w) {
  head h = {.near = 1};
  if (move == SB_CHALLENGE_LEFT) h.yaw = uniform(w, 22, 34);
  if (move == SB_CHALLENGE_RIGHT) h.yaw = -uniform(w, 22, 34);
  if (move == SB_CHALLENGE_UP) h.pitch = uniform(w, 18, 28);
  if (move == SB_CHALLENGE_CLOSER) h.near = uniform(w, 1.35, 1.55);
  h.x = uniform(w, -4, 4);
  h.y = uniform(w, -4, 4);
  return h;
}

static head between(const head *a, const head *b, double part) {
  double p = part <= 0 ? 0 : part >= 1 ? 1 : (1 - cos(M_PI * part)) / 2;
  return (head){a->yaw + p * (b->yaw - a->yaw), a->pitch + p * (b->pitch - a->pitch), a->near + p * (b->near - a->near),
                a->x + p * (b->x - a->x), a->y + p * (b->y - a->y)};
}

/* Where a head is that hears `instruction` at `now`. */
static head follow(person *p, head *to, sb_challenge_move instruction, double now, world *w) {
  head here = between(&p->from, to, (now - p->begins_ms) / p->lasts_ms);
  if (instruction != p->heard) {
    p->heard = instruction;
    p->heard_ms = now;
    p->reaction_ms = uniform(w, 220, 450);
  }
  if (p->heard != p->doing && now - p->heard_ms >= p->reaction_ms) {
    p->doing = p->heard;
    p->from = here;
    *to = target_of(p->doing, w);
    p->begins_ms = now;
    p->lasts_ms = uniform(w, 350, 600);
  }
  return here;
}

typedef struct recording {
  size_t count;
  double at_ms[FRAMES_MAX];
  head heads[FRAMES_MAX];
} recording;

static void begin(sb_challenge *c, uint64_t *seed) {
  uint8_t random[SB_CHALLENGE_RANDOM];
  for (size_t i = 0; i < sizeof random; i++) random[i] = (uint8_t)(next_random(seed) >> 32);
  sb_challenge_begin(c, random, .43);
}

static void feed(sb_challenge *c, const seen *s) {
  sb_error error = {0};
  if (sb_challenge_feed(c, &s->frame, &error) != SB_OK) fail_msg("%s", error.message);
}

/* A person passes through a challenge; `kept` (NULL allowed): the movements. */
static void live(sb_challenge *c, world *w, double fps, recording *kept) {
  head to = {.near = 1};
  person p = {.doing = SB_CHALLENGE_LOOK, .from = to, .lasts_ms = 1, .heard = SB_CHALLENGE_LOOK};
  double now = 1000;
  for (size_t i = 0; i < FRAMES_MAX && c->state == SB_CHALLENGE_RUNNING; i++) {
    seen s;
    head here = follow(&p, &to, c->instruction, now, w);
    if (kept) {
      kept->heads[i] = here;
      kept->at_ms[i] = now;
      kept->count = i + 1;
    }
    look(w, &here, now, &s);
    feed(c, &s);
    now += 1000 / fps * uniform(w, .8, 1.2);
  }
}

static world make_world(int number) {
  return (world){.random = 77u * (uint64_t)number + 1, .noise = .6, .person = 5};
}

static void print_reasons(const char *what, const sb_challenge *c, size_t count) {
  size_t reasons[32] = {0};
  for (size_t i = 0; i < count; i++) reasons[c[i].state == SB_CHALLENGE_PASSED ? 31 : c[i].reason]++;
  print_message("# %s: passed %zu of %zu;", what, reasons[31], count);
  for (int r = 0; r < 31; r++)
    if (reasons[r]) print_message(" %s %zu", sb_challenge_reason_code((sb_challenge_reason)r), reasons[r]);
  print_message("\n");
}

static size_t passed(const sb_challenge *c, size_t count) {
  size_t n = 0;
  for (size_t i = 0; i < count; i++) n += c[i].state == SB_CHALLENGE_PASSED;
  return n;
}

/* Too large for a stack. */
static sb_challenge all[TRIES];

static void a_person_who_follows_passes_in_eight_seconds_at_five_to_ten_frames_a_second(void **state) {
  (void)state;
  double longest = 0;
  for (int fps = 5; fps <= 10; fps += 5) {
    for (int i = 0; i < TRIES; i++) {
      world w = make_world(i);
      begin(&all[i], &w.random);
      live(&all[i], &w, fps, NULL);
      if (all[i].state == SB_CHALLENGE_PASSED) longest = fmax(longest, all[i].ended_ms - 1000);
      assert_true(all[i].frames < FRAMES_MAX);
    }
    print_reasons(fps == 5 ? "people at 5 fps" : "people at 10 fps", all, TRIES);
    assert_true(passed(all, TRIES) >= TRIES * 95 / 100);
  }
  print_message("# the longest took %.0f ms\n", longest);
  assert_true(longest < 8000 + 1000);
}

static void a_still_photo_is_refused(void **state) {
  (void)state;
  for (int noisy = 0; noisy < 2; noisy++) {
    for (int i = 0; i < TRIES; i++) {
      world w = make_world(i);
      const head still = {.near = 1};
      seen s;
      w.flat = true;
      begin(&all[i], &w.random);
      for (double now = 0; now < 12000 && all[i].state == SB_CHALLENGE_RUNNING; now += 110) {
        if (now < 1 || noisy) look(&w, &still, now, &s);
        s.frame.at_ms = now;
        s.frame.embedding = s.embedding;
        feed(&all[i], &s);
      }
      assert_int_equal(all[i].state, SB_CHALLENGE_FAILED);
      if (!noisy) assert_int_equal(all[i].reason, SB_CHALLENGE_REASON_STILL);
    }
    print_reasons(noisy ? "photo, camera noise" : "photo, the same bytes", all, TRIES);
  }
}

/* Whoever holds the photo sees the instructions and tilts, lifts and moves it as well as can be. */
static void a_photo_that_is_moved_and_tilted_as_told_is_refused(void **state) {
  (void)state;
  for (int i = 0; i < TRIES; i++) {
    world w = make_world(i);
    w.flat = true;
    w.noise = i % 2 ? 1.2 : .6;
    begin(&all[i], &w.random);
    live(&all[i], &w, 8, NULL);
    assert_int_equal(all[i].state, SB_CHALLENGE_FAILED);
  }
  print_reasons("photo, tilted as told", all, TRIES);
}

static void replay(sb_challenge *c, world *w, const recording *r, double pace) {
  for (size_t i = 0; i < r->count && c->state == SB_CHALLENGE_RUNNING; i++) {
    seen s;
    look(w, &r->heads[i], 1000 + (r->at_ms[i] - 1000) * pace, &s);
    feed(c, &s);
  }
  if (c->state == SB_CHALLENGE_RUNNING) sb_challenge_check_time(c, 1e6);
}

static recording tape;

static void a_video_of_another_challenge_is_refused(void **state) {
  (void)state;
  size_t others = 0;
  for (int i = 0; i < TRIES; i++) {
    world w = make_world(i);
    sb_challenge first;
    begin(&first, &w.random);
    live(&first, &w, 10, &tape);
    begin(&all[others], &w.random);
    if (!memcmp(first.moves, all[others].moves, sizeof first.moves)) continue;
    replay(&all[others], &w, &tape, 1);
    assert_int_equal(all[others++].state, SB_CHALLENGE_FAILED);
  }
  print_reasons("video of another challenge", all, others);
  assert_true(others > TRIES * 9 / 10); /* by chance one in 34 asks for the same */
}

/* Even of the very same challenge. */
static void a_video_at_half_speed_is_refused(void **state) {
  (void)state;
  for (int i = 0; i < TRIES; i++) {
    world w = make_world(i);
    sb_challenge first;
    uint64_t seed = w.random, same = w.random;
    begin(&first, &seed);
    live(&first, &w, 10, &tape);
    begin(&all[i], &same);
    replay(&all[i], &w, &tape, 2);
    assert_int_equal(all[i].state, SB_CHALLENGE_FAILED);
  }
  print_reasons("video at half speed", all, TRIES);
}

static void another_face_in_the_middle_is_refused(void **state) {
  (void)state;
  for (int i = 0; i < TRIES; i++) {
    world w = make_world(i);
    head to = {.near = 1};
    person p = {.doing = SB_CHALLENGE_LOOK, .from = to, .lasts_ms = 1, .heard = SB_CHALLENGE_LOOK};
    begin(&all[i], &w.random);
    for (double now = 0; now < 12000 && all[i].state == SB_CHALLENGE_RUNNING; now += 110) {
      seen s;
      head here = follow(&p, &to, all[i].instruction, now, &w);
      w.person = all[i].done ? 6 : 5; /* a helper does the rest */
      look(&w, &here, now, &s);
      feed(&all[i], &s);
    }
    assert_int_equal(all[i].state, SB_CHALLENGE_FAILED);
    assert_true(all[i].reason != SB_CHALLENGE_REASON_SLOW && all[i].done == 1);
  }
  print_reasons("another face", all, TRIES);
}

static void a_second_face_a_gap_and_a_face_that_leaves_end_it(void **state) {
  (void)state;
  static const sb_challenge_reason expected[] = {SB_CHALLENGE_REASON_SEVERAL, SB_CHALLENGE_REASON_GAP,
                                                 SB_CHALLENGE_REASON_LOST, SB_CHALLENGE_REASON_JUMP};
  for (size_t kind = 0; kind < count_of(expected); kind++) {
    world w = make_world(3);
    head middle = {.near = 1};
    seen s;
    sb_challenge *c = &all[0];
    double now = 0;
    begin(c, &w.random);
    for (; !c->has_reference; now += 100) {
      look(&w, &middle, now, &s);
      feed(c, &s);
    }
    if (kind == 3) middle.x = 150;
    for (int i = 0; i < 6 && c->state == SB_CHALLENGE_RUNNING; i++) {
      look(&w, &middle, now, &s);
      if (kind == 0) s.frame.faces = 2;
      if (kind == 1) s.frame.at_ms += 700;
      if (kind == 2) s.frame.faces = 0;
      feed(c, &s);
      now += 100;
    }
    assert_int_equal(c->reason, expected[kind]);
    assert_int_equal(c->state, SB_CHALLENGE_FAILED);
  }
}

static void hints_help_to_the_first_view_and_nothing_counts_before_it(void **state) {
  (void)state;
  static const struct {
    head at;
    sb_challenge_hint hint;
  } cases[] = {{{.near = .35}, SB_CHALLENGE_HINT_SMALL},
               {{.near = 2.6}, SB_CHALLENGE_HINT_LARGE},
               {{.near = 1, .yaw = 35}, SB_CHALLENGE_HINT_TURNED},
               {{.near = 1}, SB_CHALLENGE_HINT_NONE}};
  world w = make_world(1);
  sb_challenge *c = &all[0];
  double now = 0;
  begin(c, &w.random);
  for (size_t i = 0; i < count_of(cases); i++)
    for (int k = 0; k < 6; k++, now += 700) { /* a gap is none before the first view */
      seen s;
      look(&w, &cases[i].at, now, &s);
      feed(c, &s);
      assert_int_equal(c->state, SB_CHALLENGE_RUNNING);
      assert_int_equal(c->hint, cases[i].hint);
      if (c->has_reference) return;
    }
  fail_msg("the first view was not taken");
}

static void frames_that_are_none_are_refused_and_change_nothing(void **state) {
  (void)state;
  world w = make_world(2);
  head middle = {.near = 1};
  seen s;
  sb_challenge *c = &all[0];
  begin(c, &w.random);
  look(&w, &middle, 0, &s);
  feed(c, &s);
  size_t frames = c->frames;
  sb_challenge_frame bad[] = {s.frame, s.frame, s.frame, s.frame};
  bad[0].points[2].x = NAN;
  bad[1].dim = DIM - 1;
  bad[2].embedding = NULL;
  bad[3].width = 0;
  for (size_t i = 0; i < count_of(bad); i++) {
    bad[i].at_ms = 100;
    assert_int_equal(sb_challenge_feed(c, &bad[i], NULL), SB_INVALID);
  }
  assert_int_equal(c->frames, frames);
}

static void the_movements_are_all_drawn_and_never_the_same_twice_in_a_row(void **state) {
  (void)state;
  bool drawn[SB_CHALLENGE_LOOK][SB_CHALLENGE_LOOK][SB_CHALLENGE_LOOK] = {0};
  uint64_t seed = 9;
  size_t sequences = 0;
  for (int i = 0; i < 5000; i++) {
    begin(&all[0], &seed);
    const sb_challenge_move *m = all[0].moves;
    for (int k = 0; k < SB_CHALLENGE_MOVES; k++) assert_true(m[k] < SB_CHALLENGE_LOOK);
    assert_true(m[0] != m[1] && m[1] != m[2]);
    assert_true(m[0] <= SB_CHALLENGE_RIGHT || m[1] <= SB_CHALLENGE_RIGHT || m[2] <= SB_CHALLENGE_RIGHT);
    sequences += !drawn[m[0]][m[1]][m[2]];
    drawn[m[0]][m[1]][m[2]] = true;
  }
  assert_int_equal(sequences, 34);
}

static void a_plane_has_no_parallax_however_it_is_tilted_and_a_head_has(void **state) {
  (void)state;
  world w = {.random = 3, .noise = 0};
  for (int flat = 0; flat < 2; flat++) {
    sb_challenge_shape straight, tilted;
    seen s;
    double parallax[2];
    w.flat = flat;
    look(&w, &(head){.near = 1}, 0, &s);
    assert_true(sb_challenge_shape_of(s.frame.points, &straight));
    for (int yaw = -40; yaw <= 40; yaw += 8)
      for (int pitch = -24; pitch <= 24; pitch += 8) {
        look(&w, &(head){.yaw = yaw, .pitch = pitch, .near = 1.2, .x = 20}, 0, &s);
        assert_true(sb_challenge_shape_of(s.frame.points, &tilted));
        assert_true(sb_challenge_parallax(&straight, &tilted, parallax));
        if (flat) assert_true(hypot(parallax[0], parallax[1]) < 1e-3);
        if (!flat && yaw >= 16) assert_true(parallax[0] > .08);
        if (!flat && yaw <= -16) assert_true(parallax[0] < -.08);
        if (!flat && pitch >= 16) assert_true(parallax[1] < -.06);
      }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_person_who_follows_passes_in_eight_seconds_at_five_to_ten_frames_a_second),
      cmocka_unit_test(a_still_photo_is_refused),
      cmocka_unit_test(a_photo_that_is_moved_and_tilted_as_told_is_refused),
      cmocka_unit_test(a_video_of_another_challenge_is_refused),
      cmocka_unit_test(a_video_at_half_speed_is_refused),
      cmocka_unit_test(another_face_in_the_middle_is_refused),
      cmocka_unit_test(a_second_face_a_gap_and_a_face_that_leaves_end_it),
      cmocka_unit_test(hints_help_to_the_first_view_and_nothing_counts_before_it),
      cmocka_unit_test(frames_that_are_none_are_refused_and_change_nothing),
      cmocka_unit_test(the_movements_are_all_drawn_and_never_the_same_twice_in_a_row),
      cmocka_unit_test(a_plane_has_no_parallax_however_it_is_tilted_and_a_head_has),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
