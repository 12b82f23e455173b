/* Counters by route and class of status, latency histograms, and one row for each minute of the last hour.
 *
 * Counting takes no lock but that of the minutes: the counters are atomic and only grow, as Prometheus wants them. A
 * scrape reads them one by one, so sum and buckets of a histogram may be a request apart; the next scrape has both.
 *
 * The minutes are a ring: minute m since the start is row m % 60. A row says which minute it holds, so that a row of an
 * earlier hour is recognised and reused by the first request of the new minute, and a minute without requests needs no
 * work. A quantile is the upper bound of the bucket in which it lies. */
#include "http/ops/metrics.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Upper bounds of the buckets in milliseconds, a factor of 1.5 to 2 apart, finest where answers to photos lie. */
static const double bounds_ms[] = {0.5, 1, 2, 5, 10, 15, 20, 30, 40, 60, 80, 120, 200, 400, 1000, 3000, 10000};
enum { BOUNDS = sizeof bounds_ms / sizeof *bounds_ms, BUCKETS = BOUNDS + 1, CLASSES = 5 };

/* Row 0 counts what has no route: files of the page, unknown addresses. */
typedef struct route_count {
  atomic_size_t by_class[CLASSES]; /* 1xx ... 5xx */
  atomic_size_t buckets[BUCKETS];
  atomic_size_t sum_us;
} route_count;

typedef struct minute_count {
  int64_t minute; /* since the start; rows older than an hour are reused */
  size_t requests, searches, errors;
  uint32_t buckets[BUCKETS];
} minute_count;

struct sb_http_metrics {
  double started_ms;
  const sb_http_route *table;
  size_t table_count;
  route_count routes[SB_HTTP_ROUTES_MAX + 1]; /* row i + 1: table[i] */
  atomic_size_t slow, stage_us[SB_TIMED_COUNT], stage_runs[SB_TIMED_COUNT];
  pthread_mutex_t lock; /* guards the minutes */
  minute_count minutes[SB_HTTP_METRICS_MINUTES];
};

sb_status sb_http_metrics_new(const sb_http_route *routes, size_t count, sb_http_metrics **out, sb_error *error) {
  sb_http_metrics *metrics = sb_alloc(1, sizeof *metrics, error);
  if (!metrics) return SB_NO_MEMORY;
  metrics->started_ms = sb_monotonic_ms();
  metrics->table = routes;
  metrics->table_count = count;
  pthread_mutex_init(&metrics->lock, NULL);
  *out = metrics;
  return SB_OK;
}

void sb_http_metrics_free(sb_http_metrics *metrics) {
  if (!metrics) return;
  pthread_mutex_destroy(&metrics->lock);
  free(metrics);
}

double sb_http_metrics_uptime_s(const sb_http_metrics *metrics) {
  return (sb_monotonic_ms() - metrics->started_ms) / 1000;
}

static size_t bucket_of(double ms) {
  size_t i = 0;
  while (i < BOUNDS && ms > bounds_ms[i]) i++;
  return i;
}

static int64_t minute_now(const sb_http_metrics *metrics) {
  return (int64_t)(sb_http_metrics_uptime_s(metrics) / 60);
}

static void count_minute(sb_http_metrics *metrics, const sb_http_request *request, double ms) {
  int64_t now = minute_now(metrics);
  pthread_mutex_lock(&metrics->lock);
  minute_count *m = &metrics->minutes[now % SB_HTTP_METRICS_MINUTES];
  if (m->minute != now) *m = (minute_count){.minute = now};
  m->requests++;
  m->errors += request->reply.status >= 500 && request->reply.status != 503; /* 503: busy, or loading */
  bool photo = sb_http_route_has(request->route, SB_HTTP_ROUTE_LARGE);
  if (photo && request->reply.status < 400) {
    m->searches += strstr(request->route->pattern, "search") || strstr(request->route->pattern, "recognize") ||
                   !strcmp(request->route->pattern, "/api/verify");
    m->buckets[bucket_of(ms)]++;
  }
  pthread_mutex_unlock(&metrics->lock);
}

void sb_http_metrics_count_frame(sb_http_metrics *metrics, double ms) {
  int64_t now = minute_now(metrics);
  pthread_mutex_lock(&metrics->lock);
  minute_count *m = &metrics->minutes[now % SB_HTTP_METRICS_MINUTES];
  if (m->minute != now) *m = (minute_count){.minute = now};
  m->searches++;
  m->buckets[bucket_of(ms)]++;
  pthread_mutex_unlock(&metrics->lock);
}

static void count_stages(sb_http_metrics *metrics, const sb_stage_times *stages) {
  for (int i = 0; i < SB_TIMED_COUNT; i++)
    if (stages->ms[i] > 0) {
      atomic_fetch_add(&metrics->stage_us[i], (size_t)(stages->ms[i] * 1000));
      atomic_fetch_add(&metrics->stage_runs[i], 1);
    }
}

void sb_http_metrics_count(sb_http_metrics *metrics, const sb_http_request *request, const sb_http_times *times,
                           bool slow) {
  bool stream = sb_http_route_has(request->route, SB_HTTP_ROUTE_STREAM);
  double ms = stream ? 0 : times->total_ms; /* how long a stream lasted is up to the client */
  size_t row = request->route ? (size_t)(request->route - metrics->table) + 1 : 0, kind = request->reply.status / 100;
  route_count *r = &metrics->routes[row];
  if (kind >= 1 && kind <= CLASSES) atomic_fetch_add(&r->by_class[kind - 1], 1);
  atomic_fetch_add(&r->buckets[bucket_of(ms)], 1);
  atomic_fetch_add(&r->sum_us, (size_t)(ms * 1000));
  atomic_fetch_add(&metrics->slow, slow);
  if (!stream) count_stages(metrics, &times->stages);
  count_minute(metrics, request, ms);
}

