/* The parent's side of a decoder process: every message that is wrong in any way ends the film, in words. */
#include "unit.h"

#include "video/conversation.h"

static sb_video_conversation talk;
static sb_video_frame frame;
static sb_error error;
static int slot;

static sb_status say(const sb_video_message *m) {
  return sb_video_conversation_take(&talk, m, sizeof *m, &frame, &slot, &error);
}

static const sb_video_message info = {
    .kind = SB_VIDEO_INFO, .width = 1920, .height = 1080, .time_ms = 60000, .decoded = 25000, .codec = "h264"};

static sb_video_message picture(uint32_t at, int64_t time_ms, uint64_t decoded) {
  return (sb_video_message){.kind = SB_VIDEO_FRAME,
                            .detail = at,
                            .width = 1280,
                            .height = 720,
                            .source_width = 1920,
                            .source_height = 1080,
                            .time_ms = time_ms,
                            .decoded = decoded};
}

static int begin(void **state) {
  (void)state;
  sb_video_conversation_begin(&talk, false);
  return 0;
}

static int begin_running(void **state) {
  begin(state);
  return say(&info) != SB_OK;
}

static void a_film_is_described_and_its_pictures_come_in_slots(void **state) {
  (void)state;
  assert_int_equal(say(&info), SB_OK);
  assert_int_equal(slot, -1);
  assert_int_equal(talk.info.width, 1920);
  assert_string_equal(talk.info.codec, "h264");
  assert_float_equal(talk.info.rate, 25, 1e-9);
  for (uint32_t i = 0; i < SB_VIDEO_SLOTS; i++) {
    const sb_video_message m = picture(i, 40 * (int64_t)i, i + 1);
    assert_int_equal(say(&m), SB_OK);
    assert_int_equal(slot, i);
    assert_int_equal(frame.time_ms, 40 * (int64_t)i);
    assert_int_equal(frame.source_width, 1920);
  }
  sb_video_conversation_release(&talk, 2);
  const sb_video_message again = picture(2, 1000, 9);
  assert_int_equal(say(&again), SB_OK);
  const sb_video_message last = {.kind = SB_VIDEO_END, .time_ms = 59960, .decoded = 1500, .damaged = 3};
  assert_int_equal(say(&last), SB_OK);
  assert_int_equal(talk.state, SB_VIDEO_ENDED);
  assert_int_equal(talk.counts.handed_over, SB_VIDEO_SLOTS + 1);
  assert_int_equal(talk.counts.damaged, 3);
}

static void every_failure_has_words_of_its_own(void **state) {
  (void)state;
  static const struct {
    sb_video_failure failure;
    sb_status status;
    const char *word;
  } cases[] = {{SB_VIDEO_NOT_A_FILM, SB_UNSUPPORTED_IMAGE, "not a film"},
               {SB_VIDEO_NO_PICTURES, SB_BAD_IMAGE, "no pictures"},
               {SB_VIDEO_UNKNOWN_CODEC, SB_BAD_IMAGE, "H.264"},
               {SB_VIDEO_TOO_LARGE, SB_IMAGE_TOO_LARGE, "7680x4320"},
               {SB_VIDEO_DAMAGED, SB_BAD_IMAGE, "incomplete"},
               {SB_VIDEO_NO_MEMORY, SB_TOO_LARGE, "memory"},
               {SB_VIDEO_PLAYLIST, SB_BAD_IMAGE, "playlist"}};
  for (size_t i = 0; i < count_of(cases); i++) {
    begin(NULL);
    const sb_video_message m = {.kind = SB_VIDEO_FAILED, .detail = cases[i].failure, .width = 7680, .height = 4320};
    assert_int_equal(say(&m), cases[i].status);
    assert_non_null(strstr(error.message, cases[i].word));
  }
}

static void a_film_without_a_picture_is_refused_at_its_end(void **state) {
  (void)state;
  const sb_video_message last = {.kind = SB_VIDEO_END};
  assert_int_equal(say(&last), SB_BAD_IMAGE);
  assert_non_null(strstr(error.message, "no picture"));
}

static void a_film_longer_than_a_day_is_refused(void **state) {
  (void)state;
  const sb_video_message m = picture(0, INT64_C(24) * 3600 * 1000 + 1, 1);
  assert_int_equal(say(&m), SB_TOO_LARGE);
}

/* Says `m` to a conversation that has begun; it must be refused as broken. */
static void refuse(sb_video_message m) {
  begin_running(NULL);
  assert_int_equal(say(&m), SB_BAD_IMAGE);
  assert_non_null(strstr(error.message, "made its decoder send"));
  assert_int_equal(slot, -1);
}

