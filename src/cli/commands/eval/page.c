/* The figures of eval as one page of HTML with SVG plots. */
#include "cli/commands/eval/eval.h"
#include "cli/commands/eval/plot.h"
#include "cli/wording.h"

#include <math.h>
#include <stdlib.h>

static const char head[] =
    "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width'>\n"
    "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<title>Accuracy on your photos</title><style>\n"
    ":root{color-scheme:light dark;--ink:#1c2430;--soft:#6b7686;--line:#d9dee6;--a:#1763c7;--b:#c4481b;--paper:#fff}\n"
    "@media (prefers-color-scheme:dark){:root{--ink:#e8ecf2;--soft:#9aa5b4;--line:#313a47;--a:#6aa8ff;--b:#ff9166;"
    "--paper:#151a21}}\n"
    "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:980px;margin:2rem auto;"
    "padding:0 1rem}\n"
    "h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\n"
    "td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);font-variant-numeric:tabular-nums}\n"
    "td{overflow-wrap:anywhere}.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:1rem}\n"
    "svg{width:100%;height:auto}svg text{fill:var(--ink);font-size:12px}svg .title{font-weight:600;font-size:13px}\n"
    "svg .tick{fill:var(--soft);font-size:10.5px}.middle{text-anchor:middle}.end{text-anchor:end}\n"
    ".grid{stroke:var(--line)}.one,.other{fill:none;stroke-width:2}.one{stroke:var(--a)}.other{stroke:var(--b)}\n"
    ".bar1{fill:var(--a);opacity:.65}.bar2{fill:var(--b);opacity:.65}.mark{stroke:var(--soft);stroke-dasharray:4 3}\n"
    ".note{color:var(--soft)}\n</style></head><body>\n";

/* The first failure stays in `status`; further calls then do nothing. */
typedef struct writer {
  const sb_cli_eval *eval;
  sb_buffer *page;
  sb_error *error;
  sb_status status;
} writer;

SB_PRINTF(2, 3) static void put(writer *w, const char *format, ...) {
  char text[1024];
  va_list arguments;
  if (w->status != SB_OK) return;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length < 0 || (size_t)length >= sizeof text)
    w->status = sb_fail(w->error, SB_INTERNAL, "a line of the page is too long");
  else
    w->status = sb_buffer_add(w->page, text, (size_t)length, w->error);
}

static void put_text(writer *w, const char *text) {
  if (w->status == SB_OK) w->status = sb_cli_html_text(w->page, text, w->error);
}

/* ---- Plots */

static sb_cli_plot plot_of(writer *w, sb_cli_axis x, sb_cli_axis y) {
  return (sb_cli_plot){.page = w->page, .x = x, .y = y, .error = w->error, .status = w->status};
}

/* The lowest rate to draw: the power of ten at or below one pair in all. */
static double lowest_rate(uint64_t pairs) {
  return pow(10, floor(-log10(fmax((double)pairs, 10))));
}

/* Three plots from the same points: DET (FNMR by FMR, both logarithmic), ROC (TAR by FMR), and both rates by
 * threshold. */
static void curves(writer *w) {
  enum { MOST = 1024 };
  const sb_stats_evaluation *e = &w->eval->result;
  sb_stats_curve_point points[MOST];
  double det[MOST][2], roc[MOST][2], fmr[MOST][2], fnmr[MOST][2];
  size_t count = sb_scores_curve(&e->mated, &e->non_mated, points, MOST);
  for (size_t i = 0; i < count; i++) {
    det[i][0] = roc[i][0] = fmr[i][1] = points[i].fmr;
    det[i][1] = fnmr[i][1] = points[i].fnmr;
    roc[i][1] = 1 - points[i].fnmr;
    fmr[i][0] = fnmr[i][0] = points[i].threshold;
  }
  sb_cli_axis rate = {"FMR", lowest_rate(e->non_mated.count), 1, true};
  sb_cli_plot plot = plot_of(w, rate, (sb_cli_axis){"FNMR", lowest_rate(e->mated.count), 1, true});
  sb_cli_plot_open(&plot, "DET: what one error costs in the other");
  sb_cli_plot_line(&plot, (const double(*)[2])det, count, "one");
  sb_cli_plot_close(&plot);
  plot.x = rate;
  plot.y = (sb_cli_axis){"TAR", 0, 1, false};
  sb_cli_plot_open(&plot, "ROC");
  sb_cli_plot_line(&plot, (const double(*)[2])roc, count, "one");
  sb_cli_plot_close(&plot);
  plot.x = (sb_cli_axis){"score", -0.2, 1, false};
  plot.y = (sb_cli_axis){"rate", fmin(lowest_rate(e->non_mated.count), lowest_rate(e->mated.count)), 1, true};
  sb_cli_plot_open(&plot, "FMR (blue) and FNMR (orange) by threshold");
  sb_cli_plot_line(&plot, (const double(*)[2])fmr, count, "one");
  sb_cli_plot_line(&plot, (const double(*)[2])fnmr, count, "other");
  for (size_t t = 0; t < w->eval->threshold_count; t++)
    sb_cli_plot_mark(&plot, w->eval->thresholds[t], w->eval->threshold_names[t]);
  sb_cli_plot_close(&plot);
  w->status = plot.status;
}

