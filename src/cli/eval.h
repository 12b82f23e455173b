/* What the files of the eval subcommand share. */
#ifndef SB_CLI_EVAL_H
#define SB_CLI_EVAL_H

#include "cli/cli.h"
#include "cli/photo_batch.h"
#include "stats/evaluate.h"

/* ---- eval_set.c: the photos, and who is on them */

typedef struct sb_eval_set {
  size_t count; /* of photos */
  char **paths;
  uint32_t *person, *group; /* of each photo; SB_NO_GROUP: none */
  size_t people, groups;
  char **group_names;
  sb_stats_trial *trials; /* of a pairs file, by photo; NULL: everybody with everybody */
  size_t trial_count;
} sb_eval_set;
/* A folder a person (each file a photo), with `groups` NULL or a CSV of person,group; or a CSV of photo1,photo2,mated[,group]
 * where mated is 1 or 0, true or false, same or different. SB_INVALID. */
sb_status sb_eval_set_read(const char *path, const char *groups, sb_eval_set *out, sb_error *error);
void sb_eval_set_free(sb_eval_set *set);

/* ---- eval.c */

typedef struct sb_eval {
  const char *source;
  sb_eval_set set;
  sb_gathered *photos;      /* as in the set */
  size_t failed, poor;      /* photos without a face or unreadable; with one of poor quality */
  size_t people_failed;     /* people without any photo that can be used */
  size_t trials_lost;       /* pairs of the file that miss a photo */
  sb_stats_sample *samples; /* of the photos that can be used */
  size_t *photo_of_sample;  /* its number in the set */
  sb_stats_trial *trials;   /* by sample */
  size_t sample_count, trial_count;
  sb_engine_info info;
  double thresholds[SB_THRESHOLDS_MAX];
  const char *threshold_names[SB_THRESHOLDS_MAX];
  size_t threshold_count;
  sb_stats_evaluation result;
} sb_eval;
/* The path of a sample's photo. */
const char *sb_eval_path(const sb_eval *eval, uint32_t sample);

/* ---- eval_report.c */
void sb_eval_print(const sb_eval *eval);
json_t *sb_eval_json(const sb_eval *eval); /* NULL: out of memory */

/* ---- eval_page.c: one HTML page that needs nothing else */
sb_status sb_eval_page(const sb_eval *eval, sb_buffer *out, sb_error *error);

#endif
