/* Watching one camera:
 *
 *   connect -> picture (a copy, masked) -> does anything move? -> sb_film_add -> tracks -> events
 *      ^                                                                            |
 *      +------------- a pause of 1, 2, 4 ... 60 seconds after a failure ------------+
 *
 * The film goes on over a failure, so that somebody who is in sight before and after a short one is one track. Its
 * times are those of a monotonic clock since the thread began. */
#include "camera/watch.h"

#include "camera/area.h"
#include "camera/events.h"
#include "camera/hours.h"
#include "camera/motion.h"
#include "image/image.h"
#include "video/protocol.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  PAUSE_MS = 1000,
  PAUSE_MOST_MS = 60 * 1000,
  SOUND_MS = 10 * 1000,  /* a connection that lasted so long was sound: the next pause is the shortest */
  TRACKED_MS = 1000,     /* while somebody is in sight and nothing moves, so often a picture is searched */
  UNSEARCHED_MS = 10000, /* a picture is searched so often in any case */
  JPEG_QUALITY = 85,
};

struct sb_camera_watch {
  sb_camera_watcher_options options;
  sb_engine_camera *camera;
  sb_camera_area masks, area; /* without a polygon, the area is the whole picture */
  sb_camera_hours hours;
  pthread_t thread;
  pthread_mutex_t lock; /* guards what follows up to `picture_height` */
  pthread_cond_t changed;
  bool stopping;
  sb_video *video; /* NULL: not connected */
  sb_camera_state state;
  uint8_t *picture;                  /* SB_VIDEO_SLOT_BYTES: the newest one, with the masks */
  int picture_width, picture_height; /* 0: none yet */
  /* Of the thread alone. */
  double begun_ms;
  sb_film *film;
  sb_target target; /* of the film */
  sb_camera_motion motion;
  sb_camera_events events;
  int64_t film_ms, searched_ms;         /* time of the film's last picture, and of the last one that was searched */
  bool reported_lost;                   /* the last event about the camera says that it was lost */
  bool tried;                           /* it was connected to, or that failed, at least once */
  uint64_t read_before, dropped_before; /* by earlier decoders */
};

/* ---- State */

static void set_phase(sb_camera_watch *watch, sb_camera_phase phase, const char *problem) {
  pthread_mutex_lock(&watch->lock);
  if (watch->state.phase != phase) watch->state.since_ms = sb_now_ms();
  watch->state.phase = phase;
  snprintf(watch->state.problem, sizeof watch->state.problem, "%s", problem);
  pthread_mutex_unlock(&watch->lock);
}

static bool is_stopping(sb_camera_watch *watch) {
  pthread_mutex_lock(&watch->lock);
  bool stopping = watch->stopping;
  pthread_mutex_unlock(&watch->lock);
  return stopping;
}

static void count_pictures(sb_camera_watch *watch, bool still) {
  const sb_video_counts counts = sb_video_counts_get(watch->video);
  pthread_mutex_lock(&watch->lock);
  sb_camera_state *state = &watch->state;
  state->read = watch->read_before + counts.decoded;
  state->dropped = watch->dropped_before + counts.decoded - counts.handed_over;
  state->still += still;
  state->analysed += !still;
  state->events = watch->events.added;
  snprintf(state->problem, sizeof state->problem, "%s", watch->events.problem);
  pthread_mutex_unlock(&watch->lock);
}

/* The film's time now; each is later than the one before. */
static int64_t film_now(sb_camera_watch *watch) {
  int64_t now = (int64_t)(sb_monotonic_ms() - watch->begun_ms);
  return watch->film_ms = now > watch->film_ms ? now : watch->film_ms + 1;
}

/* ---- The film */

static sb_status take_track(void *context, const sb_film_track *track, bool changed, sb_error *error) {
  sb_camera_watch *watch = context;
  (void)changed, (void)error;
  sb_camera_events_add_track(&watch->events, track, sb_now_ms() - (int64_t)(sb_monotonic_ms() - watch->begun_ms));
  return SB_OK;
}

/* sb_film_request.wanted */
static bool is_wanted_face(void *context, const sb_box *box, int width, int height) {
  const sb_camera_watch *watch = context;
  float side = box->w < box->h ? box->w : box->h;
  double x = (double)(box->x + box->w / 2) / width, y = (double)(box->y + box->h / 2) / height;
  if (side < (float)watch->camera->smallest_face) return false;
  return !watch->area.count || sb_camera_area_contains(&watch->area, x, y);
}

