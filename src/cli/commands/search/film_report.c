/* Who is when in a film: as text, CSV, JSON, and as a page of HTML. */
#include "cli/commands/search/search.h"
#include "cli/wording.h"
#include "stats/wording.h"
#include "json/write.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLOCK_SIZE = 32 };

/* "1:02:03.4" */
static void clock_text(int64_t ms, char text[CLOCK_SIZE]) {
  int64_t tenths = ms / 100;
  snprintf(text, CLOCK_SIZE, "%" PRId64 ":%02d:%02d.%d", tenths / 36000, (int)(tenths / 600 % 60),
           (int)(tenths / 10 % 60), (int)(tenths % 10));
}

static bool is_named(const sb_film_track *track) {
  return track->best.verdict == SB_VERDICT_MATCH;
}

/* The name of whoever matches; else what is known instead. */
static const char *who(const sb_film_track *track) {
  if (is_named(track)) return track->best.candidates[0].name;
  return track->best.verdict == SB_VERDICT_NONE ? "unknown person" : "not sure";
}

/* ---- Text */

static void print_candidate_text(const sb_candidate *candidate) {
  const sb_stats_rate fmr = {candidate->false_match_rate, candidate->false_match_upper, candidate->false_match_bound};
  char pair[SB_STATS_TEXT];
  sb_stats_pair_text(&fmr, pair);
  printf("  %-8s %.3f  %s (%s); %s\n", sb_cli_verdict(candidate->verdict), candidate->score, candidate->name,
         candidate->id, pair);
}

static void print_track_text(const sb_film_track *track) {
  char since[CLOCK_SIZE], until[CLOCK_SIZE], best[CLOCK_SIZE];
  clock_text(track->since_ms, since);
  clock_text(track->until_ms, until);
  clock_text(track->best_ms, best);
  printf("%s to %s: %s", since, until, who(track));
  if (track->best.verdict == SB_VERDICT_UNSURE) printf(": %s", sb_cli_unsure_reason(&track->best));
  printf(" (best shot at %s, in %zu %s)\n", best, track->pictures,
         sb_cli_plural(track->pictures, "picture", "pictures"));
  for (size_t i = 0; i < track->best.count; i++) print_candidate_text(&track->best.candidates[i]);
}

static void print_warnings(const sb_cli_film *film) {
  char reached[CLOCK_SIZE], stated[CLOCK_SIZE];
  clock_text(film->counts.time_ms, reached);
  clock_text(film->info.duration_ms, stated);
  if (film->truncated)
    printf("the film is incomplete: it ends at %s, although it says that it lasts %s\n", reached, stated);
  if (film->counts.damaged)
    printf("%" PRIu64 " %s of the film %s damaged and could not be searched\n", film->counts.damaged,
           sb_cli_plural((size_t)film->counts.damaged, "picture", "pictures"),
           sb_cli_plural((size_t)film->counts.damaged, "is", "are"));
}

void sb_cli_film_print_text(const sb_cli_film *film) {
  const sb_film_result *result = film->result;
  char length[CLOCK_SIZE];
  clock_text(film->counts.time_ms, length);
  for (size_t i = 0; i < result->count; i++) print_track_text(&result->tracks[i]);
  if (!result->count) puts("no face found");
  if (result->count && !result->gallery_faces)
    puts("no match is possible: there is no face in this collection yet; `semblance enroll` adds people");
  printf("%zu %s of a film of %s (%dx%d, %s) searched in %.1f s, at most %zu %sa second; a match from %.3f\n%s\n",
         result->pictures, sb_cli_plural(result->pictures, "picture", "pictures"), length, film->info.width,
         film->info.height, film->info.codec, film->elapsed_ms / 1000, film->rate, film->keyframes ? "keyframes " : "",
         result->threshold, SB_STATS_ABOUT);
  print_warnings(film);
}

/* ---- CSV */

static void print_number(double value, int decimals, bool there) {
  char text[64] = "";
  if (there) snprintf(text, sizeof text, "%.*f", decimals, value);
  sb_cli_csv_cell(text, strlen(text), false);
}

void sb_cli_film_print_csv(const sb_cli_film *film) {
  fputs("from_seconds,to_seconds,best_shot_seconds,pictures,verdict,id,name,score,quality\r\n", stdout);
  for (size_t i = 0; i < film->result->count; i++) {
    const sb_film_track *track = &film->result->tracks[i];
    const sb_candidate *first = track->best.count ? &track->best.candidates[0] : NULL;
    const char *verdict = sb_cli_verdict(track->best.verdict), *id = is_named(track) ? first->id : "",
               *name = is_named(track) ? first->name : "";
    char quality[32];
    print_number((double)track->since_ms / 1000, 3, true);
    print_number((double)track->until_ms / 1000, 3, true);
    print_number((double)track->best_ms / 1000, 3, true);
    print_number((double)track->pictures, 0, true);
    sb_cli_csv_cell(verdict, strlen(verdict), false);
    sb_cli_csv_cell(id, strlen(id), false);
    sb_cli_csv_cell(name, strlen(name), false);
    print_number(first ? first->score : 0, 4, first != NULL);
    snprintf(quality, sizeof quality, "%.3f", (double)track->best.face.quality.overall);
    sb_cli_csv_cell(quality, strlen(quality), true);
  }
}

/* ---- JSON */

