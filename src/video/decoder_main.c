/* semblance-video: decodes one film, or what one camera sends, for the process that started it (protocol.h). Users do
 * not run it.
 *
 * usage: semblance-video RATE keyframes|- sandbox|- film|camera|camera-udp
 *        semblance-video launcher
 *
 * Whoever made the film may take this process over. So it limits itself before it reads the film: its memory, its
 * processor time, and in the sandbox every way to open a file or a socket, to start a program and to reach another
 * process. What a camera needs of the network is left to it (sb_sandbox_enter_camera). */
#include "base/base.h"
#include "sandbox/sandbox.h"
#include "video/decoder_camera.h"
#include "video/decoder_film.h"
#include "video/decoder_launcher.h"
#include "video/decoder_picture.h"

#include <libavutil/log.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static const rlim_t MEMORY_BYTES = (rlim_t)2 << 30; /* of addresses; libraries and stacks are a fifth of it */
enum { PROCESSOR_SECONDS = 24 * 3600, PROGRESS_MS = 1000, NO_PICTURE_MS = 30 * 1000 };

/* A camera's stream that lies behind by more than the first number is decoded by its keyframes until it has caught up
 * to the second one. */
enum { BEHIND_US = 1500 * 1000, CAUGHT_UP_US = 500 * 1000, JUMP_US = 60 * 1000 * 1000 };

/* A film on its way to the parent. */
typedef struct transfer {
  sb_video_film film;
  sb_video_camera camera; /* with film.live */
  double started_ms;      /* of a camera: its times are counted from here */
  double picture_ms;      /* of a camera: when its last picture was decoded */
  int64_t least_ahead_us; /* of a camera: arrival less the picture's own time, at its smallest; INT64_MAX: not known */
  enum AVDiscard skip;    /* of the pictures, while the stream does not lie behind */
  sb_video_converter converter;
  uint8_t *slots;
  bool taken[SB_VIDEO_SLOTS];
  int64_t period_us, due_us; /* between two pictures to hand over; the time of the next one */
  int64_t last_us;           /* of the last picture that was decoded */
  int64_t handed_ms;         /* time of the last picture that was handed over; -1: none */
  uint64_t decoded, damaged;
  double reported_ms; /* when the parent last heard something */
} transfer;

/* ---- The parent */

static void say(const sb_video_message *m) {
  ssize_t sent;
  while ((sent = send(SB_VIDEO_SOCKET, m, sizeof *m, MSG_NOSIGNAL)) < 0 && errno == EINTR) continue;
  if (sent != (ssize_t)sizeof *m) _exit(1); /* the parent is gone */
}

static void say_failure(sb_video_failure failure, uint32_t width, uint32_t height) {
  say(&(sb_video_message){.kind = SB_VIDEO_FAILED, .detail = (uint32_t)failure, .width = width, .height = height});
}

/* Ends the process when the parent closes its end, also while a film is being decoded. */
static void *watch_parent(void *unused) {
  struct pollfd poller = {.fd = SB_VIDEO_SOCKET, .events = POLLRDHUP};
  while (poll(&poller, 1, -1) < 0 && errno == EINTR) continue;
  _exit(1);
  return unused;
}

static void take_release(transfer *t, int flags) {
  sb_video_message m;
  ssize_t got;
  while ((got = recv(SB_VIDEO_SOCKET, &m, sizeof m, flags)) < 0 && errno == EINTR) continue;
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
  if (got != (ssize_t)sizeof m || m.kind != SB_VIDEO_RELEASE || m.detail >= SB_VIDEO_SLOTS) _exit(1);
  t->taken[m.detail] = false;
}

/* A free slot. Where there is none, that of a film waits for the parent; that of a camera is -1. */
static int free_slot(transfer *t) {
  if (t->film.live) return take_release(t, MSG_DONTWAIT), t->taken[0] ? -1 : 0;
  for (int flags = MSG_DONTWAIT;; flags = 0) {
    take_release(t, flags);
    for (int i = 0; i < SB_VIDEO_SLOTS; i++)
      if (!t->taken[i]) return i;
  }
}

static sb_video_message state_of(const transfer *t, sb_video_kind kind) {
  int64_t time = t->last_us / 1000;
  return (sb_video_message){.kind = (uint32_t)kind,
                            .time_ms = time > t->handed_ms ? time
                                       : t->handed_ms > 0  ? t->handed_ms
                                                           : 0,
                            .decoded = t->decoded,
                            .damaged = t->damaged};
}

static void report(transfer *t) {
  double now = sb_monotonic_ms();
  if (now - t->reported_ms < PROGRESS_MS) return;
  t->reported_ms = now;
  const sb_video_message m = state_of(t, SB_VIDEO_PROGRESS);
  say(&m);
}

/* ---- Pictures */

/* Microseconds from the film's start; a picture without a time comes right after the one before, and time never runs
 * backwards. */
