/* The parts of `semblance search`: photos in search.c, films in film.c, what is printed of a film in film_report.c. */
#ifndef SB_CLI_SEARCH_H
#define SB_CLI_SEARCH_H

#include "cli/cli.h"
#include "video/video.h"

#include <semblance/film.h>

typedef struct sb_cli_search_options {
  size_t k;
  bool largest, small_faces; /* of photos */
  size_t rate;               /* of films; 0: not given */
  bool keyframes, csv, html; /* of films */
} sb_cli_search_options;

/* ---- film.c */

/* Starts to decode the file in another process where there is one that is not a photo and may be a film: sets
 * cli->film. Must run before the sandbox. */
sb_status sb_cli_film_prepare(sb_cli *cli, const sb_cli_search_options *options, sb_error *error);
/* Reads the film's head. `*is_film` false: the file is not a film after all, and cli->film is closed. */
sb_status sb_cli_film_check(sb_cli *cli, bool *is_film, sb_error *error);
sb_status sb_cli_film_search(sb_cli *cli, const sb_cli_search_options *options, sb_error *error);

/* ---- film_report.c */

typedef struct sb_cli_film {
  const char *path;
  sb_video_info info;
  sb_video_counts counts;
  bool truncated, keyframes;
  size_t rate; /* pictures searched a second of film */
  double elapsed_ms;
  const sb_film_result *result;
} sb_cli_film;
void sb_cli_film_print_text(const sb_cli_film *film);
void sb_cli_film_print_csv(const sb_cli_film *film);
sb_status sb_cli_film_print_json(const sb_cli_film *film, sb_error *error);
/* A page of its own, with a picture of each track. */
sb_status sb_cli_film_print_html(const sb_cli_film *film, sb_error *error);

#endif
