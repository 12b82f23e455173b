/* The table of subcommands: help, completion and the choice of what runs all read it. */
#include "cli/cli.h"

#include <string.h>

const sb_command sb_commands[] = {
    {"serve", "", "run the server with its page and API (default http://127.0.0.1:8501)", "", sb_command_serve},
    {"enroll", "--id ID --name NAME PHOTO...", "enrol a person from one or more photos",
     "  --id ID               the person's id, such as a staff number (required)\n"
     "  --name NAME           the person's name (required, but with --add)\n"
     "  --add                 the person may exist: add the faces\n"
     "  --largest             of several faces in a photo take the largest\n"
     "  --any-quality         do not refuse poor photos\n"
     "  --refuse-duplicate    refuse a face that is enrolled under another id (otherwise: a warning)\n"
     "  --attributes          estimate and keep age, gender and (experimental) ethnicity\n"
     "  --consent TEXT        what the person agreed to, kept with the record\n"
     "  --purpose TEXT        what it may be used for\n"
     "  --expires WHEN        365d, 2027-01-31 or never: the day after which the person is erased\n",
     sb_command_enroll},
    {"import", "DIR|ZIP|CSV",
     "enrol many: a folder a person, a ZIP of those, or rows of id,name,path; run again to go on",
     "  --largest             of several faces in a photo take the largest\n"
     "  --any-quality         do not refuse poor photos\n"
     "  --attributes          estimate and keep age, gender and (experimental) ethnicity\n",
     sb_command_import},
    {"search", "PHOTO", "who is it? candidates for every face of a photo",
     "  -k N                  candidates a face (default 5)\n"
     "  --largest             answer for the largest face only\n"
     "  --small-faces         also tile by tile, for small faces in big photos\n",
     sb_command_search},
    {"verify", "PHOTO PHOTO", "are the faces of two photos of the same person?", "", sb_command_verify},
    {"list", "[TEXT]", "list people, or those whose id or name contains TEXT",
     "  --offset N            skip the first N\n"
     "  --limit N             at most N (default 100, at most 1000)\n",
     sb_command_list},
    {"show", "ID", "show one person's record", "", sb_command_show},
    {"rename", "ID NAME", "change a person's name", "", sb_command_rename},
    {"delete", "ID...", "delete people: record, templates and their traces in the file", "", sb_command_delete},
    {"detect", "PHOTO", "find the faces of a photo",
     "  --largest             the largest face only\n"
     "  --small-faces         also tile by tile, for small faces in big photos\n",
     sb_command_detect},
    {"represent", "PHOTO", "the embedding of every face",
     "  --largest             the largest face only\n"
     "  --small-faces         also tile by tile, for small faces in big photos\n"
     "  --whole               the photo is one face, cut out already: look for none\n",
     sb_command_represent},
    {"analyze", "PHOTO", "age, gender, pose and (experimental) ethnicity and expression of every face",
     "  --largest             the largest face only\n"
     "  --small-faces         also tile by tile, for small faces in big photos\n"
     "  --whole               the photo is one face, cut out already: look for none\n",
     sb_command_analyze},
    {"cluster", "DIR", "who is in these photos? The faces of each person together, named where they are enrolled", "",
     sb_command_cluster},
    {"dedup", "", "people who look the same: one person enrolled under two ids",
     "  --limit N             pairs at most (default 1000; 0: all)\n", sb_command_dedup},
    {"eval", "DIR|PAIRS.csv", "accuracy on your own photos: a folder a person, or rows of photo1,photo2,mated[,group]",
     "  --html FILE           also write a page with plots\n"
     "  --publish             keep the figures, without any path, for the page of the server (Settings)\n"
     "  --calibrate FILE      write a calibration for --calibration, its threshold at --fmr (default 1e-4)\n"
     "  --groups CSV          figures for each group: rows of person,group\n"
     "  --face WHICH          of several faces in a photo: largest (default) or central\n"
     "  --any-quality         use photos of poor quality, too\n",
     sb_command_eval},
    {"sql", "[STATEMENT]", "SQL over the gallery, or over a file with vectors of one's own",
     "  --file FILE           run the statements of a file (- is standard input)\n"
     "  --db FILE             work on this SQLite file instead of the gallery\n"
     "  --param NAME=VALUE    value of :NAME, or of parameter 1, 2 ...; @PHOTO: the embedding of its face\n"
     "  --format FORMAT       table, json (as --json) or csv\n"
     "  --write               allow statements that change something\n",
     sb_command_sql},
    {"backup", "FILE", "write an encrypted backup, also beside a running server, and prove it",
     "  --verify              only prove the backup that is there\n", sb_command_backup},
    {"restore", "FILE", "bring a backup back into an empty folder, with its root key", "", sb_command_restore},
    {"migrate", "", "move a gallery from its folder into PostgreSQL, or back, and compare every row",
     "  --from PLACE          sqlite:FOLDER (sqlite: is the folder of --data) or postgresql://...\n"
     "  --to PLACE            the other kind, empty; the same command goes on where it was cut off\n",
     sb_command_migrate},
    {"hnsw", "", "indexes of pgvector for --search sql --hnsw EF: faster, and some matches are missed",
     "  show                  which collections have one, and what it was measured to find (the default)\n"
     "  build                 make the one of --collection, beside those who work, and measure it\n"
     "  measure               measure it anew\n"
     "  drop                  take it away\n"
     "  --probes N            of measure and build: searches to measure with (default 100)\n",
     sb_command_hnsw},
    {"consent", "ID", "record what a person agreed to, what for, and until when",
     "  --consent TEXT        what the person agreed to\n"
     "  --purpose TEXT        what it may be used for\n"
     "  --expires WHEN        365d, 2027-01-31 or never: the day after which the person is erased\n",
     sb_command_consent},
    {"expire", "", "erase everybody whose time is over (a server does so each minute)", "", sb_command_expire},
    {"thumbnails", "erase", "take the small pictures of --collection away, which --thumbnails kept; the faces stay", "",
     sb_command_thumbnails},
    {"export", "--person ID", "all that is kept about a person, for that person (JSON)",
     "  --person ID           whose record (required)\n"
     "  --page FILE           write a page to read, too\n",
     sb_command_export},
    {"audit", "show|verify|export", "who did what to whom, and whether that record is whole",
     "  show                  the entries, oldest first\n"
     "    --after N           those after number N\n"
     "    --limit N           at most N (default 100)\n"
     "  verify                follow the chain; tampering, gaps and a tail that was cut off are told\n"
     "    --anchor FILE       a head printed by an earlier `audit export --head`: it must go on from there\n"
     "    --receipt FILE      check a receipt of erasure instead\n"
     "  export                all entries as lines of JSON, the signed head last\n"
     "    --head              the signed head only: keep it elsewhere\n",
     sb_command_audit},
    {"access", "add|list|revoke PREFIX|password|totp", "who may use the server: API keys, the admin's login",
     "  add                   make a key for --collection; it is printed once\n"
     "    --role ROLES        read, enroll, admin, ',' between (default read)\n"
     "    --all-collections   for every collection\n"
     "    --expires WHEN      365d, 2027-01-31 or never (default)\n"
     "    --label TEXT        what it is for\n"
     "  list                  the keys by their prefixes\n"
     "  revoke PREFIX         a key is good no more, at once\n"
     "  password              set the admin's password for the page (asked, or SEMBLANCE_ADMIN_PASSWORD)\n"
     "    --remove            take the login away\n"
     "  totp                  ask the admin for one-time passwords, too; --remove: no more\n",
     sb_command_access},
    {"tls", "init [NAME...]", "make a certificate of your own for the server",
     "  --days N              good for N days (default 825)\n", sb_command_tls},
    {"keys", "status|rotate|revoke|export|import|passphrase", "the gallery's keys: state, renewal, copies on paper",
     "  status                where the root key comes from, and the data keys under it\n"
     "  rotate                new root key (where it lies in the folder) and new data keys; a server may run\n"
     "    --data-only         leave the root key\n"
     "    --new-key-file FILE wrap the data keys under the key in FILE (then put it where yours comes from)\n"
     "  revoke                new secret transform for the templates of --collection\n"
     "  export                print the root key as words to be kept on paper\n"
     "    --hex               as 64 hex digits\n"
     "  import                read words or hex digits from standard input into the folder's key file\n"
     "  passphrase            lock the key file by a passphrase (asked, or SEMBLANCE_NEW_PASSPHRASE)\n"
     "    --remove            unlock it\n",
     sb_command_keys},
    {"doctor", "", "what is wrong with this installation, and how to mend it; changes nothing", "", sb_command_doctor},
    {"bench", "search", "how fast and how right the search is on this machine, on vectors made up like faces",
     "  --rows N              faces (default 100000)\n"
     "  --dim N               dimensions (default 512)\n"
     "  --threads N           threads of one search (default 1)\n"
     "  --exact               exact searches instead of fast ones\n"
     "  --probes N            searches; half are mates of faces, half strangers (default 1000)\n"
     "  --tau N               how fast the dimensions' weights fall; about 2 N carry everything (default 64)\n",
     sb_command_bench},
    {"models", "list|info NAME|add MANIFEST|remove NAME|check [NAME]|bench [NAME]",
     "the models: what they are, where they come from; add one by its manifest (docs/models.md)",
     "  --rounds N            bench: runs a model (default 50)\n", sb_command_models},
    {"collections", "[list]|add NAME|delete NAME",
     "collections of people; each keeps the model (--model) it was made with", "", sb_command_collections},
};
const size_t sb_commands_count = sizeof sb_commands / sizeof *sb_commands;

const sb_command *sb_command_find(const char *name) {
  for (size_t i = 0; i < sb_commands_count; i++)
    if (!strcmp(sb_commands[i].name, name)) return &sb_commands[i];
  return NULL;
}

const char *const sb_cli_variables[][2] = {
    {"SEMBLANCE_CONF", "the settings file, in place of the user's"},
    {"SEMBLANCE_KEY", "the root key, 64 hex digits"},
    {"SEMBLANCE_KEY_FILE", "a file that holds the root key"},
    {"SEMBLANCE_PASSPHRASE", "opens a key file that a passphrase locks"},
    {"SEMBLANCE_NEW_PASSPHRASE", "for keys passphrase, in place of asking"},
    {"SEMBLANCE_ADMIN_PASSWORD", "for access password, in place of asking"},
    {"SEMBLANCE_CPU", "scalar, avx2, avx512 or neon: the kernels of searches, for tests"},
};
const size_t sb_cli_variables_count = sizeof sb_cli_variables / sizeof *sb_cli_variables;