static int64_t time_of(const transfer *t, const AVFrame *picture) {
  if (t->film.live) return (int64_t)((sb_monotonic_ms() - t->started_ms) * 1000);
  const AVStream *stream = t->film.stream;
  int64_t pts = picture->best_effort_timestamp, time = t->last_us;
  if (pts != AV_NOPTS_VALUE)
    time = av_rescale_q(pts - t->film.start, stream->time_base, AV_TIME_BASE_Q);
  else if (stream->avg_frame_rate.num > 0 && stream->avg_frame_rate.den > 0)
    time += av_rescale_q(1, av_inv_q(stream->avg_frame_rate), AV_TIME_BASE_Q);
  return time > t->last_us ? time : t->last_us;
}

static void hand_over(transfer *t, const AVFrame *picture, int64_t time_us) {
  sb_video_sizes sizes;
  if (!sb_video_sizes_of(picture->width, picture->height, picture->sample_aspect_ratio, t->film.turns, &sizes)) return;
  int slot = free_slot(t);
  if (slot < 0) return;
  if (!sb_video_convert(&t->converter, picture, &sizes, t->film.turns, t->slots + (size_t)slot * SB_VIDEO_SLOT_BYTES)) {
    t->damaged++;
    return;
  }
  t->taken[slot] = true;
  t->handed_ms = time_us / 1000;
  t->due_us = time_us - time_us % t->period_us + t->period_us;
  sb_video_message m = state_of(t, SB_VIDEO_FRAME);
  m.detail = (uint32_t)slot;
  m.width = (uint32_t)sizes.width;
  m.height = (uint32_t)sizes.height;
  m.source_width = (uint32_t)sizes.source_width;
  m.source_height = (uint32_t)sizes.source_height;
  m.time_ms = t->handed_ms;
  say(&m);
  t->reported_ms = sb_monotonic_ms();
}

static void take_picture(transfer *t, const AVFrame *picture) {
  int64_t time = time_of(t, picture);
  t->decoded++;
  t->last_us = time;
  t->picture_ms = sb_monotonic_ms();
  bool bad = picture->flags & AV_FRAME_FLAG_CORRUPT || picture->decode_error_flags;
  t->damaged += bad;
  if (!bad && time >= t->due_us && time / 1000 > t->handed_ms) hand_over(t, picture, time);
  report(t);
}

/* `packet` NULL: the pictures that the codec still holds back. */
static void decode(transfer *t, const AVPacket *packet, AVFrame *picture) {
  AVCodecContext *codec = t->film.codec;
  int sent = avcodec_send_packet(codec, packet);
  if (sent < 0 && sent != AVERROR_EOF) t->damaged++;
  while (avcodec_receive_frame(codec, picture) >= 0) {
    take_picture(t, picture);
    av_frame_unref(picture);
  }
}

/* ---- Cameras */

/* HLS comes a segment at a time, seconds of it at once, and is decoded as fast as it was filmed: else all of a segment
 * but its last picture would be dropped. */
static int64_t wait_until(transfer *t, int64_t early_us) {
  double until = sb_monotonic_ms() + (double)early_us / 1000;
  while (sb_monotonic_ms() < until) {
    nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    report(t);
  }
  return t->least_ahead_us;
}

/* How far the stream lies behind, by the times that the camera writes on its pictures. */
static void catch_up(transfer *t, const AVPacket *packet) {
  int64_t time = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts, now = (int64_t)(sb_monotonic_ms() * 1000);
  int64_t ahead, behind;
  if (time == AV_NOPTS_VALUE) return;
  if (__builtin_sub_overflow(now, av_rescale_q(time, t->film.stream->time_base, AV_TIME_BASE_Q), &ahead)) return;
  bool bursts = t->least_ahead_us != INT64_MAX && !strcmp(t->film.container->iformat->name, "hls");
  bool early = bursts && !__builtin_sub_overflow(t->least_ahead_us, ahead, &behind) && behind > 0 && behind < JUMP_US;
  if (early) ahead = wait_until(t, behind);
  bool jumped = __builtin_sub_overflow(ahead, t->least_ahead_us, &behind) || behind < 0 || behind > JUMP_US;
  if (jumped) { /* the smallest so far, or the camera's clock was set */
    t->least_ahead_us = ahead;
    behind = 0;
  }
  if (behind > BEHIND_US) t->film.codec->skip_frame = AVDISCARD_NONKEY;
  if (behind < CAUGHT_UP_US) t->film.codec->skip_frame = t->skip;
}

static sb_video_failure decode_camera(transfer *t) {
  AVPacket *packet = av_packet_alloc();
  AVFrame *picture = av_frame_alloc();
  if (!packet || !picture) return SB_VIDEO_NO_MEMORY;
  t->picture_ms = sb_monotonic_ms();
  for (;;) {
    sb_video_camera_patience(&t->camera);
    int got = av_read_frame(t->film.container, packet);
    if (got < 0 && got != AVERROR(EAGAIN)) return sb_video_camera_failure(&t->camera, got);
    if (got >= 0 && packet->stream_index == t->film.stream->index) {
      catch_up(t, packet);
      decode(t, packet, picture);
    }
    av_packet_unref(packet);
    report(t);
    if (sb_monotonic_ms() - t->picture_ms > NO_PICTURE_MS) return SB_VIDEO_BAD_PICTURES;
  }
}

static void while_waiting(void *context) {
  report(context);
}

