/* The tracker, on made-up boxes and templates: people who cross, gaps, scene cuts. */
#include "unit.h"

#include "track/track.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIM = 16, STEP_MS = 250, MOST = 16 };

static const sb_tracker_options usual = {DIM, 0.4, 0.2, 1500, 10000};

/* Person `who` (0..2): `alike` is the share of what all templates of the person have in common. The rest goes into a
 * direction that only templates of this person and kind of pose have. */
static void template_of(int who, double alike, float out[DIM]) {
  int pose = alike > 0.9 ? 0 : alike > 0.5 ? 1 : 2;
  memset(out, 0, DIM * sizeof *out);
  out[who] = (float)alike;
  out[4 + 3 * who + pose] = (float)sqrt(1 - alike * alike);
}

typedef struct sight {
  int who;
  float x, y;
  double alike;
  float quality;
} sight;

typedef struct scene {
  sb_tracker *tracker;
  int64_t now;
  size_t ended;
  sb_track tracks[MOST]; /* in the order in which they ended, without templates */
} scene;

static void collect(scene *s) {
  const sb_track *track;
  while ((track = sb_tracker_ended(s->tracker))) {
    assert_true(s->ended < MOST);
    s->tracks[s->ended++] = *track;
  }
}

/* The next picture; `tracks` gets the number of the track of each face. */
static void show(scene *s, const sight *sights, size_t count, uint64_t *tracks) {
  float templates[MOST][DIM];
  sb_track_face faces[MOST] = {0};
  sb_track_assignment given[MOST];
  sb_error error = {0};
  for (size_t i = 0; i < count; i++) {
    template_of(sights[i].who, sights[i].alike, templates[i]);
    faces[i] = (sb_track_face){
        {sights[i].x, sights[i].y, 100, 100}, sights[i].quality, sights[i].quality >= 0.3f, templates[i]};
  }
  assert_int_equal(sb_tracker_add(s->tracker, s->now, faces, count, given, &error), SB_OK);
  for (size_t i = 0; i < count; i++) tracks[i] = given[i].track;
  s->now += STEP_MS;
  collect(s);
}

static scene begin(void) {
  scene s = {0};
  assert_int_equal(sb_tracker_new(&usual, &s.tracker, NULL), SB_OK);
  return s;
}

static void end(scene *s) {
  sb_tracker_finish(s->tracker);
  collect(s);
  sb_tracker_free(s->tracker);
}

static void people_who_cross_keep_their_tracks(void **state) {
  (void)state;
  scene s = begin();
  uint64_t tracks[2];
  for (int step = 0; step <= 20; step++) {
    float at = 40.0f * (float)step;
    const sight both[] = {{0, at, 0, 0.95, 0.8f}, {1, 800 - at, 0, 0.95, 0.8f}};
    show(&s, both, 2, tracks);
    assert_int_equal(tracks[0], 1);
    assert_int_equal(tracks[1], 2);
  }
  end(&s);
  assert_int_equal(s.ended, 2);
  assert_int_equal(s.tracks[0].seen, 21);
}

static void the_order_of_faces_in_a_picture_does_not_matter(void **state) {
  (void)state;
  scene s = begin();
  uint64_t tracks[2];
  for (int step = 0; step < 6; step++) {
    const sight one = {0, 100, 0, 0.95, 0.8f}, other = {1, 160, 0, 0.95, 0.8f};
    const sight both[] = {step % 2 ? other : one, step % 2 ? one : other};
    show(&s, both, 2, tracks);
    assert_int_equal(tracks[step % 2], 1);
    assert_int_equal(tracks[1 - step % 2], 2);
  }
  end(&s);
}

static void somebody_who_comes_back_soon_is_the_same_track_and_later_another(void **state) {
  (void)state;
  scene s = begin();
  uint64_t track = 0;
  show(&s, &(sight){0, 0, 0, 0.95, 0.8f}, 1, &track);
  s.now += 8000;
  show(&s, &(sight){0, 700, 300, 0.95, 0.8f}, 1, &track);
  assert_int_equal(track, 1);
  s.now += 11000;
  show(&s, NULL, 0, NULL);
  show(&s, &(sight){0, 700, 300, 0.95, 0.8f}, 1, &track);
  assert_int_equal(track, 2);
  end(&s);
  assert_int_equal(s.ended, 2);
  assert_int_equal(s.tracks[0].since_ms, 0);
  assert_int_equal(s.tracks[0].until_ms, 8250);
}

static void a_scene_cut_to_another_face_at_the_same_place_is_another_track(void **state) {
  (void)state;
  scene s = begin();
  uint64_t track = 0;
  for (int step = 0; step < 4; step++) show(&s, &(sight){0, 100, 100, 0.95, 0.8f}, 1, &track);
  for (int step = 0; step < 4; step++) {
    show(&s, &(sight){1, 100, 100, 0.95, 0.8f}, 1, &track);
    assert_int_equal(track, 2);
  }
  end(&s);
  assert_int_equal(s.ended, 2);
}

static void a_scene_cut_that_moves_a_face_keeps_its_track(void **state) {
  (void)state;
  scene s = begin();
  uint64_t track = 0;
  show(&s, &(sight){0, 100, 100, 0.95, 0.8f}, 1, &track);
  show(&s, &(sight){0, 900, 500, 0.95, 0.8f}, 1, &track);
  assert_int_equal(track, 1);
  end(&s);
}

