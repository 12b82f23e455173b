/* bench: measures the speed and recall of the search on this machine, with synthetic faces: single searches, batches,
 * a filter, a minimum score, and changes. Recall is measured against exact search. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/commands/bench/synthetic_faces.h"
#include "cli/wording.h"
#include "vector/vector.h"
#include "json/write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  K = 10,              /* candidates of a search */
  BATCH = 32,          /* searches in a batch */
  CHUNK = 8192,        /* rows added at a time */
  CHANGES = 1000,      /* rows added, then removed, one by one */
  MATES_AMONG = 100000 /* mates are of the first so many faces */
};

typedef struct options {
  size_t rows, dim, threads, probes, tau;
  bool exact;
} options;

static const sb_cli_option search_options[] = {
    {"--rows", "N", "faces", SB_CLI_FIELD(options, rows), .fallback = "100000", .minimum = 100,
     .limit = (size_t)1 << 31},
    {"--dim", "N", "dimensions", SB_CLI_FIELD(options, dim), .fallback = "512", .minimum = 1, .limit = SB_DIM_MAX},
    {"--threads", "N", "threads of one search", SB_CLI_FIELD(options, threads), .fallback = "1", .minimum = 1,
     .limit = 64},
    {"--exact", NULL, "exact searches instead of fast ones", SB_CLI_FIELD(options, exact)},
    {"--probes", "N", "searches; half are mates of faces, half strangers", SB_CLI_FIELD(options, probes),
     .fallback = "1000", .minimum = BATCH, .limit = 100000},
    {"--tau", "N", "how fast the weights of the dimensions fall; about 2 N carry nearly everything",
     SB_CLI_FIELD(options, tau), .fallback = "64", .minimum = 1},
    {NULL},
};

typedef struct bench {
  size_t rows, dim, threads, probes, tau; /* as the options say */
  bool exact;
  sb_cli_synthetic_faces *faces;
  sb_thread_team *team;
  sb_index *index;
  float *queries;      /* probes x dim: mates, then as many strangers */
  uint64_t *mate_keys; /* of each probe; UINT64_MAX for a stranger, which no face has */
  sb_hit *truth;       /* probes x K: what exact search finds */
  size_t *truth_found; /* how many, of each probe */
  double *times;       /* ms: of each probe, or of each change */
  double build_s, p50_ms, p99_ms, batch_qps, recall, insert_us, delete_us, filtered_ms, floor_ms;
  size_t mates_found;   /* probes whose first candidate is their mate */
  size_t mates_exact;   /* the same in exact search */
  sb_index_stats stats; /* before the changes, which leave free slots behind */
} bench;

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Sorts `times`. */
static double percentile(double *times, size_t n, double share) {
  qsort(times, n, sizeof *times, ascending);
  return times[(size_t)(share * (double)(n - 1))];
}

/* ---- Making the gallery
 *
 * Keys: the faces of the gallery are 0 to rows - 1; the strangers are identities from 2^40 on, and the rows that are
 * added and removed again from 2^41 on, so that none of them is in the gallery. */

/* Several threads make the vectors, each one every step-th. */
typedef struct stripe {
  const bench *b;
  uint64_t first;
  size_t count, step, offset;
  float *out;
} stripe;
static void *make_stripe(void *context) {
  stripe *s = context;
  for (size_t i = s->offset; i < s->count; i += s->step)
    sb_cli_synthetic_face(s->b->faces, s->first + i, s->out + i * s->b->dim);
  return NULL;
}

static void make_rows(const bench *b, uint64_t first, size_t count, float *out) {
  enum { THREADS_MAX = 16 };
  pthread_t threads[THREADS_MAX];
  stripe stripes[THREADS_MAX];
  int cores = sb_cpu_cores(), running = 0;
  size_t step = (size_t)(cores < THREADS_MAX ? cores : THREADS_MAX);
  for (size_t t = 0; t < step; t++) stripes[t] = (stripe){b, first, count, step, t, out};
  while (running + 1 < (int)step && !pthread_create(&threads[running], NULL, make_stripe, &stripes[running + 1]))
    running++;
  make_stripe(&stripes[0]);
  for (size_t t = (size_t)running + 1; t < step; t++)
    make_stripe(&stripes[t]); /* for threads that could not be started */
  for (int t = 0; t < running; t++) pthread_join(threads[t], NULL);
}