/* The shares of mated and non-mated comparisons by score, in bars of 0.02. */
static void histogram(writer *w) {
  enum { WIDE = 200 /* bins of a bar */, BARS = (SB_SCORE_BINS - 1) / WIDE };
  const sb_scores *scores[] = {&w->eval->result.non_mated, &w->eval->result.mated};
  double shares[2][BARS] = {{0}}, most = 0;
  for (int s = 0; s < 2; s++) {
    for (int b = 0; b < SB_SCORE_BINS; b++) {
      int bar = b / WIDE < BARS ? b / WIDE : BARS - 1;
      if (scores[s]->count) shares[s][bar] += (double)scores[s]->bins[b] / (double)scores[s]->count;
    }
    for (int bar = 0; bar < BARS; bar++) most = fmax(most, shares[s][bar]);
  }
  sb_cli_plot plot = plot_of(w, (sb_cli_axis){"score", -0.5, 1, false},
                             (sb_cli_axis){"share of comparisons", 0, fmax(most, 1e-3), false});
  sb_cli_plot_open(&plot, "Scores: one person (orange), two people (blue)");
  for (int s = 0; s < 2; s++)
    for (int bar = 0; bar < BARS; bar++) {
      double from = -1 + 2.0 * bar / BARS;
      if (shares[s][bar] > 0 && from >= plot.x.from)
        sb_cli_plot_bar(&plot, from, from + 2.0 / BARS, shares[s][bar], s ? "bar2" : "bar1");
    }
  for (size_t t = 0; t < w->eval->threshold_count; t++)
    sb_cli_plot_mark(&plot, w->eval->thresholds[t], w->eval->threshold_names[t]);
  sb_cli_plot_close(&plot);
  w->status = plot.status;
}

/* Two plots of searches: CMC (is the person among the first candidates?) and FNIR by FPIR. Not for a file of pairs,
 * which has no searches. */
static void identification(writer *w) {
  enum { STEPS = 60 };
  const sb_stats_evaluation *e = &w->eval->result;
  double rank[SB_RANKS][2], open[STEPS][2];
  if (!e->identified) return;
  for (int r = 0; r < SB_RANKS; r++) rank[r][0] = r + 1, rank[r][1] = e->ranks[r];
  double low = floor(20 * e->ranks[0]) / 20;
  sb_cli_plot plot =
      plot_of(w, (sb_cli_axis){"rank", 0, SB_RANKS, false}, (sb_cli_axis){"found", fmin(low, 0.95), 1, false});
  sb_cli_plot_open(&plot, "CMC: the person is among the first");
  sb_cli_plot_line(&plot, (const double(*)[2])rank, SB_RANKS, "one");
  sb_cli_plot_close(&plot);
  for (int i = 0; i < STEPS; i++) {
    double threshold = 1 - 1.0 * i / (STEPS - 1);
    open[i][0] = sb_identify_fpir(e->probes, e->searches, threshold);
    open[i][1] = sb_identify_fnir(e->probes, e->searches, threshold);
  }
  plot.x = (sb_cli_axis){"FPIR", lowest_rate(e->searches), 1, true};
  plot.y = (sb_cli_axis){"FNIR", lowest_rate(e->mated_searches), 1, true};
  sb_cli_plot_open(&plot, "Open set: missed people by false alarms");
  sb_cli_plot_line(&plot, (const double(*)[2])open, STEPS, "one");
  sb_cli_plot_close(&plot);
  w->status = plot.status;
}

