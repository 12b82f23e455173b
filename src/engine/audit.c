/* The audit: entries for acts that change nothing (a search, a list, a look at a person), and reading the chain. What
 * changes the gallery is entered by the store, in the same transaction. */
#include "engine/internal.h"

#include <stdio.h>
#include <stdlib.h>

sb_status sb_engine_audit_event(sb_engine *engine, const sb_audit_event *event, sb_error *error) {
  return sb_audit_record(engine->store, event, 1, error);
}

sb_status sb_engine_audit_note(sb_engine *engine, const char *verb, const char *collection, int64_t person,
                               int64_t count, sb_error *error) {
  sb_store_collection found;
  sb_status status = sb_engine_collection(engine, collection, false, &found, error);
  if (status != SB_OK) return status;
  return sb_engine_audit_event(engine, &(sb_audit_event){verb, found.row, person, count}, error);
}

static const char *verb_of(const sb_engine *engine, const char *verb, char buffer[SB_VERB_MAX + 1]) {
  if (engine->children == SB_CHILDREN_UNSURE) return verb;
  snprintf(buffer, SB_VERB_MAX + 1, "%s children=match", verb);
  return buffer;
}

sb_status sb_engine_audit_verdict(sb_engine *engine, const sb_audit_event *event, sb_error *error) {
  char buffer[SB_VERB_MAX + 1];
  sb_audit_event noted = *event;
  noted.verb = verb_of(engine, event->verb, buffer);
  return sb_engine_audit_event(engine, &noted, error);
}

enum { WATCH_MS = 60000, WATCH_MAX = sizeof((sb_search_watch *)0)->seen / sizeof *((sb_search_watch *)0)->seen };

/* Was the person, or nobody, entered for this camera within the last minute? If not, that is noted now; where there is
 * no room, the oldest gives way. */
static bool seen_lately(sb_search_watch *watch, int64_t person, int64_t now_ms) {
  size_t oldest = 0;
  for (size_t i = 0; i < watch->count; i++) {
    if (watch->seen[i].at_ms < watch->seen[oldest].at_ms) oldest = i;
    if (watch->seen[i].person != person) continue;
    bool lately = now_ms - watch->seen[i].at_ms < WATCH_MS;
    if (!lately) watch->seen[i].at_ms = now_ms;
    return lately;
  }
  size_t at = watch->count < WATCH_MAX ? watch->count++ : oldest;
  watch->seen[at].person = person;
  watch->seen[at].at_ms = now_ms;
  return false;
}

/* Leaves out the entries that the camera's watch has had lately; returns how many are left. */
static size_t without_seen(sb_search_watch *watch, sb_audit_event *events, size_t count) {
  size_t left = 0;
  int64_t now_ms = (int64_t)sb_monotonic_ms();
  for (size_t i = 0; i < count; i++)
    if (!seen_lately(watch, events[i].person, now_ms)) events[left++] = events[i];
  return left;
}

sb_status sb_engine_audit_search(sb_engine *engine, int64_t collection, const sb_search_result *result,
                                 const int64_t *matched, sb_search_watch *watch, sb_error *error) {
  size_t count = result->count ? result->count : 1; /* a photo without a face was a search, too */
  sb_audit_event *events = sb_alloc(count, sizeof *events, error);
  if (!events) return SB_NO_MEMORY;
  char buffer[SB_VERB_MAX + 1];
  const char *verb = verb_of(engine, watch ? "live" : "search", buffer);
  events[0] = (sb_audit_event){verb, collection, 0, 0};
  for (size_t i = 0; i < result->count; i++)
    events[i] = (sb_audit_event){verb, collection, matched[i], (int64_t)result->faces[i].count};
  if (watch) count = without_seen(watch, events, count);
  sb_status status = count ? sb_audit_record(engine->store, events, count, error) : SB_OK;
  free(events);
  return status;
}

/* ---- Reading */

sb_status sb_engine_audit(sb_engine *engine, int64_t after, size_t limit, sb_audit_visit visit, void *context,
                          sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_audit_read(engine->store, after, limit, visit, context, error);
  sb_engine_leave(engine);
  return status;
}

sb_status sb_engine_audit_last(sb_engine *engine, int64_t *sequence, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_audit_last(engine->store, sequence, error);
  sb_engine_leave(engine);
  return status;
}

static sb_status read_time(void *context, const sb_audit_entry *entry, sb_error *error) {
  (void)error;
  *(int64_t *)context = entry->entry.at_ms;
  return SB_OK;
}

sb_status sb_engine_audit_time(sb_engine *engine, int64_t *at_ms, sb_error *error) {
  int64_t last = 0;
  *at_ms = 0;
  sb_status status = sb_engine_audit_last(engine, &last, error);
  if (status != SB_OK || !last) return status;
  return sb_engine_audit(engine, last - 1, 1, read_time, at_ms, error);
}

sb_status sb_engine_audit_verify(sb_engine *engine, const sb_audit_head *anchor, sb_audit_head *out, sb_error *error) {
  sb_status status = sb_engine_enter(engine, error);
  if (status != SB_OK) return status;
  status = sb_audit_verify(engine->store, anchor, out, error);
  sb_engine_leave(engine);
  return status;
}
