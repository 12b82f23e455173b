#include "http/api/camera_json.h"

#include "json/results.h"
#include "json/write.h"

json_t *sb_http_camera_cause_json(const char *problem) {
  const char *cause = *problem ? sb_video_camera_cause(problem) : NULL;
  return *problem ? json_string(cause ? cause : "other") : json_null();
}

static json_t *text_or_null(const char *text) {
  return text && *text ? json_string(text) : json_null();
}

json_t *sb_http_camera_json(const sb_engine_camera *camera) {
  char shown[SB_VIDEO_SHOWN_SIZE];
  sb_camera_shown_address(camera, shown);
  return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:i,s:o,s:o,s:i,s:o}", "name", camera->name, "address", shown,
                   "transport", camera->udp ? "udp" : "tcp", "collection", camera->collection, "purpose",
                   camera->purpose, "masks", text_or_null(camera->masks), "watch", text_or_null(camera->watch),
                   "smallest_face", camera->smallest_face, "hours", text_or_null(camera->hours), "watchlist",
                   text_or_null(camera->watchlist), "rate", camera->rate, "added", sb_json_time(camera->created_ms));
}

json_t *sb_http_camera_state_json(const sb_camera_state *state) {
  return json_pack("{s:s,s:o,s:o,s:o,s:i,s:i,s:o,s:I,s:I,s:I,s:I,s:I,s:o}", "phase", sb_camera_phase_name(state->phase),
                   "since", sb_json_time(state->since_ms), "problem", text_or_null(state->problem), "cause",
                   sb_http_camera_cause_json(state->problem), "width", state->info.width, "height", state->info.height,
                   "codec", text_or_null(state->info.codec), "read", (json_int_t)state->read, "dropped",
                   (json_int_t)state->dropped, "still", (json_int_t)state->still, "analysed",
                   (json_int_t)state->analysed, "events", (json_int_t)state->events, "lag_ms",
                   json_real(state->lag_ms));
}
