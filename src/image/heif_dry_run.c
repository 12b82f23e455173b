/* Size check of HEIC and AVIF for libheif < 1.21, by a dry run. libheif checks the sizes that the file's boxes claim,
 * but a decoder allocates what its bitstream claims: a file of 600 bytes, 64 x 64 pixels by its boxes, made one
 * allocate 3.5 GB.
 *
 * So each photo is decoded twice. The first time, a decoder plugin of ours receives every bitstream that the real
 * decoder would receive; it only reads the sizes (coded_size.c), checks them against the limits, and returns grey
 * pictures of that size. The plugin is registered once for the process, but offers itself only to the thread whose
 * `run.active` is set. */
#include "image/heif_limits.h"

#include "image/codecs.h"
#include "image/coded_size.h"

#include <libheif/heif_plugin.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
  PASSES = 4,          /* what a pixel of HEVC or AV1 costs, in passes over a pixel of the other formats */
  ROOM = 4,            /* times max_pixels: an AV1 header gives only the number of bits of each side of a frame */
  BEFORE_ALL = 1 << 20 /* priority over all decoders; libheif 1.15 ignores a decoder chosen by id for tiles */
};

typedef struct dry_run {
  bool active;
  enum heif_compression_format format;
  const sb_image_limits *limits;
  uint64_t pixels;  /* of all pictures so far: of the tiles of a grid, the layers of an overlay, the alpha */
  sb_status status; /* not SB_OK: a picture is too large */
  sb_error *error;
} dry_run;

/* Thread-local, because libheif gives a plugin no context of its caller. */
static _Thread_local dry_run run;

typedef struct stream {
  uint8_t *bytes;
  size_t size;
} stream;

static const struct heif_error success = {heif_error_Ok, heif_suberror_Unspecified, "Success"};
static const struct heif_error out_of_memory = {heif_error_Memory_allocation_error, heif_suberror_Unspecified,
                                                "out of memory"};
static const struct heif_error no_size = {heif_error_Decoder_plugin_error, heif_suberror_Unspecified,
                                          "a bitstream without a picture size"};
static const struct heif_error too_large = {heif_error_Memory_allocation_error, heif_suberror_Security_limit_exceeded,
                                            "a bitstream with too large a picture"};

static const char *name(void) {
  return "Semblance size check";
}

static int priority(enum heif_compression_format format) {
  run.format = format;
  return run.active && (format == heif_compression_AV1 || format == heif_compression_HEVC) ? BEFORE_ALL : 0;
}

static struct heif_error begin(void **decoder) {
  *decoder = calloc(1, sizeof(stream));
  return *decoder ? success : out_of_memory;
}

static void end(void *decoder) {
  stream *s = decoder;
  free(s->bytes);
  free(s);
}

static struct heif_error push(void *decoder, const void *data, size_t size) {
  stream *s = decoder;
  uint8_t *grown = size ? realloc(s->bytes, s->size + size) : s->bytes;
  if (size && !grown) return out_of_memory;
  if (size) memcpy(grown + s->size, data, size);
  s->bytes = grown;
  s->size += size;
  return success;
}

static bool is_small_enough(const sb_image_coded_size *coded) {
  run.status = sb_image_size_check(coded->width, coded->height, run.limits, run.error);
  run.pixels += (uint64_t)coded->width * coded->height;
  if (run.status == SB_OK) run.status = sb_image_check_work(run.pixels, PASSES, run.limits, run.error);
  if (run.status != SB_OK) return false;
  if ((uint64_t)coded->room_width * coded->room_height <= (uint64_t)ROOM * run.limits->max_pixels) return true;
  run.status = sb_image_size_check(coded->room_width, coded->room_height, run.limits, run.error);
  return run.status == SB_OK;
}

static struct heif_error give_picture(void *decoder, struct heif_image **out) {
  const stream *s = decoder;
  sb_image_coded_size coded;
  bool known = run.format == heif_compression_AV1 ? sb_image_coded_size_av1(s->bytes, s->size, &coded)
                                                  : sb_image_coded_size_hevc(s->bytes, s->size, &coded);
  if (!known) return no_size;
  if (!is_small_enough(&coded)) return too_large;
  int width = (int)coded.width, height = (int)coded.height;
  struct heif_error code = heif_image_create(width, height, heif_colorspace_monochrome, heif_chroma_monochrome, out);
  if (code.code == heif_error_Ok) code = heif_image_add_plane(*out, heif_channel_Y, width, height, 8);
  if (code.code == heif_error_Ok) return success;
  heif_image_release(*out);
  *out = NULL;
  return code;
}

static void be_strict(void *decoder, int flag) {
  (void)decoder;
  (void)flag;
}

static const struct heif_decoder_plugin size_reader = {.plugin_api_version = 3,
                                                       .get_plugin_name = name,
                                                       .does_support_format = priority,
                                                       .new_decoder = begin,
                                                       .free_decoder = end,
                                                       .push_data = push,
                                                       .decode_image = give_picture,
                                                       .set_strict_decoding = be_strict,
                                                       .id_name = "semblance-sizes"};

static struct heif_error registered;

static void register_size_reader(void) {
  registered = heif_register_decoder_plugin(&size_reader);
}

void sb_image_heif_prepare(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, register_size_reader);
}

sb_status sb_image_heif_check_sizes(struct heif_context *context, const struct heif_image_handle *handle,
                                    const sb_image_limits *limits, struct heif_error *code, sb_error *error) {
  struct heif_decoding_options *options = heif_decoding_options_alloc();
  struct heif_image *picture = NULL;
  if (!options) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  heif_context_set_max_decoding_threads(context, 0); /* 0: decode in this thread, where `run` is set */
  options->ignore_transformations = 1;
  run = (dry_run){.active = true, .limits = limits, .error = error};
  *code = registered;
  if (code->code == heif_error_Ok)
    *code = heif_decode_image(handle, &picture, heif_colorspace_undefined, heif_chroma_undefined, options);
  sb_status status = run.status;
  run = (dry_run){0};
  if (picture) heif_image_release(picture);
  heif_decoding_options_free(options);
  heif_context_set_max_decoding_threads(context, (int)sb_cpu_cores());
  return status;
}
