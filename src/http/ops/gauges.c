/* The gauges of /metrics. Names and help texts are read by monitoring: a renamed one breaks dashboards. */
#include "http/ops/gauges.h"
#include "http/core/live_sessions.h"
#include "http/ops/camera_metrics.h"
#include "http/ops/metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

size_t sb_http_resident_bytes(void) {
  unsigned long total = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  if (!file) return 0;
  if (fscanf(file, "%lu %lu", &total, &resident) != 2) resident = 0;
  fclose(file);
  return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* Entries of a folder; 0 where it cannot be read. */
static size_t entries_of(const char *path) {
  size_t count = 0;
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder && (entry = readdir(folder));) count += entry->d_name[0] != '.';
  if (folder) closedir(folder);
  return count;
}

/* Without the descriptor that counting them opens. */
static size_t open_files(void) {
  size_t count = entries_of("/proc/self/fd");
  return count ? count - 1 : 0;
}

static double files_limit(void) {
  struct rlimit files = {0};
  return getrlimit(RLIMIT_NOFILE, &files) ? 0 : (double)files.rlim_cur;
}

static double disk_free_bytes(const sb_engine *engine) {
  struct statvfs disk;
  return statvfs(sb_engine_data_dir(engine), &disk) ? 0 : (double)disk.f_bavail * (double)disk.f_frsize;
}

