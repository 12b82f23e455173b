/* add_events DATA: adds the events that standard input names, one a line, and prints each number when it is durable.
 *
 *   KIND CAMERA COLLECTION PERSON SINCE_MS [PICTURE]
 *
 * "-" stands for none. An event of a person is a match; PICTURE is text that takes the place of a JPEG. The gallery is
 * in the database that SEMBLANCE_STORE names, if it names one. */
#include "engine/engine.h"

#include <semblance/events.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *given(const char *word) {
  return word && strcmp(word, "-") != 0 ? word : NULL;
}

static bool add_line(sb_engine *engine, char *line) {
  char *words[6] = {NULL}, *rest = NULL;
  int count = 0;
  for (char *word = strtok_r(line, " \n", &rest); word && count < 6; word = strtok_r(NULL, " \n", &rest))
    words[count++] = word;
  if (count < 5) return false;
  const char *person = given(words[3]), *picture = given(words[5]);
  int64_t since_ms = strtoll(words[4], NULL, 10);
  const sb_event event = {.struct_size = sizeof event,
                          .kind = (sb_event_kind)sb_event_kinds(words[0]),
                          .camera = words[1],
                          .collection = given(words[2]),
                          .person = person,
                          .verdict = person ? SB_VERDICT_MATCH : SB_VERDICT_NONE,
                          .since_ms = since_ms,
                          .until_ms = since_ms + 1000,
                          .score = person ? .7 : 0,
                          .false_match_rate = person ? 1e-5 : -1,
                          .gallery_false_match = person ? 1e-3 : -1,
                          .quality = .8f,
                          .picture = (const uint8_t *)picture,
                          .picture_size = picture ? strlen(picture) : 0};
  uint64_t number = 0;
  sb_error error = {0};
  if (sb_engine_add_event(engine, &event, &number, &error) != SB_OK) {
    fprintf(stderr, "%s\n", error.message);
    return false;
  }
  printf("%" PRIu64 "\n", number);
  fflush(stdout);
  return true;
}

int main(int count, char **arguments) {
  sb_engine *engine = NULL;
  sb_error error = {0};
  char line[4096];
  bool good = true;
  if (count != 2) return 2;
  const sb_engine_options options = {
      .struct_size = sizeof options, .data_dir = arguments[1], .store = getenv("SEMBLANCE_STORE")};
  if (sb_engine_new(&options, &engine, &error) != SB_OK) return fprintf(stderr, "%s\n", error.message), 1;
  while (good && fgets(line, sizeof line, stdin)) good = add_line(engine, line);
  sb_engine_free(engine);
  return good ? 0 : 1;
}