/* Fills the index, and measures the time that the index takes for it, without the making of the vectors. */
static sb_status build(bench *b, sb_error *error) {
  float *vectors = sb_alloc((size_t)CHUNK * b->dim, sizeof *vectors, error);
  uint64_t keys[CHUNK];
  double spent = 0;
  sb_status status = vectors ? SB_OK : SB_NO_MEMORY;
  sb_index_pause_training(b->index,
                          true); /* as when a gallery is loaded: training must not depend on how fast rows come */
  for (size_t first = 0; status == SB_OK && first < b->rows; first += CHUNK) {
    size_t count = b->rows - first < CHUNK ? b->rows - first : CHUNK;
    make_rows(b, first, count, vectors);
    for (size_t i = 0; i < count; i++) keys[i] = first + i;
    double start = sb_monotonic_ms();
    status = sb_index_put_many(b->index, count, keys, keys, vectors, NULL, error);
    spent += sb_monotonic_ms() - start;
  }
  double start = sb_monotonic_ms();
  sb_index_pause_training(b->index, false);
  sb_index_settle(b->index);
  b->build_s = (spent + sb_monotonic_ms() - start) / 1000;
  free(vectors);
  return status;
}

static sb_status make_probes(bench *b, sb_error *error) {
  size_t mates = b->probes / 2, among = b->rows < MATES_AMONG ? b->rows : MATES_AMONG;
  float face[SB_DIM_MAX];
  b->queries = sb_alloc(b->probes * b->dim, sizeof *b->queries, error);
  b->mate_keys = sb_alloc(b->probes, sizeof *b->mate_keys, error);
  b->truth = sb_alloc(b->probes * K, sizeof *b->truth, error);
  b->truth_found = sb_alloc(b->probes, sizeof *b->truth_found, error);
  b->times = sb_alloc(b->probes + CHANGES, sizeof *b->times, error);
  if (!b->queries || !b->mate_keys || !b->truth || !b->truth_found || !b->times) return SB_NO_MEMORY;
  for (size_t i = 0; i < b->probes; i++) {
    float *query = b->queries + i * b->dim;
    b->mate_keys[i] = i < mates ? (i * 7919) % among : UINT64_MAX;
    if (i < mates)
      sb_cli_synthetic_face(b->faces, b->mate_keys[i], face), sb_cli_synthetic_mate(b->faces, face, i, query);
    else
      sb_cli_synthetic_face(b->faces, ((uint64_t)1 << 40) + i, query);
  }
  return SB_OK;
}

/* ---- Measuring */

static sb_index_query query_of(const bench *b, size_t probe, size_t count) {
  return (sb_index_query){.struct_size = sizeof(sb_index_query),
                          .vectors = b->queries + probe * b->dim,
                          .count = count,
                          .k = K,
                          .mode = b->exact ? SB_SEARCH_EXACT : SB_SEARCH_FAST};
}

/* What exact search finds for each probe: recall is measured against it. */
static sb_status find_truth(bench *b, sb_error *error) {
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < b->probes; i++) {
    sb_index_query query = query_of(b, i, 1);
    query.mode = SB_SEARCH_EXACT;
    status = sb_index_search(b->index, &query, b->truth + i * K, &b->truth_found[i], error);
  }
  return status;
}

/* Times single searches; with `compare` also counts their recall and the mates found first. */
static sb_status run_singles(bench *b, const sb_index_query *like, bool compare, sb_error *error) {
  size_t right = 0, all = 0;
  for (size_t i = 0; i < b->probes; i++) {
    sb_hit hits[K];
    size_t found = 0;
    sb_index_query query = *like;
    query.vectors = b->queries + i * b->dim;
    double start = sb_monotonic_ms();
    sb_status status = sb_index_search(b->index, &query, hits, &found, error);
    b->times[i] = sb_monotonic_ms() - start;
    if (status != SB_OK) return status;
    if (!compare) continue;
    const sb_hit *truth = b->truth + i * K;
    for (size_t t = 0; t < b->truth_found[i]; t++) {
      size_t at = 0;
      while (at < found && hits[at].key != truth[t].key) at++;
      right += at < found;
      all++;
    }
    b->mates_found += found && hits[0].key == b->mate_keys[i];
    b->mates_exact += b->truth_found[i] && truth[0].key == b->mate_keys[i];
  }
  if (compare) b->recall = all ? (double)right / (double)all : 1;
  return SB_OK;
}

