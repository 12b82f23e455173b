/* Events as JSON. What is not known of an event is null. */
#include "json/results.h"

#include "json/write.h"

static json_t *rate_of(double rate) {
  return rate < 0 ? json_null() : sb_json_significant(rate, 2);
}

static json_t *text_of(const char *text) {
  return text ? json_string(text) : json_null();
}

/* What was seen; a camera that was lost or is back has none of it. */
static void add_sighting(json_t **json, const sb_event *event) {
  sb_json_set(json, "verdict", json_string(sb_json_verdict(event->verdict)));
  sb_json_set(json, "reason", json_string(sb_json_reason(event->reason)));
  sb_json_set(json, "person",
              event->person ? json_pack("{s:s,s:s}", "id", event->person, "name", event->name) : json_null());
  sb_json_set(json, "erased", json_boolean(event->erased));
  sb_json_set(json, "score", event->person ? sb_json_rounded(event->score, 4) : json_null());
  sb_json_set(json, "false_match_rate", event->person ? rate_of(event->false_match_rate) : json_null());
  sb_json_set(json, "gallery_false_match_rate", event->person ? rate_of(event->gallery_false_match) : json_null());
  sb_json_set(json, "quality", event->quality < 0 ? json_null() : sb_json_rounded((double)event->quality, 3));
  sb_json_set(json, "unknown", event->unknown ? json_integer((json_int_t)event->unknown) : json_null());
}

json_t *sb_json_event(const sb_event *event) {
  const char *kind = sb_event_kind_name(event->kind);
  json_t *json =
      json_pack("{s:I,s:s,s:s,s:s,s:o,s:o,s:o}", "number", (json_int_t)event->number, "kind", kind ? kind : "",
                "collection", event->collection, "camera", event->camera, "since", sb_json_time(event->since_ms),
                "until", sb_json_time(event->until_ms), "note", text_of(event->note));
  if (event->kind != SB_EVENT_CAMERA_LOST && event->kind != SB_EVENT_CAMERA_BACK) add_sighting(&json, event);
  if (event->picture) sb_json_set(&json, "picture", sb_json_base64(event->picture, event->picture_size));
  return json;
}
