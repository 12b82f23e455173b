/* Opening a film: its container by its content, its pictures, their decoder. Nothing but the open file is read: a
 * playlist that names other files or addresses gets none of them. */
#include "video/decoder_film.h"

#include "video/decoder_picture.h"

#include <libavutil/display.h>
#include <libavutil/imgutils.h>

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  BUFFER_BYTES = 64 << 10,
  PROBE_BYTES = 8 << 20,
  STREAMS_MAX = 64,
  THREADS_MAX = 4,
};

/* ---- Reading the open file */

static int read_film(void *opaque, uint8_t *buffer, int size) {
  (void)opaque;
  ssize_t got = read(SB_VIDEO_FILM, buffer, (size_t)size);
  return got > 0 ? (int)got : got == 0 ? AVERROR_EOF : AVERROR(errno);
}

static int64_t seek_film(void *opaque, int64_t offset, int whence) {
  (void)opaque;
  struct stat about;
  if (whence == AVSEEK_SIZE) return fstat(SB_VIDEO_FILM, &about) ? AVERROR(errno) : (int64_t)about.st_size;
  off_t at = lseek(SB_VIDEO_FILM, offset, whence & ~AVSEEK_FORCE);
  return at < 0 ? AVERROR(errno) : (int64_t)at;
}

/* For containers that name other files. */
static int refuse_to_open(AVFormatContext *container, AVIOContext **io, const char *url, int flags,
                          AVDictionary **options) {
  (void)container, (void)io, (void)url, (void)flags, (void)options;
  return AVERROR(EACCES);
}

/* ---- The container */

static bool is_one_of(const char *name, const char *const *names) {
  while (*names && strcmp(name, *names) != 0) names++;
  return *names;
}

/* What FFmpeg sees in text, or in a photo, is for the parent to judge; a playlist only names other files. */
static sb_video_failure check_format(const AVInputFormat *format) {
  static const char *const texts[] = {"tty", "bin", "xbin", "adf", "idf", "image2", "txd", "mm", NULL};
  static const char *const playlists[] = {"hls", "dash", "concat", "imf", "sdp", "rtsp", "webm_dash_manifest", NULL};
  if (is_one_of(format->name, texts) || strstr(format->name, "_pipe")) return SB_VIDEO_NOT_A_FILM;
  return is_one_of(format->name, playlists) ? SB_VIDEO_PLAYLIST : 0;
}

static sb_video_failure open_container(sb_video_film *film) {
  const AVInputFormat *format = NULL;
  uint8_t *buffer = av_malloc(BUFFER_BYTES);
  film->io = buffer ? avio_alloc_context(buffer, BUFFER_BYTES, 0, NULL, read_film, NULL, seek_film) : NULL;
  film->container = avformat_alloc_context();
  if (!film->io || !film->container) return SB_VIDEO_NO_MEMORY;
  int score = av_probe_input_buffer2(film->io, &format, "", NULL, 0, PROBE_BYTES);
  if (score <= AVPROBE_SCORE_RETRY) return SB_VIDEO_NOT_A_FILM;
  sb_video_failure failure = check_format(format);
  if (failure) return failure;
  film->container->pb = film->io;
  film->container->io_open = refuse_to_open;
  film->container->max_streams = STREAMS_MAX;
  film->container->probesize = PROBE_BYTES;
  film->container->flags |= AVFMT_FLAG_CUSTOM_IO;
  int failed = avformat_open_input(&film->container, "", format, NULL);
  if (!failed) failed = avformat_find_stream_info(film->container, NULL);
  return !failed || failed > 0 ? 0 : failed == AVERROR(ENOMEM) ? SB_VIDEO_NO_MEMORY : SB_VIDEO_DAMAGED;
}

/* ---- The pictures */

static const int32_t *display_matrix(const AVStream *stream) {
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
  const AVPacketSideData *side = av_packet_side_data_get(
      stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  return side && side->size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)side->data : NULL;
#else
  size_t size = 0;
  const uint8_t *matrix = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  return matrix && size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)matrix : NULL;
#endif
}