/* ---- Tables */

static void point_row(writer *w, const char *name, const sb_stats_operating_point *p) {
  put(w,
      "<tr><td>%s</td><td>%.4f</td><td>%.2e</td><td>%.1e to %.1e</td><td>%.3f %%</td><td>%.2f to %.2f %%</td></tr>\n",
      name, p->threshold, p->fmr, p->fmr_limits.low, p->fmr_limits.high, 100 * p->tar, 100 * p->tar_limits.low,
      100 * p->tar_limits.high);
}

static void points_table(writer *w) {
  const sb_stats_evaluation *e = &w->eval->result;
  char name[32];
  put(w,
      "<h2>Operating points</h2><table><tr><th>at</th><th>score</th><th>FMR</th><th>95 %%</th><th>TAR = 1 - FNMR</th>"
      "<th>95 %%</th></tr>\n");
  for (size_t t = 0; t < SB_TARGETS && sb_stats_target_fmrs[t] * (double)e->non_mated.count >= 1; t++) {
    snprintf(name, sizeof name, "FMR %.0e", sb_stats_target_fmrs[t]);
    point_row(w, name, &e->targets[t]);
  }
  for (size_t t = 0; t < w->eval->threshold_count; t++) point_row(w, w->eval->threshold_names[t], &e->at[t]);
  put(w, "</table><p class='note'>Confidence limits by a jackknife over people, since photos of one person are not "
         "independent.</p>\n");
}

static void promise_cells(writer *w, const sb_cli_eval_promise *promise) {
  put(w, "<td>%.2g</td><td>%s", promise->rate, sb_cli_eval_promise_text(promise->state));
  if (promise->people_needed > 0) put(w, " (%.0f people are needed)", promise->people_needed);
  put(w, "</td>");
}

static void rate_cells(writer *w, double rate, sb_interval limits, bool any) {
  if (any)
    put(w, "<td>%.2g</td><td>%.1g to %.1g</td>", rate, fmax(limits.low, 0), limits.high);
  else
    put(w, "<td>-</td><td>-</td>");
}

static void groups_table(writer *w) {
  if (!w->eval->set.groups || !w->eval->calibration.count) return;
  put(w, "<h2>Comparisons within groups</h2><table><tr><th>group</th><th>FMR</th><th>95 %%</th><th>promised</th>"
         "<th>promise</th><th>FNMR</th><th>95 %%</th></tr>\n");
  for (size_t g = 0; g < w->eval->set.groups; g++) {
    const sb_stats_group_figures *f = &w->eval->result.groups[g];
    sb_cli_eval_promise promise = sb_cli_eval_comparisons(w->eval, &f->at, f->non_mated, f->units);
    put(w, "<tr><td>");
    put_text(w, w->eval->set.group_names[g]);
    put(w, "</td>");
    rate_cells(w, f->at.fmr, f->at.fmr_limits, f->non_mated);
    promise_cells(w, &promise);
    rate_cells(w, 1 - f->at.tar, (sb_interval){1 - f->at.tar_limits.high, 1 - f->at.tar_limits.low}, f->mated);
    put(w, "</tr>\n");
  }
  put(w, "</table>\n");
}

static void gallery_row(writer *w, const char *name, const sb_stats_search_rates *rates) {
  sb_cli_eval_promise promise = sb_cli_eval_searches(w->eval, rates);
  put(w, "<tr><td>");
  put_text(w, name);
  put(w, "</td>");
  rate_cells(w, rates->fpir.rate, rates->fpir.limits, rates->fpir.searches);
  promise_cells(w, &promise);
  rate_cells(w, rates->fnir.rate, rates->fnir.limits, rates->fnir.searches);
  put(w, "</tr>\n");
}

static void galleries_tables(writer *w) {
  const sb_stats_promises *p = &w->eval->promises;
  for (size_t i = 0; i < p->count; i++) {
    const sb_stats_gallery_rates *g = &p->galleries[i];
    put(w,
        "<h2>Searches among %zu people</h2><table><tr><th>group</th><th>FPIR</th><th>95 %%</th><th>promised</th>"
        "<th>promise</th><th>FNIR</th><th>95 %%</th></tr>\n",
        g->people);
    gallery_row(w, "everybody", &g->all);
    for (size_t k = 0; k < w->eval->set.groups; k++) gallery_row(w, w->eval->set.group_names[k], &g->groups[k]);
    put(w, "</table>\n");
  }
}