/* Searches in batches of BATCH: how many searches a second. */
static sb_status run_batches(bench *b, sb_error *error) {
  sb_hit hits[BATCH * K];
  size_t found[BATCH], asked = 0;
  double start = sb_monotonic_ms();
  for (size_t i = 0; i + BATCH <= b->probes; i += BATCH, asked += BATCH) {
    sb_index_query query = query_of(b, i, BATCH);
    sb_status status = sb_index_search(b->index, &query, hits, found, error);
    if (status != SB_OK) return status;
  }
  b->batch_qps = asked ? (double)asked * 1000 / (sb_monotonic_ms() - start) : 0;
  return SB_OK;
}

/* Adds CHANGES rows one by one and removes them again: the median time of each. */
static sb_status run_changes(bench *b, sb_error *error) {
  float *vectors = sb_alloc((size_t)CHANGES * b->dim, sizeof *vectors, error);
  if (!vectors) return SB_NO_MEMORY;
  make_rows(b, (uint64_t)1 << 41, CHANGES, vectors);
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < CHANGES; i++) {
    uint64_t key = ((uint64_t)1 << 41) + i;
    double start = sb_monotonic_ms();
    status = sb_index_put(b->index, key, key, vectors + i * b->dim, error);
    b->times[i] = sb_monotonic_ms() - start;
  }
  b->insert_us = percentile(b->times, CHANGES, 0.5) * 1000;
  for (size_t i = 0; status == SB_OK && i < CHANGES; i++) {
    double start = sb_monotonic_ms();
    sb_index_remove(b->index, ((uint64_t)1 << 41) + i);
    b->times[i] = sb_monotonic_ms() - start;
  }
  b->delete_us = percentile(b->times, CHANGES, 0.5) * 1000;
  free(vectors);
  return status;
}

/* Searches with a filter that allows one row in a hundred; then with a minimum score of 0.4. */
static sb_status run_restricted(bench *b, sb_error *error) {
  size_t count = b->rows / 100;
  uint64_t *keys = sb_alloc(count, sizeof *keys, error);
  if (!keys) return SB_NO_MEMORY;
  for (size_t i = 0; i < count; i++) keys[i] = i * 100;
  const sb_filter filter = {.kind = SB_FILTER_KEYS, .count = count, .keys = keys};
  sb_index_query query = query_of(b, 0, 1);
  query.filter = &filter;
  sb_status status = run_singles(b, &query, false, error);
  b->filtered_ms = percentile(b->times, b->probes, 0.5);
  query = query_of(b, 0, 1);
  query.has_floor = true;
  query.floor = 0.4f;
  if (status == SB_OK) status = run_singles(b, &query, false, error);
  b->floor_ms = percentile(b->times, b->probes, 0.5);
  free(keys);
  return status;
}

static sb_status measure(bench *b, sb_error *error) {
  sb_index_query query = query_of(b, 0, 1);
  sb_status status = make_probes(b, error);
  if (status != SB_OK) return status;
  if ((status = find_truth(b, error)) != SB_OK) return status;
  if ((status = run_singles(b, &query, false, error)) != SB_OK) return status; /* warms up */
  if ((status = run_singles(b, &query, true, error)) != SB_OK) return status;
  b->p50_ms = percentile(b->times, b->probes, 0.5);
  b->p99_ms = percentile(b->times, b->probes, 0.99);
  if ((status = run_batches(b, error)) != SB_OK) return status;
  if ((status = run_restricted(b, error)) != SB_OK) return status;
  sb_index_stats_get(b->index, &b->stats);
  return run_changes(b, error);
}

/* ---- Reporting */

static json_t *figure(double value) {
  return sb_json_significant(value, 6);
}

