/* cameras: which cameras the server watches. */
#include "camera/camera.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/secret.h"
#include "http/api/camera_json.h"
#include "json/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct options {
  const char *purpose, *masks, *watch, *hours, *watchlist, *transport; /* NULL: not given */
  size_t rate, smallest_face;                                          /* 0: not given */
} options;

/* ---- Addresses */

/* "-": from the terminal without showing it, or the first line of standard input. */
static sb_status read_address(char text[SB_VIDEO_ADDRESS_MAX + 2], sb_error *error) {
  bool given = isatty(STDIN_FILENO) ? sb_cli_secret_ask("address of the camera: ", text, SB_VIDEO_ADDRESS_MAX + 2)
                                    : fgets(text, SB_VIDEO_ADDRESS_MAX + 2, stdin) != NULL;
  text[given ? strcspn(text, "\r\n") : 0] = 0;
  return *text ? SB_OK : sb_fail(error, SB_INVALID, "no address was given on standard input");
}

/* The address of an argument. One with a password is refused there: every process of the machine can read it. */
static sb_status take_address(sb_cli *cli, const char *word, char **out, sb_error *error) {
  char text[SB_VIDEO_ADDRESS_MAX + 2] = "";
  sb_video_address address;
  bool input = !strcmp(word, "-");
  sb_status status = input ? read_address(text, error) : SB_OK;
  if (status != SB_OK) return status;
  status = sb_video_address_parse(input ? text : word, &address, error);
  if (status == SB_OK && !input && address.has_password)
    status = sb_cli_usage(cli, error,
                          "every process of this machine can read an argument, and the address has a password: give - "
                          "and type the address, or write it to standard input");
  if (status == SB_OK && !(*out = sb_strdup(input ? text : word, error))) status = SB_NO_MEMORY;
  sb_wipe(text, sizeof text);
  return status;
}

/* ---- Adding, changing and removing */

static sb_status fill(sb_cli *cli, const options *o, sb_engine_camera *camera, sb_error *error) {
  const char *watchlist = o->watchlist ? o->watchlist : "";
  if (strlen(cli->words[0]) >= sizeof camera->name || strlen(cli->config->collection) >= sizeof camera->collection ||
      strlen(watchlist) >= sizeof camera->watchlist)
    return sb_cli_usage(cli, error, "the name of the camera or of a collection is too long");
  snprintf(camera->name, sizeof camera->name, "%s", cli->words[0]);
  snprintf(camera->collection, sizeof camera->collection, "%s", cli->config->collection);
  snprintf(camera->watchlist, sizeof camera->watchlist, "%s", watchlist);
  camera->rate = (int)o->rate;
  camera->smallest_face = (int)o->smallest_face;
  camera->udp = !strcmp(o->transport, "udp");
  camera->purpose = sb_strdup(o->purpose, error);
  camera->masks = sb_strdup(o->masks, error);
  camera->watch = sb_strdup(o->watch, error);
  camera->hours = sb_strdup(o->hours, error);
  if (!camera->purpose || !camera->masks || !camera->watch || !camera->hours) return SB_NO_MEMORY;
  return take_address(cli, cli->words[1], &camera->address, error);
}

static sb_status print_one(const sb_cli *cli, const sb_engine_camera *camera, sb_error *error) {
  char shown[SB_VIDEO_SHOWN_SIZE], added[32];
  if (cli->json) return sb_cli_print_json(sb_http_camera_json(camera), error);
  sb_camera_shown_address(camera, shown);
  sb_time_iso(camera->created_ms, added);
  printf("name           %s\naddress        %s\ntransport      %s\n", camera->name, shown, camera->udp ? "udp" : "tcp");
  printf("collection     %s\nwatchlist      %s\n", camera->collection, *camera->watchlist ? camera->watchlist : "none");
  printf("purpose        %s\nrate           %d\n", camera->purpose, camera->rate);
  printf("masks          %s\nwatch          %s\n", *camera->masks ? camera->masks : "none",
         *camera->watch ? camera->watch : "everywhere");
  printf("smallest face  %d\nhours          %s\nadded          %s\n", camera->smallest_face,
         *camera->hours ? camera->hours : "always", added);
  return SB_OK;
}

static sb_status run_show(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_engine_camera *camera = NULL;
  sb_status status = sb_engine_camera_get(cli->engine, cli->words[0], &camera, error);
  if (status != SB_OK) return status;
  status = print_one(cli, camera, error);
  sb_cameras_free(camera, 1);
  return status;
}

static sb_status run_add(sb_cli *cli, const void *parsed, sb_error *error) {
  sb_engine_camera *camera = sb_alloc(1, sizeof *camera, error);
  if (!camera) return SB_NO_MEMORY;
  sb_status status = fill(cli, parsed, camera, error);
  if (status == SB_OK) status = sb_cli_open_engine(cli, SB_CLI_GALLERY, error);
  if (status == SB_OK) status = sb_camera_add(cli->engine, camera, error);
  if (status == SB_OK && cli->json) status = print_one(cli, camera, error);
  if (status == SB_OK && !cli->json && !cli->quiet) printf("added %s\n", camera->name);
  sb_cameras_free(camera, 1);
  return status;
}