static double cpu_seconds(void) {
  struct rusage used = {0};
  getrusage(RUSAGE_SELF, &used);
  return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void write_gauge(sb_http_prometheus *out, const char *name, const char *help, double value) {
  sb_http_prometheus_metric(out, name, "gauge", help);
  sb_http_prometheus_add(out, "%s %.10g\n", name, value);
}

typedef struct gauge {
  const char *name, *help;
  double value;
} gauge;

static void write_gauges(sb_http_prometheus *out, const gauge *gauges, size_t count) {
  for (size_t i = 0; i < count; i++) write_gauge(out, gauges[i].name, gauges[i].help, gauges[i].value);
}

static void write_process(sb_http_prometheus *out, double uptime_s) {
  const gauge gauges[] = {
      {"process_resident_memory_bytes", "Memory of the process.", (double)sb_http_resident_bytes()},
      {"process_open_fds", "Open file descriptors.", (double)open_files()},
      {"process_max_fds", "File descriptors that may be open.", files_limit()},
      {"process_threads", "Threads of the process.", (double)entries_of("/proc/self/task")},
      {"process_start_time_seconds", "When the process started, Unix time.", (double)sb_now_ms() / 1000 - uptime_s},
  };
  write_gauges(out, gauges, sizeof gauges / sizeof *gauges);
  sb_http_prometheus_metric(out, "semblance_build_info", "gauge", "Version of the program.");
  sb_http_prometheus_add(out, "semblance_build_info{version=\"%s\"} 1\n", sb_version());
  sb_http_prometheus_metric(out, "process_cpu_seconds_total", "counter", "Processor time of the process.");
  sb_http_prometheus_add(out, "process_cpu_seconds_total %.2f\n", cpu_seconds());
}

static void write_model_times(sb_http_prometheus *out, const sb_engine_counts *counts) {
  sb_http_prometheus_metric(out, "semblance_model_seconds_total", "counter",
                            "Time that models ran, by kind, all workers together.");
  for (int i = 0; i < SB_MODEL_KINDS; i++)
    sb_http_prometheus_add(out, "semblance_model_seconds_total{model=\"%s\"} %.6f\n", counts->models[i].kind,
                           counts->models[i].seconds);
  sb_http_prometheus_metric(out, "semblance_model_runs_total", "counter", "Runs of models, by kind.");
  for (int i = 0; i < SB_MODEL_KINDS; i++)
    sb_http_prometheus_add(out, "semblance_model_runs_total{model=\"%s\"} %zu\n", counts->models[i].kind,
                           counts->models[i].runs);
}

static void write_hnsw(sb_http_prometheus *out, const sb_engine_counts *counts) {
  if (!counts->hnsw) return;
  write_gauge(out, "semblance_hnsw_collections", "Collections that are searched by an HNSW index.",
              (double)counts->hnsw_collections);
  write_gauge(out, "semblance_hnsw_recall",
              "Share of the true ten nearest that the worst of them found when it was measured. -1: not measured.",
              counts->hnsw_recall);
}

static void write_replica(sb_http_prometheus *out, const sb_engine_counts *counts) {
  if (!counts->replica) return;
  write_gauge(out, "semblance_replica_up", "1 while the replica of the database is used.", counts->replica_up);
  sb_http_prometheus_metric(out, "semblance_replica_reads_total", "counter",
                            "Searches and first reads that the replica answered.");
  sb_http_prometheus_add(out, "semblance_replica_reads_total %zu\n", counts->replica_reads);
  sb_http_prometheus_metric(out, "semblance_replica_passed_total", "counter",
                            "Those that the database answered because the replica was behind, away or had failed.");
  sb_http_prometheus_add(out, "semblance_replica_passed_total %zu\n", counts->replica_passed);
}

/* Without an answer of the database its gauges are -1; the others matter most in just that moment. */
static void write_gallery(sb_http_prometheus *out, sb_engine *engine, const sb_engine_counts *counts) {
  sb_engine_info info = {0};
  bool known = sb_engine_info_get(engine, &info, NULL) == SB_OK;
  const gauge gauges[] = {
      {"semblance_people", "People in all collections. -1: the database does not answer.",
       known ? (double)info.people : -1},
      {"semblance_faces", "Templates in all collections. -1: the database does not answer.",
       known ? (double)info.faces : -1},
      {"semblance_workers", "Photos that can be processed at the same time.", known ? info.workers : -1},
      {"semblance_index_bytes", "Memory of the search indexes.", (double)counts->index_bytes},
      {"semblance_index_age_seconds",
       "Time since the indexes last had all changes of the database; a search fetches them first. -1: not yet, "
       "or none.",
       counts->index_age_ms < 0 ? -1 : counts->index_age_ms / 1000},
      {"semblance_index_lag_changes", "Changes of the database that the indexes do not have yet. -1: not known now.",
       (double)counts->index_lag},
      {"semblance_index_followed_changes", "Changes that the indexes received after they were filled.",
       (double)counts->index_followed},
      {"semblance_disk_free_bytes", "Free space on the disk of the gallery's folder.", disk_free_bytes(engine)},
  };
  write_gauges(out, gauges, sizeof gauges / sizeof *gauges);
}

static void write_server(sb_http_prometheus *out, sb_http_context *context) {
  bool ready = sb_http_models_state(&context->models, NULL) == SB_STATE_READY;
  const gauge gauges[] = {
      {"semblance_up_seconds", "Time since the server started.", sb_http_metrics_uptime_s(context->metrics)},
      {"semblance_ready", "1 when models and gallery are loaded.", ready},
      {"semblance_live_channels", "Cameras that are connected.",
       (double)sb_http_live_sessions_count(context->live_sessions)},
      {"semblance_queue_waiting", "Requests that wait for a worker.",
       (double)sb_http_request_pool_waiting(context->pool)},
      {"semblance_requests_open", "Requests that have begun and are not answered yet.",
       (double)atomic_load(&context->load.open)},
      {"semblance_body_bytes", "Bytes of request bodies held in memory.",
       (double)atomic_load(&context->load.body_bytes)},
      {"semblance_certificate_ends_seconds", "When the server's certificate expires, Unix time. 0: no TLS.",
       (double)context->tls.ends_ms / 1000},
  };
  write_gauges(out, gauges, sizeof gauges / sizeof *gauges);
}

void sb_http_gauges_write(sb_http_context *context, sb_http_prometheus *out) {
  sb_engine_counts counts = {0};
  if (sb_engine_counts_get(context->engine, &counts, &out->error) != SB_OK) return;
  write_server(out, context);
  write_gallery(out, context->engine, &counts);
  write_hnsw(out, &counts);
  write_replica(out, &counts);
  write_process(out, sb_http_metrics_uptime_s(context->metrics));
  write_model_times(out, &counts);
  sb_http_camera_metrics_write(context, out);
}
