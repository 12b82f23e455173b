#include "http/core/disclosure.h"
#include "http/core/auth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double three_digits(double score) {
  return round(score * 1000) / 1000;
}

/* A false match rate is a function of the score, and finer than it: one significant digit. */
static double one_digit(double rate) {
  if (rate <= 0) return rate;
  double unit = pow(10, floor(log10(rate)));
  return round(rate / unit) * unit;
}

static void coarsen(sb_candidate *candidate) {
  candidate->similarity = three_digits(candidate->similarity);
  candidate->score = three_digits(candidate->score);
  candidate->false_match_rate = one_digit(candidate->false_match_rate);
  candidate->false_match_upper = one_digit(candidate->false_match_upper);
  candidate->gallery_false_match = one_digit(candidate->gallery_false_match);
}

static double bound_of(sb_http_context *context, bool chosen, const sb_search_result *result) {
  sb_engine_info info = {0};
  if (!chosen || sb_engine_info_get(context->engine, &info, NULL) != SB_OK) return result->unsure;
  return fmax(result->unsure, info.unsure);
}

void sb_http_disclose_search(sb_http_context *context, const sb_http_principal *caller, bool chosen,
                             sb_search_result *result) {
  if (sb_http_principal_is_admin(caller)) return;
  double bound = bound_of(context, chosen, result);
  for (size_t i = 0; i < result->count; i++) {
    sb_search_face *face = &result->faces[i];
    size_t kept = 0;
    for (size_t c = 0; c < face->count; c++) {
      if (face->candidates[c].score >= bound) {
        coarsen(&face->candidates[c]);
        face->candidates[kept++] = face->candidates[c];
      } else {
        free(face->candidates[c].id);
        free(face->candidates[c].name);
      }
    }
    face->count = kept;
  }
}

void sb_http_disclose_comparison(const sb_http_principal *caller, sb_comparison *c) {
  if (sb_http_principal_is_admin(caller)) return;
  if (c->score < c->unsure) c->score = c->similarity = c->unsure;
  c->similarity = three_digits(c->similarity);
  c->score = three_digits(c->score);
  c->false_match_rate = one_digit(c->false_match_rate);
  c->false_match_upper = one_digit(c->false_match_upper);
}

unsigned sb_http_disclose_wait(sb_http_context *context, const sb_http_principal *caller) {
  if (sb_http_principal_is_admin(caller) || !caller->prefix[0]) return 0;
  return sb_http_rate_limit_take(context->photos, caller->prefix, strlen(caller->prefix));
}
