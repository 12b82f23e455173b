/* eval: accuracy on the user's own photos. photo_set.c reads which person each photo shows, groups.c estimates
 * groups of people, experiment.c finds the faces and compares them (stats/evaluate.h), promises.c sets promised beside
 * observed rates (stats/promise.h), report.c and page.c show the figures, calibration.c writes calibrations, eval.c is
 * the subcommand. */
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
/* The number of a group, which is added if it is new; an empty name is SB_NO_GROUP. SB_INVALID: too many. */
sb_status sb_cli_eval_set_group(sb_cli_eval_set *set, const char *name, uint32_t *out, sb_error *error);
/* The face that stands for a photo: the largest, which comes first, or the one whose centre is nearest to the photo's.
 * There is at least one. */
const sb_face *sb_cli_eval_face(const sb_faces *faces, bool central);

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
  sb_calibration calibration; /* in use; count 0: the model has none, and nothing is promised */
  bool estimated;             /* the groups are by the product's own estimates */
  double thresholds[SB_THRESHOLDS_MAX];
  const char *threshold_names[SB_THRESHOLDS_MAX];
  size_t threshold_count;
  sb_stats_evaluation result; /* by normalised score; of a file of pairs by cosine */
  sb_stats_promises promises; /* of searches; not of a file of pairs */
} sb_cli_eval;
/* Fills the results; cli->engine is open. Call sb_cli_eval_free also after a failure. */
sb_status sb_cli_eval_run(sb_cli *cli, sb_cli_eval *eval, sb_error *error);
void sb_cli_eval_free(sb_cli_eval *eval);
/* The path of a sample's photo. */
const char *sb_cli_eval_path(const sb_cli_eval *eval, uint32_t sample);
/* The samples and their people, for stats/promise.h and stats/calibrate.h. */
sb_stats_set sb_cli_eval_samples(const sb_cli_eval *eval, const sb_calibration *calibration);

/* ---- groups.c */

/* Gives every sample the group of its person by the estimated attributes of the person's photos. */
sb_status sb_cli_eval_estimate_groups(sb_cli_eval *eval, sb_error *error);

/* ---- promises.c */

typedef struct sb_cli_eval_promise {
  double rate; /* promised */
  sb_stats_promise state;
  double people_needed; /* to tell whether it is kept; 0: not known, or not needed */
} sb_cli_eval_promise;
/* The FMR at a threshold, of `comparisons` of different people; and the FPIR. */
sb_cli_eval_promise sb_cli_eval_comparisons(const sb_cli_eval *eval, const sb_stats_operating_point *at,
                                            uint64_t comparisons, size_t people);
sb_cli_eval_promise sb_cli_eval_searches(const sb_cli_eval *eval, const sb_stats_search_rates *rates);
const char *sb_cli_eval_promise_text(sb_stats_promise promise); /* "kept", "BROKEN", "too few" */
json_t *sb_cli_eval_promise_json(const sb_cli_eval_promise *promise);
json_t *sb_cli_eval_galleries_json(const sb_cli_eval *eval);
/* Sentences about groups whose rates are off, and about those with too little data. */
json_t *sb_cli_eval_warnings(const sb_cli_eval *eval);
void sb_cli_eval_print_promises(const sb_cli_eval *eval);

/* ---- calibration.c */

/* Learns a calibration from the samples and writes it as a file that --calibration reads. */
sb_status sb_cli_eval_calibrate(const sb_cli *cli, const sb_cli_eval *eval, sb_buffer *out, sb_error *error);

/* ---- report.c */
void sb_cli_eval_print(const sb_cli_eval *eval);
json_t *sb_cli_eval_json(const sb_cli_eval *eval); /* NULL: out of memory */

/* ---- page.c: one HTML page, which loads nothing else */
sb_status sb_cli_eval_page(const sb_cli_eval *eval, sb_buffer *out, sb_error *error);

#endif