static void a_face_that_turns_away_goes_on_by_its_place(void **state) {
  (void)state;
  scene s = begin();
  uint64_t track = 0;
  const double alike[] = {0.95, 0.8, 0.45, 0.3, 0.1, 0.3, 0.9};
  const float quality[] = {0.8f, 0.7f, 0.4f, 0.2f, 0.1f, 0.2f, 0.8f};
  for (int step = 0; step < 7; step++) {
    show(&s, &(sight){0, 100.0f + 30.0f * (float)step, 100, alike[step], quality[step]}, 1, &track);
    assert_int_equal(track, 1);
  }
  end(&s);
  assert_int_equal(s.ended, 1);
}

static void fast_motion_is_predicted_where_templates_do_not_decide(void **state) {
  (void)state;
  scene s = begin();
  uint64_t track = 0;
  for (int step = 0; step < 8; step++) /* a box and a half a picture: boxes never overlap those before */
    show(&s, &(sight){0, 60.0f * (float)step, 0, step < 3 ? 0.95 : 0.3, 0.8f}, 1, &track);
  assert_int_equal(track, 1);
  end(&s);
}

static void poor_shots_do_not_change_the_template_of_a_track_with_good_ones(void **state) {
  (void)state;
  scene s = begin();
  uint64_t track = 0;
  float usual_template[DIM];
  template_of(0, 0.95, usual_template);
  show(&s, &(sight){0, 100, 100, 0.95, 0.8f}, 1, &track);
  for (int step = 0; step < 10; step++) show(&s, &(sight){0, 100, 100, 0.2, 0.1f}, 1, &track);
  sb_tracker_finish(s.tracker);
  const sb_track *ended = sb_tracker_ended(s.tracker);
  assert_non_null(ended);
  assert_int_equal(ended->seen, 11);
  assert_int_equal(ended->good, 1);
  assert_int_equal(ended->best_ms, 0);
  for (int i = 0; i < DIM; i++) assert_float_equal(ended->mean[i], usual_template[i], 1e-5);
  sb_tracker_free(s.tracker);
}

static void the_template_is_the_mean_of_the_five_best_shots(void **state) {
  (void)state;
  scene s = begin();
  uint64_t track = 0;
  float shots[7][DIM], mean[DIM] = {0};
  const double alike[] = {0.5, 0.9, 0.95, 0.6, 0.8, 0.7, 0.85};
  const float quality[] = {0.4f, 0.9f, 0.5f, 0.35f, 0.8f, 0.6f, 0.7f};
  for (int step = 0; step < 7; step++) {
    show(&s, &(sight){0, 100, 100, alike[step], quality[step]}, 1, &track);
    template_of(0, alike[step], shots[step]);
  }
  const int best[] = {1, 4, 6, 5, 2};
  double length = 0;
  for (int i = 0; i < DIM; i++) {
    for (int b = 0; b < 5; b++) mean[i] += shots[best[b]][i];
    length += (double)mean[i] * (double)mean[i];
  }
  sb_tracker_finish(s.tracker);
  const sb_track *ended = sb_tracker_ended(s.tracker);
  assert_non_null(ended);
  assert_int_equal(ended->best_ms, STEP_MS);
  assert_float_equal(ended->best_quality, 0.9f, 1e-6);
  for (int i = 0; i < DIM; i++) assert_float_equal(ended->mean[i], mean[i] / (float)sqrt(length), 1e-5);
  sb_tracker_free(s.tracker);
}

static void a_poor_face_that_was_seen_once_or_twice_is_no_track(void **state) {
  (void)state;
  scene s = begin();
  uint64_t track = 0;
  for (int step = 0; step < 2; step++) show(&s, &(sight){0, 100, 100, 0.5, 0.1f}, 1, &track);
  show(&s, &(sight){1, 600, 100, 0.95, 0.8f}, 1, &track);
  end(&s);
  assert_int_equal(s.ended, 1);
  assert_int_equal(s.tracks[0].number, 2);
}

static void more_faces_than_there_is_room_for_get_no_track(void **state) {
  (void)state;
  enum { CROWD = 1100 };
  static float templates[CROWD][DIM];
  static sb_track_face faces[CROWD];
  static sb_track_assignment given[CROWD];
  scene s = begin();
  for (int i = 0; i < CROWD; i++) {
    template_of(i % 2, 0.3, templates[i]);
    faces[i] = (sb_track_face){{200.0f * (float)i, 0, 100, 100}, 0.8f, true, templates[i]};
  }
  for (int round = 0; round < 2; round++) {
    size_t without = 0;
    assert_int_equal(sb_tracker_add(s.tracker, round * STEP_MS, faces, CROWD, given, NULL), SB_OK);
    for (int i = 0; i < CROWD; i++) without += !given[i].track;
    assert_int_equal(without, CROWD - 1024);
  }
  sb_tracker_free(s.tracker);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(people_who_cross_keep_their_tracks),
      cmocka_unit_test(the_order_of_faces_in_a_picture_does_not_matter),
      cmocka_unit_test(somebody_who_comes_back_soon_is_the_same_track_and_later_another),
      cmocka_unit_test(a_scene_cut_to_another_face_at_the_same_place_is_another_track),
      cmocka_unit_test(a_scene_cut_that_moves_a_face_keeps_its_track),
      cmocka_unit_test(a_face_that_turns_away_goes_on_by_its_place),
      cmocka_unit_test(fast_motion_is_predicted_where_templates_do_not_decide),
      cmocka_unit_test(poor_shots_do_not_change_the_template_of_a_track_with_good_ones),
      cmocka_unit_test(the_template_is_the_mean_of_the_five_best_shots),
      cmocka_unit_test(a_poor_face_that_was_seen_once_or_twice_is_no_track),
      cmocka_unit_test(more_faces_than_there_is_room_for_get_no_track),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