static sb_target target_now(const sb_camera_watch *watch) {
  const sb_target chosen = sb_engine_operating_point(watch->options.engine);
  return sb_operating_point_given(&chosen) ? chosen : watch->options.target;
}

static void end_film(sb_camera_watch *watch) {
  sb_film_result *result = NULL;
  sb_error error = {0};
  if (watch->film && sb_film_finish(watch->film, &result, &error) != SB_OK)
    sb_log(SB_LOG_ERROR, "camera %s: the last tracks are lost: %s", watch->camera->name, error.message);
  sb_film_result_free(result);
  sb_film_free(watch->film);
  watch->film = NULL;
}

/* Begins a film, also where an admin has chosen another operating point since. */
static sb_status ensure_film(sb_camera_watch *watch, sb_error *error) {
  const sb_target target = target_now(watch);
  bool same = target.threshold == watch->target.threshold && target.fmr == watch->target.fmr &&
              target.fpir == watch->target.fpir;
  if (watch->film && same) return SB_OK;
  end_film(watch);
  watch->target = target;
  const sb_film_request request = {.struct_size = sizeof request,
                                   .collection = watch->camera->collection,
                                   .target = target,
                                   .k = 1,
                                   .pictures = watch->options.thumbnails,
                                   .watchlist = *watch->camera->watchlist ? watch->camera->watchlist : NULL,
                                   .wanted = is_wanted_face,
                                   .visit = take_track,
                                   .context = watch};
  return sb_film_new(watch->options.engine, &request, &watch->film, error);
}

/* Time passes without a picture: tracks that are out of sight for too long end. */
static void pass_time(sb_camera_watch *watch) {
  sb_error error = {0};
  sb_camera_events_flush(&watch->events);
  if (!watch->film || !sb_film_tracks(watch->film)) return;
  if (sb_film_pass(watch->film, film_now(watch), &error) != SB_OK)
    sb_log(SB_LOG_ERROR, "camera %s: a track is lost: %s", watch->camera->name, error.message);
}

/* ---- Pictures */

static const uint8_t *keep_picture(sb_camera_watch *watch, const sb_video_frame *frame) {
  size_t size = 3 * (size_t)frame->width * (size_t)frame->height;
  pthread_mutex_lock(&watch->lock);
  memcpy(watch->picture, frame->pixels, size);
  sb_camera_area_paint(&watch->masks, watch->picture, frame->width, frame->height);
  watch->picture_width = frame->width;
  watch->picture_height = frame->height;
  pthread_mutex_unlock(&watch->lock);
  return watch->picture; /* only this thread writes to it */
}

static bool is_wanted(sb_camera_watch *watch, const uint8_t *pixels, const sb_video_frame *frame) {
  int64_t since = watch->film_ms - watch->searched_ms;
  bool moves = sb_camera_moves(&watch->motion, pixels, frame->width, frame->height);
  bool tracked = watch->film && sb_film_tracks(watch->film);
  return moves || since >= UNSEARCHED_MS || (tracked && since >= TRACKED_MS);
}

static sb_status search(sb_camera_watch *watch, const uint8_t *pixels, const sb_video_frame *frame, sb_error *error) {
  double begun = sb_monotonic_ms();
  const sb_film_picture picture = {.pixels = pixels,
                                   .width = frame->width,
                                   .height = frame->height,
                                   .film_width = frame->source_width,
                                   .film_height = frame->source_height,
                                   .time_ms = watch->film_ms};
  sb_status status = ensure_film(watch, error);
  if (status == SB_OK) status = sb_film_add(watch->film, &picture, error);
  watch->searched_ms = watch->film_ms;
  pthread_mutex_lock(&watch->lock);
  watch->state.lag_ms = sb_monotonic_ms() - begun;
  pthread_mutex_unlock(&watch->lock);
  return status;
}

static void take_picture(sb_camera_watch *watch, const sb_video_frame *frame) {
  sb_error error = {0};
  const uint8_t *pixels = keep_picture(watch, frame);
  film_now(watch);
  bool wanted = is_wanted(watch, pixels, frame);
  sb_status status = wanted ? search(watch, pixels, frame, &error) : SB_OK;
  sb_camera_events_flush(&watch->events);
  count_pictures(watch, !wanted);
  if (status == SB_OK || status == SB_BUSY || status == SB_STOPPING) return; /* busy: the next one may do */
  set_phase(watch, SB_CAMERA_CONNECTED, error.message);
  if (status == SB_INVALID || status == SB_NOT_FOUND) end_film(watch); /* the collection was made again, or is gone */
}

/* ---- The connection */