static void a_picture_out_of_its_bounds_is_refused(void **state) {
  (void)state;
  const sb_video_message right = picture(0, 0, 1);
  sb_video_message m = right;
  m.detail = SB_VIDEO_SLOTS, refuse(m), m = right;
  m.detail = UINT32_MAX, refuse(m), m = right;
  m.width = 0, refuse(m), m = right;
  m.height = 0, refuse(m), m = right;
  m.width = UINT32_MAX, refuse(m), m = right;
  m.width = m.height = SB_VIDEO_SIDE_MAX, refuse(m), m = right;
  m.width = SB_VIDEO_SIDE_MAX + 1, m.height = 1, refuse(m), m = right;
  m.width = m.height = 0x10000, refuse(m), m = right; /* their product is 0 in 32 bits */
  m.source_width = 0, refuse(m), m = right;
  m.source_height = UINT32_MAX, refuse(m), m = right;
  m.time_ms = -1, refuse(m), m = right;
  m.time_ms = INT64_MIN, refuse(m);
}

static void times_and_counts_that_go_back_are_refused(void **state) {
  (void)state;
  const sb_video_message first = picture(0, 1000, 30);
  const sb_video_message wrong[] = {picture(1, 1000, 31), picture(1, 999, 31), picture(1, 2000, 29),
                                    picture(0, 2000, 31)}; /* the last: into a slot that is taken */
  for (size_t i = 0; i < count_of(wrong); i++) {
    begin_running(NULL);
    assert_int_equal(say(&first), SB_OK);
    assert_int_equal(say(&wrong[i]), SB_BAD_IMAGE);
  }
}

static void messages_out_of_order_are_refused(void **state) {
  (void)state;
  const sb_video_message early = picture(0, 0, 1), last = {.kind = SB_VIDEO_END, .time_ms = 10, .decoded = 2};
  begin(NULL);
  assert_int_equal(say(&early), SB_BAD_IMAGE);
  refuse(info);
  refuse((sb_video_message){.kind = SB_VIDEO_RELEASE});
  refuse((sb_video_message){.kind = 0});
  refuse((sb_video_message){.kind = SB_VIDEO_FAILED, .detail = 1000});
  begin_running(NULL);
  assert_int_equal(say(&early), SB_OK);
  assert_int_equal(say(&last), SB_OK);
  assert_int_equal(say(&last), SB_BAD_IMAGE);
}

static void a_packet_of_another_length_is_refused(void **state) {
  (void)state;
  char packet[2 * sizeof(sb_video_message)] = {0};
  memcpy(packet, &info, sizeof info);
  const size_t sizes[] = {0, 1, sizeof info - 1, sizeof info + 1, sizeof packet};
  for (size_t i = 0; i < count_of(sizes); i++) {
    begin(NULL);
    assert_int_equal(sb_video_conversation_take(&talk, packet, sizes[i], &frame, &slot, &error), SB_BAD_IMAGE);
  }
}

static void a_description_that_cannot_be_is_refused(void **state) {
  (void)state;
  sb_video_message wrong[6];
  for (size_t i = 0; i < count_of(wrong); i++) wrong[i] = info;
  wrong[0].width = 0;
  wrong[1].width = wrong[1].height = UINT32_MAX;
  wrong[2].time_ms = -2;
  wrong[3].decoded = UINT64_MAX;
  memset(wrong[4].codec, 'a', sizeof wrong[4].codec); /* without an end */
  wrong[5].codec[1] = '\033';                         /* would reach the terminal */
  for (size_t i = 0; i < count_of(wrong); i++) {
    begin(NULL);
    assert_int_equal(say(&wrong[i]), SB_BAD_IMAGE);
  }
}

static void a_decoder_that_only_reports_progress_comes_to_an_end(void **state) {
  (void)state;
  const sb_video_message m = {.kind = SB_VIDEO_PROGRESS};
  sb_status status = SB_OK;
  size_t said = 0;
  while (status == SB_OK && said < 1000 * 1000) status = say(&m), said++;
  assert_int_equal(status, SB_TOO_LARGE);
}

/* ---- Cameras */

static int begin_camera(void **state) {
  (void)state;
  sb_video_conversation_begin(&talk, true);
  return 0;
}

