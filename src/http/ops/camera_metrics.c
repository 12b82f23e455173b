#include "http/ops/camera_metrics.h"
#include "camera/camera.h"

#include <stdlib.h>

typedef struct counter {
  const char *name, *help;
  size_t offset; /* of a uint64_t in sb_camera_state */
} counter;

static const counter counters[] = {
    {"semblance_camera_read_total", "Pictures of a camera that were decoded.", offsetof(sb_camera_state, read)},
    {"semblance_camera_dropped_total",
     "Decoded pictures that were not taken: more a second than are wanted, or older than one that had come.",
     offsetof(sb_camera_state, dropped)},
    {"semblance_camera_still_total", "Pictures that were taken and passed over because nothing moved.",
     offsetof(sb_camera_state, still)},
    {"semblance_camera_analysed_total", "Pictures that were taken and searched for faces.",
     offsetof(sb_camera_state, analysed)},
    {"semblance_camera_events_total", "Events of a camera that were added.", offsetof(sb_camera_state, events)},
};

/* The samples of one metric stand together, as the format wants it. A camera's name needs no escapes. */
static void write_counter(const counter *c, const sb_camera_watched *cameras, size_t count, sb_http_prometheus *out) {
  sb_http_prometheus_metric(out, c->name, "counter", c->help);
  for (size_t i = 0; i < count; i++) {
    const uint64_t *value = (const void *)((const char *)&cameras[i].state + c->offset);
    sb_http_prometheus_add(out, "%s{camera=\"%s\"} %llu\n", c->name, cameras[i].name, (unsigned long long)*value);
  }
}

static void write_states(const sb_camera_watched *cameras, size_t count, sb_http_prometheus *out) {
  sb_http_prometheus_metric(out, "semblance_camera_state", "gauge", "1 for the state that a camera is in.");
  for (size_t i = 0; i < count; i++)
    for (int phase = 0; phase < SB_CAMERA_PHASES; phase++)
      sb_http_prometheus_add(out, "semblance_camera_state{camera=\"%s\",state=\"%s\"} %d\n", cameras[i].name,
                             sb_camera_phase_name((sb_camera_phase)phase),
                             cameras[i].state.phase == (sb_camera_phase)phase);
}

static void write_lag(const sb_camera_watched *cameras, size_t count, sb_http_prometheus *out) {
  sb_http_prometheus_metric(out, "semblance_camera_lag_seconds", "gauge",
                            "How long the search of a camera's last picture took, from its arrival.");
  for (size_t i = 0; i < count; i++)
    sb_http_prometheus_add(out, "semblance_camera_lag_seconds{camera=\"%s\"} %.4f\n", cameras[i].name,
                           cameras[i].state.lag_ms / 1000);
}

void sb_http_camera_metrics_write(const sb_http_context *context, sb_http_prometheus *out) {
  const size_t most = sb_engine_cameras_most();
  sb_camera_watched *cameras = sb_alloc(most, sizeof *cameras, &out->error);
  if (!cameras) return;
  size_t count = context->cameras ? sb_camera_watcher_states(context->cameras, cameras, most) : 0;
  write_states(cameras, count, out);
  for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) write_counter(&counters[i], cameras, count, out);
  write_lag(cameras, count, out);
  free(cameras);
}
