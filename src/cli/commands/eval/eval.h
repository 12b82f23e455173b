/* eval: accuracy on the user's own photos. photo_set.c reads which photos show whom, experiment.c finds the faces and
 * compares them (stats/evaluate.h), report.c and page.c show the figures, eval.c is the subcommand. */
#ifndef SB_CLI_EVAL_H
#define SB_CLI_EVAL_H

#include "cli/batch.h"
#include "cli/cli.h"
#include "stats/evaluate.h"

/* ---- photo_set.c */

typedef struct sb_cli_eval_set {
  size_t count; /* of photos */
  char **paths;
  uint32_t *person, *group; /* of each photo; SB_NO_GROUP: none */
  size_t people, groups;
  char **group_names;
  sb_stats_trial
      *trials; /* the pairs of a pairs file, by number of photo; NULL: every photo is compared with every other */
  size_t trial_count;
} sb_cli_eval_set;
/* Reads a folder with one folder for each person, in which each file is a photo, and `groups`, NULL or a CSV of
 * person,group; or a CSV of photo1,photo2,mated[,group] where mated is 1 or 0, true or false, same or different, yes
 * or no. SB_INVALID. */
sb_status sb_cli_eval_set_read(const char *path, const char *groups, sb_cli_eval_set *out, sb_error *error);
void sb_cli_eval_set_free(sb_cli_eval_set *set);

/* ---- experiment.c */

typedef struct sb_cli_eval {
  /* Input. */
  const char *source, *groups; /* see sb_cli_eval_set_read */
  bool central;                /* use the face nearest to the centre of a photo, not the largest */
  bool any_quality;            /* use poor photos, too */
  /* Results. */
  sb_cli_eval_set set;
  sb_cli_photo_faces *photos; /* as in the set */
  size_t failed, poor;        /* photos without a face or unreadable; photos of poor quality */
  size_t people_failed;       /* people without any usable photo */
  size_t trials_lost;         /* pairs of the file with an unusable photo */
  sb_stats_sample *samples;   /* one for each usable photo */
  size_t *photo_of_sample;    /* its number in the set */
  sb_stats_trial *trials;     /* usable pairs, by number of sample */
  size_t sample_count, trial_count;
  sb_engine_info info;
  double thresholds[SB_THRESHOLDS_MAX];
  const char *threshold_names[SB_THRESHOLDS_MAX];
  size_t threshold_count;
  sb_stats_evaluation result;
} sb_cli_eval;
/* Fills the results; cli->engine is open. Call sb_cli_eval_free also after a failure. */
sb_status sb_cli_eval_run(sb_cli *cli, sb_cli_eval *eval, sb_error *error);
void sb_cli_eval_free(sb_cli_eval *eval);
/* The path of a sample's photo. */
const char *sb_cli_eval_path(const sb_cli_eval *eval, uint32_t sample);

/* ---- report.c */
void sb_cli_eval_print(const sb_cli_eval *eval);
json_t *sb_cli_eval_json(const sb_cli_eval *eval); /* NULL: out of memory */

/* ---- page.c: one HTML page, which loads nothing else */
sb_status sb_cli_eval_page(const sb_cli_eval *eval, sb_buffer *out, sb_error *error);

#endif
