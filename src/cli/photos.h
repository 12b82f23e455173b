/* A subcommand that takes several photos: one start of the models for all of them. */
#ifndef SB_CLI_PHOTOS_H
#define SB_CLI_PHOTOS_H

#include "cli/cli.h"

/* Works on one photo with cli->engine: with --json sets `*json`, else prints. Sets cli->exit to SB_EXIT_NEGATIVE where
 * it found nothing. */
typedef sb_status (*sb_cli_photo_step)(sb_cli *cli, const void *context, sb_photo photo, json_t **json,
                                       sb_error *error);

/* Opens the engine and runs the step on each photo of the command line, in order. The answer about one photo is printed
 * alone, and its failure is that of the call. With several, each answer has the photo's path, a photo that fails is
 * reported in its place and makes the exit code SB_EXIT_REFUSED, and only a failure of the system ends the call. */
sb_status sb_cli_photos_run(sb_cli *cli, sb_cli_photo_step step, const void *context, sb_error *error);

#endif
