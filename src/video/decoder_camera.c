/* Connecting to a camera: RTSP, RTSPS, or over HTTP(S) a multipart stream of JPEGs, MPEG-TS, fragments, or HLS. What
 * its streams and playlists may name is limited to the protocols of `protocols` and to the addresses of
 * decoder_network.h; no file is ever opened. */
#include "video/decoder_camera.h"

#include "base/base.h"
#include "video/decoder_network.h"

#include <libavutil/opt.h>

enum {
  CONNECT_MS = 15 * 1000,
  SILENCE_MS = 10 * 1000,
  PROBE_BYTES = 1 << 20,
  PROBE_US = 2 * 1000 * 1000, /* of the stream, to learn what is in it */
  PORT_HTTP = 80,
  PORT_HTTPS = 443,
  PORT_DNS = 53,
};

static bool is_http(const sb_video_camera *camera) {
  return camera->parsed.scheme == SB_VIDEO_HTTP || camera->parsed.scheme == SB_VIDEO_HTTPS;
}

sb_video_failure sb_video_camera_find(sb_video_camera *camera) {
  if (sb_video_address_parse(camera->address, &camera->parsed, NULL) != SB_OK) return SB_VIDEO_UNREACHABLE;
  return sb_video_network_own(camera->parsed.host, camera->parsed.port) ? 0 : SB_VIDEO_UNREACHABLE;
}

void sb_video_camera_ports(const sb_video_camera *camera, uint16_t ports[SB_VIDEO_CAMERA_PORTS]) {
  size_t count = 0;
  ports[count++] = camera->parsed.port;
  ports[count++] = PORT_DNS;
  if (is_http(camera)) { /* a playlist may name other servers */
    ports[count++] = PORT_HTTP;
    ports[count++] = PORT_HTTPS;
  }
  ports[count] = 0;
}

void sb_video_camera_patience(sb_video_camera *camera) {
  camera->give_up_ms = sb_monotonic_ms() + SILENCE_MS;
}

static int interrupt(void *context) {
  sb_video_camera *camera = context;
  camera->waits(camera->context);
  return sb_video_network_refused() || sb_monotonic_ms() > camera->give_up_ms;
}

sb_video_failure sb_video_camera_failure(const sb_video_camera *camera, int error) {
  if (sb_video_network_refused()) return SB_VIDEO_INWARD;
  if (error == AVERROR_HTTP_UNAUTHORIZED || error == AVERROR_HTTP_FORBIDDEN) return SB_VIDEO_LOGIN;
  if (error == AVERROR_HTTP_NOT_FOUND || error == AVERROR_HTTP_BAD_REQUEST || error == AVERROR_HTTP_OTHER_4XX ||
      error == AVERROR_HTTP_SERVER_ERROR)
    return SB_VIDEO_ABSENT;
  if (error == AVERROR(ENOMEM)) return SB_VIDEO_NO_MEMORY;
  if (error == AVERROR_INVALIDDATA) return SB_VIDEO_BAD_PICTURES;
  if (error == AVERROR_EXIT || error == AVERROR(ETIMEDOUT)) return SB_VIDEO_SILENT;
  return sb_monotonic_ms() > camera->give_up_ms ? SB_VIDEO_SILENT : SB_VIDEO_LOST;
}

/* Failing to connect at all is another matter than being lost. */
static sb_video_failure connect_failure(const sb_video_camera *camera, int error) {
  sb_video_failure failure = sb_video_camera_failure(camera, error);
  return failure == SB_VIDEO_LOST ? SB_VIDEO_UNREACHABLE : failure;
}

static AVDictionary *options_of(const sb_video_camera *camera) {
  static const char *const protocols[] = {[SB_VIDEO_RTSP] = "rtsp,rtp,udp,tcp",
                                          [SB_VIDEO_RTSPS] = "rtsp,rtsps,tls,tcp",
                                          [SB_VIDEO_HTTP] = "http,https,tls,tcp,crypto",
                                          [SB_VIDEO_HTTPS] = "http,https,tls,tcp,crypto"};
  AVDictionary *options = NULL;
  av_dict_set(&options, "protocol_whitelist", protocols[camera->parsed.scheme], 0);
  av_dict_set(&options, "format_whitelist", "rtsp,hls,mpjpeg,mjpeg,mpegts,mov,flv,matroska", 0);
  av_dict_set_int(&options, "timeout", (int64_t)SILENCE_MS * 1000, 0);
  av_dict_set_int(&options, "analyzeduration", PROBE_US, 0);
  av_dict_set_int(&options, "probesize", PROBE_BYTES, 0);
  av_dict_set_int(&options, "max_streams", 16, 0);
  av_dict_set(&options, "fflags", "discardcorrupt", 0);
  if (is_http(camera)) {
    av_dict_set_int(&options, "rw_timeout", (int64_t)SILENCE_MS * 1000, 0);
    return options;
  }
  av_dict_set(&options, "rtsp_transport", camera->udp ? "udp" : "tcp", 0);
  av_dict_set(&options, "allowed_media_types", "video", 0);
  return options;
}

sb_video_failure sb_video_camera_connect(sb_video_camera *camera, sb_video_film *film, uint32_t *width,
                                         uint32_t *height) {
  film->container = avformat_alloc_context();
  if (!film->container) return SB_VIDEO_NO_MEMORY;
  camera->give_up_ms = sb_monotonic_ms() + CONNECT_MS;
  film->container->interrupt_callback = (AVIOInterruptCB){interrupt, camera};
  AVDictionary *options = options_of(camera);
  int failed = avformat_open_input(&film->container, camera->address, NULL, &options);
  av_dict_free(&options);
  if (failed) return connect_failure(camera, failed);
  failed = avformat_find_stream_info(film->container, NULL);
  if (failed < 0) return connect_failure(camera, failed);
  sb_video_failure failure = sb_video_film_choose(film, width, height);
  if (failure) return failure == SB_VIDEO_DAMAGED ? SB_VIDEO_BAD_PICTURES : failure;
  film->codec->flags |= AV_CODEC_FLAG_LOW_DELAY;
  return 0;
}