static sb_status run_edit(sb_cli *cli, const void *parsed, sb_error *error) {
  const options *o = parsed;
  char *address = NULL;
  sb_status status = cli->count > 1 ? take_address(cli, cli->words[1], &address, error) : SB_OK;
  if (status != SB_OK) return status;
  const sb_engine_camera_change change = {.address = address,
                                          .purpose = o->purpose,
                                          .masks = o->masks,
                                          .watch = o->watch,
                                          .hours = o->hours,
                                          .watchlist = o->watchlist,
                                          .transport = o->transport,
                                          .rate = (int)o->rate,
                                          .smallest_face = (int)o->smallest_face};
  status = sb_camera_change(cli->engine, cli->words[0], &change, error);
  if (address) sb_wipe(address, strlen(address));
  free(address);
  if (status != SB_OK) return status;
  if (cli->json) return run_show(cli, parsed, error);
  if (!cli->quiet) printf("changed %s\n", cli->words[0]);
  return SB_OK;
}

static sb_status run_remove(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_status status = sb_engine_camera_remove(cli->engine, cli->words[0], error);
  if (status != SB_OK) return status;
  if (cli->json) return sb_cli_print_json(json_pack("{s:s}", "deleted", cli->words[0]), error);
  if (!cli->quiet) printf("removed %s\n", cli->words[0]);
  return SB_OK;
}

/* ---- Looking */

static sb_status run_list(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_engine_camera *cameras = NULL;
  size_t count = 0;
  sb_status status = sb_engine_cameras(cli->engine, &cameras, &count, error);
  if (status != SB_OK) return status;
  json_t *list = cli->json ? json_array() : NULL;
  for (size_t i = 0; i < count; i++) {
    char shown[SB_VIDEO_SHOWN_SIZE];
    sb_camera_shown_address(&cameras[i], shown);
    if (cli->json)
      sb_json_append(&list, sb_http_camera_json(&cameras[i]));
    else
      printf("%s\t%s\t%s\t%s\n", cameras[i].name, shown, cameras[i].collection, cameras[i].purpose);
  }
  sb_cameras_free(cameras, count);
  sb_cli_print_empty(cli, count, "no cameras; `semblance cameras add` adds one");
  return cli->json ? sb_cli_print_json(json_pack("{s:o}", "cameras", list), error) : SB_OK;
}

/* The camera of an argument: the name of a stored one, an address, or "-". */
static sb_status find_camera(sb_cli *cli, sb_engine_camera **out, sb_error *error) {
  const char *word = cli->words[0];
  if (strcmp(word, "-") != 0 && !strstr(word, "://")) {
    sb_status status = sb_cli_open_engine(cli, SB_CLI_GALLERY, error);
    return status == SB_OK ? sb_engine_camera_get(cli->engine, word, out, error) : status;
  }
  sb_engine_camera *camera = sb_alloc(1, sizeof *camera, error);
  if (!camera) return SB_NO_MEMORY;
  sb_status status = take_address(cli, word, &camera->address, error);
  if (status == SB_OK)
    *out = camera;
  else
    sb_cameras_free(camera, 1);
  return status;
}

static sb_status try_camera(sb_cli *cli, sb_camera_probe *probe, sb_error *error) {
  sb_engine_camera *camera = NULL;
  sb_status status = find_camera(cli, &camera, error);
  if (status == SB_OK) status = sb_video_launcher_start(&cli->launcher, error);
  if (status == SB_OK) status = sb_camera_try(cli->launcher, camera, cli->config->contain, probe, error);
  sb_cameras_free(camera, camera ? 1 : 0);
  return status;
}

static sb_status run_test(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_camera_probe probe = {.first_ms = 0};
  sb_status status = try_camera(cli, &probe, error);
  free(probe.picture);
  if (status != SB_OK) return status;
  const sb_video_info *info = &probe.info;
  if (cli->json)
    return sb_cli_print_json(json_pack("{s:i,s:i,s:s,s:f,s:f}", "width", info->width, "height", info->height, "codec",
                                       info->codec, "rate", info->rate, "first_picture_ms", probe.first_ms),
                             error);
  printf("%dx%d, %.3g pictures a second, %s; the first picture came after %.1f s\n", info->width, info->height,
         info->rate, info->codec, probe.first_ms / 1000);
  return SB_OK;
}

static sb_status write_picture(const char *path, const sb_camera_probe *probe, sb_error *error) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return sb_fail_errno(error, errno, "write", path);
  sb_status status = sb_write_all(file, path, probe->picture, probe->picture_size, error);
  if (close(file) && status == SB_OK) status = sb_fail_errno(error, errno, "write", path);
  return status;
}