/* A telephone that was held upright films on its side and says so. */
static int quarter_turns(const AVStream *stream) {
  const int32_t *matrix = display_matrix(stream);
  double angle = matrix ? av_display_rotation_get(matrix) : 0; /* counterclockwise, degrees */
  if (isnan(angle)) return 0;
  return (((int)lround(-angle / 90) % 4) + 4) % 4;
}

static int thread_count(void) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  return cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (int)cores;
}

static sb_video_failure open_codec(sb_video_film *film) {
  const AVCodecParameters *about = film->stream->codecpar;
  const AVCodec *codec = avcodec_find_decoder(about->codec_id);
  if (!codec) return SB_VIDEO_UNKNOWN_CODEC;
  film->codec = avcodec_alloc_context3(codec);
  if (!film->codec || avcodec_parameters_to_context(film->codec, about) < 0) return SB_VIDEO_NO_MEMORY;
  film->codec->pkt_timebase = film->stream->time_base;
  film->codec->thread_count = thread_count();
  if (film->live) film->codec->thread_type = FF_THREAD_SLICE;
  film->codec->max_pixels = SB_VIDEO_FILM_PIXELS_MAX;
  int failed = avcodec_open2(film->codec, codec, NULL);
  return !failed ? 0 : failed == AVERROR(ENOMEM) ? SB_VIDEO_NO_MEMORY : SB_VIDEO_DAMAGED;
}

static sb_video_failure choose_stream(sb_video_film *film) {
  int best = av_find_best_stream(film->container, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
  if (best < 0) return film->container->nb_streams ? SB_VIDEO_NO_PICTURES : SB_VIDEO_DAMAGED;
  film->stream = film->container->streams[best];
  if (film->stream->disposition & AV_DISPOSITION_ATTACHED_PIC) return SB_VIDEO_NO_PICTURES; /* the cover of a record */
  for (unsigned i = 0; i < film->container->nb_streams; i++)
    if ((int)i != best) film->container->streams[i]->discard = AVDISCARD_ALL;
  film->turns = quarter_turns(film->stream);
  film->start = film->stream->start_time == AV_NOPTS_VALUE ? 0 : film->stream->start_time;
  return 0;
}

static sb_video_failure check_size(const sb_video_film *film, uint32_t *width, uint32_t *height) {
  const AVCodecParameters *about = film->stream->codecpar;
  if (about->width <= 0 || about->height <= 0) return SB_VIDEO_DAMAGED;
  *width = (uint32_t)about->width;
  *height = (uint32_t)about->height;
  return (int64_t)about->width * about->height > SB_VIDEO_FILM_PIXELS_MAX ? SB_VIDEO_TOO_LARGE : 0;
}

sb_video_failure sb_video_film_choose(sb_video_film *film, uint32_t *width, uint32_t *height) {
  sb_video_failure failure = choose_stream(film);
  if (!failure) failure = check_size(film, width, height);
  return failure ? failure : open_codec(film);
}

sb_video_failure sb_video_film_open(sb_video_film *film, uint32_t *width, uint32_t *height) {
  sb_video_failure failure = open_container(film);
  return failure ? failure : sb_video_film_choose(film, width, height);
}

sb_video_message sb_video_film_describe(const sb_video_film *film) {
  const AVCodecParameters *about = film->stream->codecpar;
  const AVRational rate = film->stream->avg_frame_rate;
  sb_video_sizes sizes = {0};
  int64_t duration = film->container->duration;
  sb_video_sizes_of(about->width, about->height, about->sample_aspect_ratio, film->turns, &sizes);
  double pictures = rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;
  sb_video_message m = {.kind = SB_VIDEO_INFO,
                        .width = (uint32_t)sizes.source_width,
                        .height = (uint32_t)sizes.source_height,
                        .time_ms = duration > 0 ? duration / (AV_TIME_BASE / 1000) : -1,
                        .decoded = pictures <= 1000 ? (uint64_t)(pictures * 1000) : 0};
  strncpy(m.codec, avcodec_get_name(about->codec_id), sizeof m.codec - 1);
  return m;
}

void sb_video_film_close(sb_video_film *film) {
  avcodec_free_context(&film->codec);
  avformat_close_input(&film->container);
  if (film->io) av_freep(&film->io->buffer);
  avio_context_free(&film->io);
}