/* The upper bound of the bucket below which `share` of the answers lie. */
static double quantile(const uint32_t buckets[BUCKETS], double share) {
  size_t all = 0, seen = 0;
  for (size_t i = 0; i < BUCKETS; i++) all += buckets[i];
  if (!all) return 0;
  for (size_t i = 0; i < BOUNDS; i++) {
    seen += buckets[i];
    if ((double)seen >= share * (double)all) return bounds_ms[i];
  }
  return bounds_ms[BOUNDS - 1];
}

void sb_http_metrics_hour(sb_http_metrics *metrics, sb_http_metrics_minute out[SB_HTTP_METRICS_MINUTES]) {
  int64_t now = minute_now(metrics);
  pthread_mutex_lock(&metrics->lock);
  for (int64_t i = 0; i < SB_HTTP_METRICS_MINUTES; i++) {
    int64_t minute = now - (SB_HTTP_METRICS_MINUTES - 1) + i;
    out[i] = (sb_http_metrics_minute){0};
    if (minute < 0) continue;
    const minute_count *m = &metrics->minutes[minute % SB_HTTP_METRICS_MINUTES];
    if (m->minute == minute)
      out[i] = (sb_http_metrics_minute){m->requests, m->searches, m->errors, quantile(m->buckets, 0.5),
                                        quantile(m->buckets, 0.99)};
  }
  pthread_mutex_unlock(&metrics->lock);
}

static void write_histogram(const route_count *r, const sb_http_route *route, sb_http_prometheus *out) {
  size_t seen = 0;
  for (size_t i = 0; i < BUCKETS; i++) {
    char bound[16] = "+Inf";
    if (i < BOUNDS) snprintf(bound, sizeof bound, "%g", bounds_ms[i] / 1000);
    seen += atomic_load(&r->buckets[i]);
    sb_http_prometheus_add(out, "semblance_request_seconds_bucket{method=\"%s\",route=\"%s\",le=\"%s\"} %zu\n",
                           route->method, route->pattern, bound, seen);
  }
  sb_http_prometheus_add(out, "semblance_request_seconds_sum{method=\"%s\",route=\"%s\"} %.6f\n", route->method,
                         route->pattern, (double)atomic_load(&r->sum_us) / 1e6);
  sb_http_prometheus_add(out, "semblance_request_seconds_count{method=\"%s\",route=\"%s\"} %zu\n", route->method,
                         route->pattern, seen);
}

/* Routes without a request are left out: a hundred empty histograms would only be noise. */
static bool was_used(const route_count *r) {
  for (size_t i = 0; i < BUCKETS; i++)
    if (atomic_load(&r->buckets[i])) return true;
  return false;
}

static const sb_http_route *route_of(const sb_http_metrics *metrics, size_t row) {
  static const sb_http_route page = {.method = "", .pattern = "page"};
  return row ? &metrics->table[row - 1] : &page;
}

static void write_stages(sb_http_metrics *metrics, sb_http_prometheus *out) {
  sb_http_prometheus_metric(out, "semblance_slow_requests_total", "counter",
                            "Requests that took longer than --slow-ms.");
  sb_http_prometheus_add(out, "semblance_slow_requests_total %zu\n", atomic_load(&metrics->slow));
  sb_http_prometheus_metric(out, "semblance_stage_seconds_total", "counter", "Time of requests by stage.");
  for (int i = 0; i < SB_TIMED_COUNT; i++)
    sb_http_prometheus_add(out, "semblance_stage_seconds_total{stage=\"%s\"} %.6f\n", sb_timed_stage_names[i],
                           (double)atomic_load(&metrics->stage_us[i]) / 1e6);
  sb_http_prometheus_metric(out, "semblance_stage_requests_total", "counter", "Requests that went through a stage.");
  for (int i = 0; i < SB_TIMED_COUNT; i++)
    sb_http_prometheus_add(out, "semblance_stage_requests_total{stage=\"%s\"} %zu\n", sb_timed_stage_names[i],
                           atomic_load(&metrics->stage_runs[i]));
}

static void write_answers(const route_count *r, const sb_http_route *route, sb_http_prometheus *out) {
  for (int i = 0; i < CLASSES; i++) {
    size_t count = atomic_load(&r->by_class[i]);
    if (count)
      sb_http_prometheus_add(out, "semblance_requests_total{method=\"%s\",route=\"%s\",status=\"%dxx\"} %zu\n",
                             route->method, route->pattern, i + 1, count);
  }
}

void sb_http_metrics_write(sb_http_metrics *metrics, sb_http_prometheus *out) {
  sb_http_prometheus_metric(out, "semblance_requests_total", "counter", "Answers by route and class of status.");
  for (size_t row = 0; row <= metrics->table_count; row++)
    write_answers(&metrics->routes[row], route_of(metrics, row), out);
  sb_http_prometheus_metric(out, "semblance_request_seconds", "histogram",
                            "Time from a request's first line to its answer's last byte.");
  for (size_t row = 0; row <= metrics->table_count; row++)
    if (was_used(&metrics->routes[row])) write_histogram(&metrics->routes[row], route_of(metrics, row), out);
  write_stages(metrics, out);
}