static sb_status connect_camera(sb_camera_watch *watch, sb_error *error) {
  const sb_video_options how = {
      .rate = watch->camera->rate, .sandbox = watch->options.sandbox, .udp = watch->camera->udp};
  sb_video *video = NULL;
  sb_status status = sb_video_camera_open(watch->options.launcher, watch->camera->address, &how, &video, error);
  if (status != SB_OK) return status;
  pthread_mutex_lock(&watch->lock);
  watch->video = video;
  if (watch->stopping) sb_video_cancel(video);
  pthread_mutex_unlock(&watch->lock);
  sb_video_info info;
  status = sb_video_info_get(video, &info, error);
  if (status != SB_OK) return status;
  pthread_mutex_lock(&watch->lock);
  watch->state.info = info;
  pthread_mutex_unlock(&watch->lock);
  return SB_OK;
}

static void disconnect(sb_camera_watch *watch) {
  sb_video *video = watch->video;
  if (!video) return;
  const sb_video_counts counts = sb_video_counts_get(video);
  watch->read_before += counts.decoded;
  watch->dropped_before += counts.decoded - counts.handed_over;
  pthread_mutex_lock(&watch->lock);
  watch->video = NULL;
  pthread_mutex_unlock(&watch->lock);
  sb_video_close(video);
}

static void report_back(sb_camera_watch *watch) {
  set_phase(watch, SB_CAMERA_CONNECTED, "");
  watch->tried = true;
  if (!watch->reported_lost) return;
  watch->reported_lost = false;
  sb_camera_events_add_state(&watch->events, SB_EVENT_CAMERA_BACK, NULL);
  sb_log(SB_LOG_INFO, "camera %s gives pictures again", watch->camera->name);
}

/* A connection that comes back at once is no event: `again` says that it did not. */
static void report_lost(sb_camera_watch *watch, const char *why, bool again) {
  set_phase(watch, SB_CAMERA_LOST, why);
  if (watch->reported_lost || !(again || !watch->tried)) return;
  watch->tried = watch->reported_lost = true;
  sb_camera_events_add_state(&watch->events, SB_EVENT_CAMERA_LOST, why);
  sb_log(SB_LOG_WARNING, "camera %s: %s", watch->camera->name, why);
}

/* Watches until the connection fails, or its hours are over (SB_OK). `*pictures`: it gave some. */
static sb_status stream(sb_camera_watch *watch, bool *pictures, sb_error *error) {
  sb_video_frame frame;
  sb_status status = connect_camera(watch, error);
  while (status == SB_OK && (status = sb_video_next(watch->video, &frame, error)) == SB_OK) {
    if (!*pictures) report_back(watch);
    *pictures = true;
    take_picture(watch, &frame);
    if (!sb_camera_hours_include(&watch->hours, sb_now_ms())) break;
  }
  return status;
}

static void wait_ms(sb_camera_watch *watch, int ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += ms / 1000;
  until.tv_nsec += (long)(ms % 1000) * 1000000;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  pthread_mutex_lock(&watch->lock);
  while (!watch->stopping && pthread_cond_timedwait(&watch->changed, &watch->lock, &until) != ETIMEDOUT) continue;
  pthread_mutex_unlock(&watch->lock);
}

static void pause_ms(sb_camera_watch *watch, int ms) {
  for (int left = ms; left > 0 && !is_stopping(watch); left -= PAUSE_MS) {
    pass_time(watch);
    wait_ms(watch, left < PAUSE_MS ? left : PAUSE_MS);
  }
}

/* Waits for its hours, without a decoder. Those who were in sight have left. */
static void rest(sb_camera_watch *watch) {
  if (sb_camera_hours_include(&watch->hours, sb_now_ms())) return;
  end_film(watch);
  set_phase(watch, SB_CAMERA_RESTING, "");
  while (!is_stopping(watch) && !sb_camera_hours_include(&watch->hours, sb_now_ms())) pause_ms(watch, PAUSE_MS);
  if (!is_stopping(watch)) set_phase(watch, SB_CAMERA_CONNECTING, "");
}

static void *run(void *context) {
  sb_camera_watch *watch = context;
  int pause = PAUSE_MS;
  sb_actor_set("camera", NULL);
  for (rest(watch); !is_stopping(watch); rest(watch)) {
    sb_error error = {0};
    bool pictures = false;
    double begun = sb_monotonic_ms();
    sb_status status = stream(watch, &pictures, &error);
    disconnect(watch);
    if (is_stopping(watch)) break;
    if (status == SB_OK) continue; /* its hours are over */
    report_lost(watch, error.message, !pictures);
    if (pictures && sb_monotonic_ms() - begun >= SOUND_MS) pause = PAUSE_MS;
    pause_ms(watch, pause);
    pause = pause * 2 < PAUSE_MOST_MS ? pause * 2 : PAUSE_MOST_MS;
  }
  end_film(watch);
  sb_camera_events_flush(&watch->events);
  return NULL;
}