sb_status sb_cli_film_print_json(const sb_cli_film *film, sb_error *error) {
  json_t *json = sb_json_film(film->result);
  json_t *about = json_pack("{s:i,s:i,s:s,s:o,s:o,s:I,s:I,s:b,s:i,s:b}", "width", film->info.width, "height",
                            film->info.height, "codec", film->info.codec, "duration_ms",
                            film->info.duration_ms < 0 ? json_null() : json_integer((json_int_t)film->info.duration_ms),
                            "pictures_a_second", sb_json_rounded(film->info.rate, 3), "decoded",
                            (json_int_t)film->counts.decoded, "damaged", (json_int_t)film->counts.damaged, "truncated",
                            film->truncated, "searched_a_second", (int)film->rate, "keyframes_only", film->keyframes);
  sb_json_set(&json, "film", about);
  sb_json_set(&json, "elapsed_ms", sb_json_rounded(film->elapsed_ms, 2));
  return sb_cli_print_json(json, error);
}

/* ---- HTML */

static const char head[] =
    "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width'>\n"
    "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    "\">\n<title>Who is when in this film</title><style>\n"
    ":root{color-scheme:light dark;--ink:#1c2430;--soft:#6b7686;--line:#d9dee6;--a:#1763c7;--b:#c4481b;--paper:#fff}\n"
    "@media (prefers-color-scheme:dark){:root{--ink:#e8ecf2;--soft:#9aa5b4;--line:#313a47;--a:#6aa8ff;--b:#ff9166;"
    "--paper:#151a21}}\n"
    "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:980px;margin:2rem auto;"
    "padding:0 1rem}\n"
    "h1{font-size:1.5rem}table{border-collapse:collapse;width:100%}img{border-radius:6px;display:block}\n"
    "td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);font-variant-numeric:tabular-nums}\n"
    "td.who{overflow-wrap:anywhere}svg{width:100%;height:14px}rect{fill:var(--line)}.match{fill:var(--a)}\n"
    ".other{fill:var(--b)}.note{color:var(--soft)}\n</style></head><body>\n<h1>Who is when in this film</h1>\n";

/* The first failure stays in `status`; further calls then do nothing. */
typedef struct page {
  sb_buffer html;
  sb_error *error;
  sb_status status;
} page;

SB_PRINTF(2, 3) static void put(page *p, const char *format, ...) {
  char text[512];
  va_list arguments;
  if (p->status != SB_OK) return;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  p->status = sb_buffer_add(&p->html, text, strlen(text), p->error);
}

static void put_text(page *p, const char *text) {
  if (p->status == SB_OK) p->status = sb_cli_html_text(&p->html, text, p->error);
}

static void put_picture(page *p, const sb_film_track *track) {
  char *data = track->picture ? sb_base64_encode(track->picture, track->picture_size) : NULL;
  put(p, "<tr><td>");
  if (data) {
    put(p, "<img width='48' height='48' alt='' src='data:image/jpeg;base64,");
    if (p->status == SB_OK) p->status = sb_buffer_add(&p->html, data, strlen(data), p->error);
    put(p, "'>");
  }
  put(p, "</td>");
  free(data);
}

static void put_track(page *p, const sb_film_track *track, int64_t length_ms) {
  char since[CLOCK_SIZE], until[CLOCK_SIZE], best[CLOCK_SIZE];
  clock_text(track->since_ms, since);
  clock_text(track->until_ms, until);
  clock_text(track->best_ms, best);
  double scale = length_ms > 0 ? 1000.0 / (double)length_ms : 0, width = (double)(track->until_ms - track->since_ms);
  put_picture(p, track);
  put(p, "<td class='who'>");
  put_text(p, who(track));
  put(p, "</td><td>");
  put_text(p, is_named(track) ? track->best.candidates[0].id : "");
  put(p, "</td><td>%s</td><td>%s</td><td>%s</td>", since, until, best);
  put(p, "<td>%.3f</td>", track->best.count ? track->best.candidates[0].score : 0.0);
  put(p,
      "<td style='width:30%%'><svg viewBox='0 0 1000 14' preserveAspectRatio='none'><rect width='1000' height='14'/>");
  put(p, "<rect class='%s' x='%.1f' width='%.1f' height='14'/></svg></td></tr>\n", is_named(track) ? "match" : "other",
      scale * (double)track->since_ms, scale * width < 3 ? 3.0 : scale * width);
}

static void put_page(page *p, const sb_cli_film *film) {
  const sb_film_result *result = film->result;
  char length[CLOCK_SIZE];
  clock_text(film->counts.time_ms, length);
  if (p->status == SB_OK) p->status = sb_buffer_add(&p->html, head, sizeof head - 1, p->error);
  put(p, "<p>");
  put_text(p, film->path);
  put(p, ": %s, %dx%d, %s. %zu pictures were searched, at most %zu a second; a match from %.3f.</p>\n", length,
      film->info.width, film->info.height, film->info.codec, result->pictures, film->rate, result->threshold);
  if (film->truncated) put(p, "<p>The film is incomplete: it ends before the time that it states.</p>\n");
  put(p, "<table><tr><th></th><th>who</th><th>id</th><th>from</th><th>to</th><th>best shot</th><th>score</th>"
         "<th></th></tr>\n");
  for (size_t i = 0; i < result->count; i++) put_track(p, &result->tracks[i], film->counts.time_ms);
  put(p, "</table>\n<p class='note'>The score of an unknown person, or of one of whom the search is not sure, is that "
         "of the most similar person. ");
  put_text(p, SB_STATS_ABOUT);
  put(p, ".</p>\n</body></html>\n");
}

sb_status sb_cli_film_print_html(const sb_cli_film *film, sb_error *error) {
  page p = {.error = error};
  put_page(&p, film);
  if (p.status == SB_OK) fwrite(p.html.bytes, 1, p.html.size, stdout);
  sb_buffer_free(&p.html);
  return p.status;
}
