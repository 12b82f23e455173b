/* dedup: pairs of people who look the same, that is, one person registered under two ids. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/wording.h"
#include "stats/wording.h"
#include "json/groups.h"

#include <stdio.h>

typedef struct options {
  size_t limit;
  bool different, undecided;
} options;

static const sb_cli_option dedup_options[] = {
    {"--limit", "N", "largest number of pairs; 0: all", SB_CLI_FIELD(options, limit), .fallback = "1000"},
    {"--different", NULL, "say that ID and ID are different people, who look alike", SB_CLI_FIELD(options, different)},
    {"--undecided", NULL, "take that back", SB_CLI_FIELD(options, undecided)},
    {NULL},
};

/* "By chance" is the number of pairs of different people that are expected to be this alike: if it is not small,
 * raise the threshold. */
static void print_duplicates(const sb_duplicates *found) {
  for (size_t i = 0; i < found->count; i++) {
    const sb_duplicate *d = &found->items[i];
    const sb_stats_rate fmr = {d->false_match_rate, d->false_match_upper, d->false_match_bound};
    char pair[SB_STATS_TEXT];
    sb_stats_pair_text(&fmr, pair);
    printf("%.3f  %s (%s)  %s (%s); %s%s\n", d->score, d->names[0], d->ids[0], d->names[1], d->ids[1],
           d->child ? "not sure, one looks like a child: among adults " : "", pair);
  }
  char chance[SB_STATS_TEXT];
  sb_stats_number_text(found->expected_by_chance, chance);
  if (found->count < found->total) printf("and %zu more; use --limit to see them\n", found->total - found->count);
  printf("%zu %s from %.3f among %zu %s of %zu %s, in %.1f s; by chance %s are expected\n", found->total,
         sb_cli_plural(found->total, "pair", "pairs"), found->threshold, found->faces,
         sb_cli_plural(found->faces, "face", "faces"), found->people, sb_cli_plural(found->people, "person", "people"),
         found->elapsed_ms / 1000, chance);
  if (found->different)
    printf("%zu further %s marked as different people (--undecided takes that back)\n", found->different,
           sb_cli_plural(found->different, "pair is", "pairs are"));
  if (found->count) puts(SB_STATS_ABOUT);
}

static sb_status mark(sb_cli *cli, const options *o, sb_error *error) {
  if (o->different == o->undecided || cli->count != 2)
    return sb_fail(error, SB_INVALID, "give two ids together with one of --different and --undecided");
  sb_status status =
      sb_engine_set_different(cli->engine, cli->config->collection, cli->words[0], cli->words[1], o->different, error);
  if (status == SB_OK && cli->json) return sb_cli_print_json(json_pack("{s:b}", "different", o->different), error);
  if (status == SB_OK) puts(o->different ? "marked as different people" : "no longer marked as different people");
  return status;
}

static sb_status run(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  if (o->different || o->undecided || cli->count) return mark(cli, o, error);
  sb_duplicates *found = NULL;
  const sb_dedup_request request = {.struct_size = sizeof request,
                                    .collection = cli->config->collection,
                                    .limit = o->limit,
                                    .target = sb_cli_operating_point(cli, cli->engine)};
  sb_status status = sb_engine_dedup(cli->engine, &request, &found, error);
  if (status != SB_OK) return status;
  if (cli->json)
    status = sb_cli_print_json(sb_json_duplicates(found), error);
  else
    print_duplicates(found);
  sb_duplicates_free(found);
  return status;
}

const sb_cli_command sb_cli_command_dedup = {.name = "dedup",
                                             .summary =
                                                 "find people who look the same: one person registered under two ids",
                                             .arguments = "[ID ID]",
                                             .most = 2,
                                             .options = dedup_options,
                                             .options_size = sizeof(options),
                                             .opens_gallery = true,
                                             .run = run};