/* Takes the address, which the parent has sent before it started this process. */
static sb_video_failure find_camera(transfer *t, bool udp) {
  ssize_t got;
  while ((got = recv(SB_VIDEO_SOCKET, t->camera.address, SB_VIDEO_ADDRESS_MAX, 0)) < 0 && errno == EINTR) continue;
  if (got <= 0) _exit(1);
  t->film.live = true;
  t->camera.udp = udp;
  t->camera.waits = while_waiting;
  t->camera.context = t;
  t->started_ms = sb_monotonic_ms();
  t->least_ahead_us = INT64_MAX;
  return sb_video_camera_find(&t->camera);
}

/* ---- Films */

static sb_video_failure decode_film(transfer *t) {
  AVPacket *packet = av_packet_alloc();
  AVFrame *picture = av_frame_alloc();
  if (!packet || !picture) return SB_VIDEO_NO_MEMORY;
  int got;
  while ((got = av_read_frame(t->film.container, packet)) >= 0 || got == AVERROR(EAGAIN)) {
    if (got >= 0 && packet->stream_index == t->film.stream->index) decode(t, packet, picture);
    av_packet_unref(packet);
    report(t);
  }
  decode(t, NULL, picture);
  av_packet_free(&packet);
  av_frame_free(&picture);
  return got == AVERROR(ENOMEM) ? SB_VIDEO_NO_MEMORY : 0;
}

/* Pictures that no other picture refers to are not decoded where enough others are. */
static void skip_pictures(transfer *t, int rate, bool keyframes) {
  const AVRational pictures = t->film.stream->avg_frame_rate;
  double every = pictures.num > 0 && pictures.den > 0 ? av_q2d(pictures) : 0;
  t->period_us = 1000000 / rate;
  t->skip = keyframes ? AVDISCARD_NONKEY : every > 4 * rate ? AVDISCARD_NONREF : AVDISCARD_DEFAULT;
  t->film.codec->skip_frame = t->skip;
}

/* ---- The process */

static void set_limit(int which, rlim_t most) {
  const struct rlimit limit = {most, most};
  if (setrlimit(which, &limit)) _exit(1);
}

static void enter_sandbox(const transfer *t) {
  uint16_t ports[SB_VIDEO_CAMERA_PORTS];
  if (!t->film.live) {
    sb_sandbox_enter_decoder();
    return;
  }
  sb_video_camera_ports(&t->camera, ports);
  sb_sandbox_enter_camera(ports);
}

static void limit_process(const transfer *t, bool sandbox) {
  pthread_t watcher;
  if (!SANITIZED) set_limit(RLIMIT_AS, MEMORY_BYTES); /* the sanitizers map terabytes */
  if (!t->film.live) set_limit(RLIMIT_CPU, PROCESSOR_SECONDS);
  if (sandbox) enter_sandbox(t);
  if (pthread_create(&watcher, NULL, watch_parent, NULL)) _exit(1);
}

static sb_video_failure open_source(transfer *t, uint32_t *width, uint32_t *height) {
  return t->film.live ? sb_video_camera_connect(&t->camera, &t->film, width, height)
                      : sb_video_film_open(&t->film, width, height);
}

static sb_video_failure run(transfer *t, char **argv, uint32_t *width, uint32_t *height) {
  bool camera = strcmp(argv[4], "film") != 0;
  sb_video_failure failure = camera ? find_camera(t, !strcmp(argv[4], "camera-udp")) : 0;
  if (failure) return failure;
  limit_process(t, !strcmp(argv[3], "sandbox"));
  failure = open_source(t, width, height);
  if (failure) return failure;
  skip_pictures(t, atoi(argv[1]), !strcmp(argv[2], "keyframes"));
  const sb_video_message m = sb_video_film_describe(&t->film);
  say(&m);
  return camera ? decode_camera(t) : decode_film(t);
}

int main(int argc, char **argv) {
  static transfer t = {.handed_ms = -1};
  struct stat memory;
  uint32_t width = 0, height = 0;
  if (argc == 2 && !strcmp(argv[1], "launcher")) return sb_video_launcher_run();
  int rate = argc == 5 ? atoi(argv[1]) : 0;
  bool fits = rate >= 1 && rate <= 1000 && !fstat(SB_VIDEO_MEMORY, &memory) && S_ISREG(memory.st_mode);
  void *mapped =
      !fits ? MAP_FAILED : mmap(NULL, (size_t)memory.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, SB_VIDEO_MEMORY, 0);
  if (mapped == MAP_FAILED) return fputs("semblance-video: semblance starts this program\n", stderr), 2;
  t.slots = mapped;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0);
  set_limit(RLIMIT_CORE, 0);
  av_log_set_level(AV_LOG_QUIET);
  sb_video_failure failure = run(&t, argv, &width, &height);
  if (failure) {
    say_failure(failure, width, height);
  } else {
    const sb_video_message m = state_of(&t, SB_VIDEO_END);
    say(&m);
  }
  sb_video_converter_clear(&t.converter);
  sb_video_film_close(&t.film);
  fflush(NULL);
  _exit(0); /* without the watcher's thread */
}