/* ---- Start and end */

static void release(sb_camera_watch *watch) {
  sb_camera_events_clear(&watch->events);
  if (watch->picture) sb_wipe(watch->picture, SB_VIDEO_SLOT_BYTES);
  free(watch->picture);
  sb_cameras_free(watch->camera, 1);
  pthread_cond_destroy(&watch->changed);
  pthread_mutex_destroy(&watch->lock);
  free(watch);
}

static sb_status start(sb_camera_watch *watch, sb_error *error) {
  sb_status status = sb_camera_area_parse(watch->camera->masks, "masks", &watch->masks, error);
  if (status != SB_OK) return status;
  status = sb_camera_area_parse(watch->camera->watch, "watch", &watch->area, error);
  if (status != SB_OK) return status;
  status = sb_camera_hours_parse(watch->camera->hours, &watch->hours, error);
  if (status != SB_OK) return status;
  if (!(watch->picture = sb_alloc(SB_VIDEO_SLOT_BYTES, 1, error))) return SB_NO_MEMORY;
  watch->begun_ms = sb_monotonic_ms();
  watch->searched_ms = -UNSEARCHED_MS;
  watch->state = (sb_camera_state){.phase = SB_CAMERA_CONNECTING, .since_ms = sb_now_ms()};
  watch->events = (sb_camera_events){.engine = watch->options.engine,
                                     .camera = watch->camera->name,
                                     .collection = watch->camera->collection,
                                     .watchlist = watch->camera->watchlist};
  int failed = pthread_create(&watch->thread, NULL, run, watch);
  return failed ? sb_fail_errno(error, failed, "start a thread for", "a camera") : SB_OK;
}

sb_status sb_camera_watch_start(const sb_camera_watcher_options *options, sb_engine_camera *camera,
                                sb_camera_watch **out, sb_error *error) {
  sb_camera_watch *watch = sb_alloc(1, sizeof *watch, error);
  if (!watch) return sb_cameras_free(camera, 1), SB_NO_MEMORY;
  pthread_condattr_t monotonic;
  *watch = (sb_camera_watch){.options = *options, .camera = camera};
  pthread_mutex_init(&watch->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&watch->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  sb_status status = start(watch, error);
  if (status == SB_OK)
    *out = watch;
  else
    release(watch);
  return status;
}

void sb_camera_watch_cancel(sb_camera_watch *watch) {
  pthread_mutex_lock(&watch->lock);
  watch->stopping = true;
  if (watch->video) sb_video_cancel(watch->video);
  pthread_cond_broadcast(&watch->changed);
  pthread_mutex_unlock(&watch->lock);
}

void sb_camera_watch_free(sb_camera_watch *watch) {
  sb_camera_watch_cancel(watch);
  pthread_join(watch->thread, NULL);
  release(watch);
}

/* ---- For other threads */

const sb_engine_camera *sb_camera_watch_camera(const sb_camera_watch *watch) {
  return watch->camera;
}

sb_camera_state sb_camera_watch_state(sb_camera_watch *watch) {
  pthread_mutex_lock(&watch->lock);
  sb_camera_state state = watch->state;
  pthread_mutex_unlock(&watch->lock);
  return state;
}

sb_status sb_camera_watch_snapshot(sb_camera_watch *watch, uint8_t **bytes, size_t *size, sb_error *error) {
  uint8_t *copy = sb_alloc(SB_VIDEO_SLOT_BYTES, 1, error);
  if (!copy) return SB_NO_MEMORY;
  pthread_mutex_lock(&watch->lock);
  int width = watch->picture_width, height = watch->picture_height;
  bool has_one = width && watch->state.phase == SB_CAMERA_CONNECTED;
  if (has_one) memcpy(copy, watch->picture, 3 * (size_t)width * (size_t)height);
  pthread_mutex_unlock(&watch->lock);
  sb_status status = has_one ? sb_image_write_jpeg(copy, width, height, JPEG_QUALITY, bytes, size, error)
                             : sb_fail(error, SB_BUSY, "the camera gives no pictures now; its state says why");
  free(copy);
  return status;
}
