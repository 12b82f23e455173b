/* semblance-video: decodes one film for the process that started it (protocol.h). Users do not run it.
 *
 * usage: semblance-video RATE keyframes|- sandbox|-
 *
 * Whoever made the film may take this process over. So it limits itself before it reads the film: its memory, its
 * processor time, and in the sandbox every way to open a file or a socket, to start a program and to reach another
 * process. */
#include "base/base.h"
#include "sandbox/sandbox.h"
#include "video/decoder_film.h"
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
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static const rlim_t MEMORY_BYTES = (rlim_t)2 << 30; /* of addresses; libraries and stacks are a fifth of it */
enum { PROCESSOR_SECONDS = 24 * 3600, PROGRESS_MS = 1000 };

/* A film on its way to the parent. */
typedef struct transfer {
  sb_video_film film;
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

/* A free slot; waits for the parent where there is none. */
static int free_slot(transfer *t) {
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

static sb_video_failure decode_all(transfer *t) {
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
  t->film.codec->skip_frame = keyframes ? AVDISCARD_NONKEY : every > 4 * rate ? AVDISCARD_NONREF : AVDISCARD_DEFAULT;
}

/* ---- The process */

static void set_limit(int which, rlim_t most) {
  const struct rlimit limit = {most, most};
  if (setrlimit(which, &limit)) _exit(1);
}

static void limit_process(bool sandbox) {
  pthread_t watcher;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0);
  set_limit(RLIMIT_CORE, 0);
  set_limit(RLIMIT_CPU, PROCESSOR_SECONDS);
  if (!SANITIZED) set_limit(RLIMIT_AS, MEMORY_BYTES); /* the sanitizers map terabytes */
  av_log_set_level(AV_LOG_QUIET);
  if (sandbox) sb_sandbox_enter_decoder();
  if (pthread_create(&watcher, NULL, watch_parent, NULL)) _exit(1);
}

int main(int argc, char **argv) {
  static transfer t = {.handed_ms = -1};
  uint32_t width = 0, height = 0;
  int rate = argc == 4 ? atoi(argv[1]) : 0;
  if (rate < 1 || rate > 1000) return fputs("semblance-video: semblance starts this program\n", stderr), 2;
  void *mapped = mmap(NULL, SB_VIDEO_MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, SB_VIDEO_MEMORY, 0);
  if (mapped == MAP_FAILED) return fputs("semblance-video: semblance starts this program\n", stderr), 2;
  t.slots = mapped;
  limit_process(!strcmp(argv[3], "sandbox"));
  sb_video_failure failure = sb_video_film_open(&t.film, &width, &height);
  if (!failure) {
    skip_pictures(&t, rate, !strcmp(argv[2], "keyframes"));
    const sb_video_message m = sb_video_film_describe(&t.film);
    say(&m);
    failure = decode_all(&t);
  }
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