static void warnings(writer *w) {
  json_t *list = sb_cli_eval_warnings(w->eval), *warning;
  size_t index;
  json_array_foreach(list, index, warning) {
    put(w, "<p>Warning: ");
    put_text(w, json_string_value(warning));
    put(w, "</p>\n");
  }
  json_decref(list);
}

static void pairs_table(writer *w, const char *title, const sb_stats_pair *pairs, size_t count) {
  if (!count) return;
  put(w, "<h2>%s</h2><table><tr><th>score</th><th>photo</th><th>photo</th></tr>\n", title);
  for (size_t i = 0; i < count; i++) {
    put(w, "<tr><td>%.3f</td><td>", pairs[i].score);
    put_text(w, sb_cli_eval_path(w->eval, pairs[i].first));
    put(w, "</td><td>");
    put_text(w, sb_cli_eval_path(w->eval, pairs[i].second));
    put(w, "</td></tr>\n");
  }
  put(w, "</table>\n");
}

static void refused_table(writer *w) {
  const sb_cli_eval *eval = w->eval;
  if (!(eval->failed + eval->poor)) return;
  put(w, "<h2>Photos that were not used</h2><table>\n");
  for (size_t i = 0; i < eval->set.count; i++) {
    if (eval->photos[i].error.code == SB_OK) continue;
    put(w, "<tr><td>");
    put_text(w, eval->set.paths[i]);
    put(w, "</td><td>");
    put_text(w, eval->photos[i].error.message);
    put(w, "</td></tr>\n");
  }
  put(w, "</table>\n");
}

static void summary(writer *w) {
  const sb_cli_eval *eval = w->eval;
  const sb_stats_evaluation *e = &eval->result;
  put(w, "<h1>Accuracy on your photos</h1><p>Model %s, %zu photos", eval->info.model, eval->set.count);
  if (!eval->set.trials) put(w, " of %zu people", eval->set.people);
  put(w, "; %llu comparisons of one person (mated), %llu of two (non-mated).</p>\n", (unsigned long long)e->mated.count,
      (unsigned long long)e->non_mated.count);
  put(w, "<p>Failure to acquire: %zu photos (%.2f %%).", eval->failed + eval->poor,
      100 * (double)(eval->failed + eval->poor) / (double)eval->set.count);
  if (!eval->set.trials)
    put(w, " Failure to enrol: %zu people (%.2f %%).", eval->people_failed,
        100 * (double)eval->people_failed / (double)eval->set.people);
  if (eval->trials_lost) put(w, " %zu pairs were left out: one of their photos cannot be used.", eval->trials_lost);
  if (e->mated.count && e->non_mated.count) put(w, " Equal error rate: %.3f %%.", 100 * e->eer.rate);
  if (e->identified) {
    put(w, " Rank 1: %.2f %% of %zu searches", 100 * e->ranks[0], e->mated_searches);
    for (size_t f = 0; f < SB_FPIRS; f++)
      put(w, "; FNIR %.2f %% at FPIR %g %%", 100 * e->fnir[f], 100 * sb_stats_target_fpirs[f]);
    put(w, ".");
  }
  put(w, "</p>\n");
}

sb_status sb_cli_eval_page(const sb_cli_eval *eval, sb_buffer *out, sb_error *error) {
  writer w = {eval, out, error, SB_OK};
  w.status = sb_buffer_add(out, head, sizeof head - 1, error);
  summary(&w);
  warnings(&w);
  put(&w, "<div class='plots'>\n");
  if (w.status == SB_OK) curves(&w);
  if (w.status == SB_OK) histogram(&w);
  if (w.status == SB_OK) identification(&w);
  put(&w, "</div>\n");
  points_table(&w);
  groups_table(&w);
  galleries_tables(&w);
  pairs_table(&w, "Pairs of one person that look least alike", eval->result.lowest, eval->result.lowest_count);
  pairs_table(&w, "Pairs of two people that look most alike", eval->result.highest, eval->result.highest_count);
  refused_table(&w);
  put(&w, "<p class='note'>Terms of ISO/IEC 19795-1: FMR false match rate, FNMR false non-match rate, TAR true accept "
          "rate, FPIR and FNIR false positive and false negative identification rate of searches.</p></body></html>\n");
  return w.status;
}