static void a_camera_may_report_before_its_greeting_has_one_slot_and_no_end(void **state) {
  (void)state;
  const sb_video_message waits = {.kind = SB_VIDEO_PROGRESS}, end = {.kind = SB_VIDEO_END, .time_ms = 90};
  assert_int_equal(say(&waits), SB_OK);
  assert_int_equal(say(&info), SB_OK);
  const sb_video_message first = picture(0, 40, 1), other = picture(1, 80, 2);
  assert_int_equal(say(&first), SB_OK);
  assert_int_equal(say(&other), SB_BAD_IMAGE);
  assert_int_equal(say(&end), SB_BAD_IMAGE);
}

static void a_camera_may_run_for_longer_than_a_day(void **state) {
  (void)state;
  const int64_t days = INT64_C(30) * 24 * 3600 * 1000;
  const sb_video_message late = picture(0, days, 1);
  assert_int_equal(say(&info), SB_OK);
  assert_int_equal(say(&late), SB_OK);
  assert_int_equal(frame.time_ms, days);
}

static void every_failure_of_a_camera_has_words_and_none_is_of_films(void **state) {
  (void)state;
  for (uint32_t failure = SB_VIDEO_NOT_A_FILM; failure <= SB_VIDEO_BAD_PICTURES + 1; failure++) {
    const sb_video_message m = {.kind = SB_VIDEO_FAILED, .detail = failure, .width = 9000, .height = 9000};
    begin_camera(NULL);
    assert_int_not_equal(say(&m), SB_OK);
    assert_true(*error.message);
    assert_null(strstr(error.message, "film"));
  }
}

static void addresses_are_taken_apart_and_only_host_and_port_are_shown(void **state) {
  (void)state;
  static const struct {
    const char *text, *shown;
    bool password;
  } good[] = {
      {"rtsp://192.0.2.1/a?b=c", "rtsp://192.0.2.1:554", false},
      {"rtsp://user:secret@camera.example:8554/a", "rtsp://camera.example:8554", true},
      {"RTSPS://user@[2001:db8::1]/", "rtsps://[2001:db8::1]:322", false},
      {"http://u:p%40@h", "http://h:80", true},
      {"https://h:8443?token=secret", "https://h:8443", false},
  };
  static const char *const bad[] = {"",           "rtsp",        "rtsp:/h",        "rtsp://",     "rtsp://:554/",
                                    "rtsp://h:",  "rtsp://h:0",  "rtsp://h:99999", "rtsp://h:5x", "rtsp://a@b@h/",
                                    "file:///x",  "ftp://h/x",   "rtsp://h h/",    "rtsp://[::1", "rtsp://[::1]x/",
                                    "rtsp://[h]", "rtsp://h\\x", "rtsp://h/\n",    "rtsp://u:p@", "unix:/x"};
  sb_video_address address;
  for (size_t i = 0; i < count_of(good); i++) {
    assert_int_equal(sb_video_address_parse(good[i].text, &address, &error), SB_OK);
    assert_string_equal(address.shown, good[i].shown);
    assert_int_equal(address.has_password, good[i].password);
  }
  for (size_t i = 0; i < count_of(bad); i++)
    if (sb_video_address_parse(bad[i], &address, &error) != SB_INVALID) fail_msg("%s was accepted", bad[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_camera_may_report_before_its_greeting_has_one_slot_and_no_end, begin_camera),
      cmocka_unit_test_setup(a_camera_may_run_for_longer_than_a_day, begin_camera),
      cmocka_unit_test(every_failure_of_a_camera_has_words_and_none_is_of_films),
      cmocka_unit_test(addresses_are_taken_apart_and_only_host_and_port_are_shown),
      cmocka_unit_test_setup(a_film_is_described_and_its_pictures_come_in_slots, begin),
      cmocka_unit_test_setup(every_failure_has_words_of_its_own, begin),
      cmocka_unit_test_setup(a_film_without_a_picture_is_refused_at_its_end, begin_running),
      cmocka_unit_test_setup(a_film_longer_than_a_day_is_refused, begin_running),
      cmocka_unit_test_setup(a_picture_out_of_its_bounds_is_refused, begin_running),
      cmocka_unit_test_setup(times_and_counts_that_go_back_are_refused, begin_running),
      cmocka_unit_test_setup(messages_out_of_order_are_refused, begin),
      cmocka_unit_test_setup(a_packet_of_another_length_is_refused, begin),
      cmocka_unit_test_setup(a_description_that_cannot_be_is_refused, begin),
      cmocka_unit_test_setup(a_decoder_that_only_reports_progress_comes_to_an_end, begin_running),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