static json_t *report_json(const bench *b) {
  const sb_index_stats *stats = &b->stats;
  json_t *json =
      json_pack("{s:I,s:I,s:i,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "rows", (json_int_t)b->rows, "dim",
                (json_int_t)b->dim, "threads", sb_thread_team_threads(b->team), "mode", b->exact ? "exact" : "fast",
                "p50_ms", figure(b->p50_ms), "p99_ms", figure(b->p99_ms), "batch_qps", figure(b->batch_qps),
                "recall_at_10", figure(b->recall), "insert_us", figure(b->insert_us), "delete_us", figure(b->delete_us),
                "bytes_per_face", figure((double)stats->bytes / (double)stats->rows), "build_s", figure(b->build_s));
  json_t *more = json_pack("{s:o,s:o,s:I,s:I,s:o,s:I,s:I,s:I,s:o,s:o}", "filtered_1_percent_ms", figure(b->filtered_ms),
                           "floor_0.4_ms", figure(b->floor_ms), "mates_found", (json_int_t)b->mates_found,
                           "mates_exact", (json_int_t)b->mates_exact, "recall_estimated", figure(stats->recall),
                           "code_bytes", (json_int_t)stats->code_bytes, "survivors", (json_int_t)stats->survivors,
                           "reranked", (json_int_t)stats->reranked, "participation", figure(stats->participation),
                           "learn_s", figure(stats->train_seconds));
  if (json && more) json_object_update(json, more);
  json_decref(more);
  return json;
}

static void print_report(const bench *b) {
  const sb_index_stats *stats = &b->stats;
  int threads = sb_thread_team_threads(b->team);
  printf("%zu faces x %zu, %s, %d %s: ", b->rows, b->dim, b->exact ? "exact" : "fast", threads,
         sb_cli_plural((size_t)threads, "thread", "threads"));
  printf("%.2f ms a search (99th percentile %.2f), %.0f searches a second in batches of %d\n", b->p50_ms, b->p99_ms,
         b->batch_qps, BATCH);
  printf("recall@10 %.4f; %zu of the %zu mates that exact search finds\n", b->recall, b->mates_found, b->mates_exact);
  printf("1 %% allowed %.2f ms; only scores of 0.4 and more %.2f ms; insert %.1f us, delete %.1f us\n", b->filtered_ms,
         b->floor_ms, b->insert_us, b->delete_us);
  printf("%.0f bytes a face, built in %.1f s; first stage %zu bytes a face, %zu survivors, at most %zu reranked\n",
         (double)stats->bytes / (double)stats->rows, b->build_s, stats->code_bytes, stats->survivors, stats->reranked);
}

static sb_status report(const sb_cli *cli, const bench *b, sb_error *error) {
  if (cli->json) return sb_cli_print_json(report_json(b), error);
  print_report(b);
  return SB_OK;
}

static void clean_up(bench *b) {
  sb_index_free(b->index);
  sb_thread_team_free(b->team);
  sb_cli_synthetic_faces_free(b->faces);
  free(b->queries);
  free(b->mate_keys);
  free(b->truth);
  free(b->truth_found);
  free(b->times);
}

static sb_status build_and_measure(bench *b, sb_error *error) {
  sb_status status = sb_cli_synthetic_faces_new(b->dim, (double)b->tau, &b->faces, error);
  if (status != SB_OK) return status;
  if ((status = sb_thread_team_new((int)b->threads, &b->team, error)) != SB_OK) return status;
  const sb_index_options index = {.struct_size = sizeof index, .dim = b->dim, .thread_team = b->team};
  if ((status = sb_index_new(&index, &b->index, error)) != SB_OK) return status;
  if ((status = build(b, error)) != SB_OK) return status;
  return measure(b, error);
}

static sb_status run_search(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  bench b = {
      .rows = o->rows, .dim = o->dim, .threads = o->threads, .probes = o->probes, .tau = o->tau, .exact = o->exact};
  sb_status status = build_and_measure(&b, error);
  if (status == SB_OK) status = report(cli, &b, error);
  clean_up(&b);
  return status;
}

static const sb_cli_command actions[] = {
    {.name = "search", .summary = "speed and recall of searches", .options = search_options, .run = run_search},
    {NULL},
};
const sb_cli_command sb_cli_command_bench = {.name = "bench",
                                             .summary =
                                                 "speed and recall of the search on this machine, with synthetic faces",
                                             .options_size = sizeof(options),
                                             .actions = actions};