static sb_status run_snapshot(sb_cli *cli, const void *parsed, sb_error *error) {
  (void)parsed;
  sb_camera_probe probe = {.first_ms = 0};
  sb_status status = try_camera(cli, &probe, error);
  if (status == SB_OK) status = write_picture(cli->words[1], &probe, error);
  free(probe.picture);
  if (status != SB_OK) return status;
  if (cli->json) return sb_cli_print_json(json_pack("{s:s}", "file", cli->words[1]), error);
  if (!cli->quiet) printf("wrote %s\n", cli->words[1]);
  return SB_OK;
}

/* ---- The subcommand */

#define RATE_HELP "pictures that are searched a second, at most"
#define FACE_HELP "ignore faces whose shorter side has fewer pixels of the stream"
#define AREA_OPTIONS                                                                                      \
  {"--masks", "POLYGONS", "areas that nobody looks at: \"0,0 .5,0 .5,1 0,1\", several with ';' between",  \
   SB_CLI_FIELD(options, masks)},                                                                         \
      {"--watch", "POLYGONS", "areas in which faces are looked for, as of --masks; \"\": everywhere",     \
       SB_CLI_FIELD(options, watch)},                                                                     \
      {"--hours", "SPANS", "when it is watched, in local time: \"mo-fr 07:00-19:00; sa,su 22:00-06:00\"", \
       SB_CLI_FIELD(options, hours)},                                                                     \
  {                                                                                                       \
    "--watchlist", "COLLECTION", "whose people alert; \"\": none", SB_CLI_FIELD(options, watchlist)       \
  }
static const sb_cli_option add_options[] = {
    {"--purpose", "TEXT", "what the camera is for; data protection law wants it stated", SB_CLI_FIELD(options, purpose),
     .required = true},
    {"--rate", "N", RATE_HELP, SB_CLI_FIELD(options, rate), .fallback = "5", .minimum = 1, .limit = SB_VIDEO_RATE_MAX},
    {"--transport", "KIND", "of RTSP", SB_CLI_FIELD(options, transport), .fallback = "tcp", .choices = "tcp|udp"},
    {"--smallest-face", "N", FACE_HELP, SB_CLI_FIELD(options, smallest_face), .fallback = "1", .minimum = 1,
     .limit = SB_CAMERA_FACE_MAX},
    AREA_OPTIONS,
    {NULL},
};
static const sb_cli_option edit_options[] = {
    {"--purpose", "TEXT", "what the camera is for", SB_CLI_FIELD(options, purpose)},
    {"--rate", "N", RATE_HELP, SB_CLI_FIELD(options, rate), .minimum = 1, .limit = SB_VIDEO_RATE_MAX},
    {"--transport", "KIND", "of RTSP", SB_CLI_FIELD(options, transport), .choices = "tcp|udp"},
    {"--smallest-face", "N", FACE_HELP, SB_CLI_FIELD(options, smallest_face), .minimum = 1,
     .limit = SB_CAMERA_FACE_MAX},
    AREA_OPTIONS,
    {NULL},
};
static const sb_cli_command actions[] = {
    {.name = "list", .summary = "the cameras, their addresses and collections", .opens_gallery = true, .run = run_list},
    {.name = "add",
     .arguments = "NAME ADDRESS|-",
     .summary = "add a camera for --collection: rtsp, rtsps, http, https; - reads an address with a password",
     .options = add_options,
     .least = 2,
     .most = 2,
     .run = run_add},
    {.name = "edit",
     .arguments = "NAME [ADDRESS|-]",
     .summary = "change settings of a camera; those that are not named stay",
     .options = edit_options,
     .least = 1,
     .most = 2,
     .opens_gallery = true,
     .run = run_edit},
    {.name = "show",
     .arguments = "NAME",
     .summary = "what is stored about a camera",
     .least = 1,
     .most = 1,
     .opens_gallery = true,
     .run = run_show},
    {.name = "test",
     .arguments = "NAME|ADDRESS|-",
     .summary = "connect, and say what the camera sends",
     .least = 1,
     .most = 1,
     .run = run_test},
    {.name = "snapshot",
     .arguments = "NAME|ADDRESS|- FILE",
     .summary = "write one picture of the camera to a file, as JPEG",
     .least = 2,
     .most = 2,
     .run = run_snapshot},
    {.name = "remove",
     .arguments = "NAME",
     .summary = "remove a camera; its events stay",
     .least = 1,
     .most = 1,
     .opens_gallery = true,
     .run = run_remove},
    {NULL},
};
const sb_cli_command sb_cli_command_cameras = {.name = "cameras",
                                               .summary = "cameras that the server watches",
                                               .options_size = sizeof(options),
                                               .actions = actions,
                                               .first_is_default = true};
