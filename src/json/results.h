/* The public results of <semblance/semblance.h> as JSON: one shape for `--json` of the program and for the HTTP API.
 * web/openapi.yaml describes the members; docs and clients rely on their names. */
#ifndef SB_JSON_RESULTS_H
#define SB_JSON_RESULTS_H

#include <jansson.h>
#include <semblance/events.h>
#include <semblance/film.h>
#include <semblance/quality.h>

/* Each gives a new reference, or NULL when out of memory. `want` says which SB_WANT_* parts were asked for. */
json_t *sb_json_faces(const sb_faces *faces, unsigned want);
json_t *sb_json_search(const sb_search_result *result);
/* Of a search by a template: what was found, without a face. */
json_t *sb_json_template_search(const sb_search_result *result);
/* The tracks, and under `people` when each person who matches is in sight. */
json_t *sb_json_film(const sb_film_result *result);
json_t *sb_json_candidates(const sb_candidate *candidates, size_t count);
json_t *sb_json_comparison(const sb_comparison *comparison);
json_t *sb_json_portrait(const sb_portrait_report *report);
json_t *sb_json_people(const sb_people *people);
json_t *sb_json_person(const sb_person *person);
json_t *sb_json_enrolled(const sb_enrolled *enrolled);
json_t *sb_json_kept_faces(const sb_kept_faces *faces);
json_t *sb_json_erasure(const sb_erasure *erasure);
json_t *sb_json_collections(const sb_collection *collections, size_t count);
json_t *sb_json_event(const sb_event *event);
/* "match", "unsure", "none"; static. */
const char *sb_json_verdict(sb_verdict verdict);
/* Why a verdict is "unsure"; "" for the other verdicts; static. */
const char *sb_json_reason(sb_reason reason);
/* An operating point: the one number that is set; {} where none is. */
json_t *sb_json_target(const sb_target *target);

#endif
