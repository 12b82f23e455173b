/* Before libheif decodes: how large the pictures are that the streams within the file announce. libheif checks the sizes that the
 * file's boxes tell, but decoders make room for what their own stream tells: a file of 600 bytes, 64 x 64 by its boxes, made one ask
 * for 3.5 GB.
 *
 * So the photo is decoded twice, first by a decoder of ours, which libheif hands every stream that it would hand to the real one: it
 * reads the sizes and gives grey pictures as large. It is there for the thread that looks alone. */
#include "image/heif_look.h"

#include "image/codecs.h"
#include "image/coded_size.h"

#include <libheif/heif_plugin.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
  ROOM = 4, /* times the pixels that are read: frames of their own sizes, each side told in a number of bits */
  BEFORE_ALL = 1 << 20 /* of decoders; asked for by its name, libheif 1.15 would not take it for tiles */
};

typedef struct look {
  bool active;
  enum heif_compression_format format;
  const sb_image_limits *limits;
  sb_status status; /* not SB_OK: a picture is too large */
  sb_error *error;
} look;

/* libheif tells a plugin nothing of who asks. */
static _Thread_local look looking;

typedef struct stream {
  uint8_t *bytes;
  size_t size;
} stream;

static const struct heif_error well = {heif_error_Ok, heif_suberror_Unspecified, "Success"};
static const struct heif_error out_of_memory = {heif_error_Memory_allocation_error, heif_suberror_Unspecified,
                                                "out of memory"};
static const struct heif_error no_size = {heif_error_Decoder_plugin_error, heif_suberror_Unspecified,
                                          "a stream tells no picture size"};
static const struct heif_error too_large = {heif_error_Memory_allocation_error, heif_suberror_Security_limit_exceeded,
                                            "a stream tells too large a picture"};

static const char *name(void) {
  return "sizes of pictures";
}

static int priority(enum heif_compression_format format) {
  looking.format = format;
  return looking.active && (format == heif_compression_AV1 || format == heif_compression_HEVC) ? BEFORE_ALL : 0;
}

static struct heif_error begin(void **decoder) {
  *decoder = calloc(1, sizeof(stream));
  return *decoder ? well : out_of_memory;
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
  return well;
}

static bool is_small_enough(const sb_image_coded_size *coded) {
  looking.status = sb_image_size_check(coded->width, coded->height, looking.limits, looking.error);
  if (looking.status != SB_OK) return false;
  if ((uint64_t)coded->room_width * coded->room_height <= (uint64_t)ROOM * looking.limits->max_pixels) return true;
  looking.status = sb_image_size_check(coded->room_width, coded->room_height, looking.limits, looking.error);
  return looking.status == SB_OK;
}

static struct heif_error give_picture(void *decoder, struct heif_image **out) {
  const stream *s = decoder;
  sb_image_coded_size coded;
  bool told = looking.format == heif_compression_AV1 ? sb_image_coded_size_av1(s->bytes, s->size, &coded)
                                                     : sb_image_coded_size_hevc(s->bytes, s->size, &coded);
  if (!told) return no_size;
  if (!is_small_enough(&coded)) return too_large;
  int width = (int)coded.width, height = (int)coded.height;
  struct heif_error code = heif_image_create(width, height, heif_colorspace_monochrome, heif_chroma_monochrome, out);
  if (code.code == heif_error_Ok) code = heif_image_add_plane(*out, heif_channel_Y, width, height, 8);
  if (code.code == heif_error_Ok) return well;
  heif_image_release(*out);
  *out = NULL;
  return code;
}

static void be_strict(void *decoder, int flag) {
  (void)decoder;
  (void)flag;
}

static const struct heif_decoder_plugin looker = {.plugin_api_version = 3,
                                                  .get_plugin_name = name,
                                                  .does_support_format = priority,
                                                  .new_decoder = begin,
                                                  .free_decoder = end,
                                                  .push_data = push,
                                                  .decode_image = give_picture,
                                                  .set_strict_decoding = be_strict,
                                                  .id_name = "semblance-look"};

static struct heif_error registered;

static void register_looker(void) {
  registered = heif_register_decoder_plugin(&looker);
}

void sb_image_heif_prepare(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, register_looker);
}

sb_status sb_image_heif_check_sizes(struct heif_context *context, const struct heif_image_handle *handle,
                                    const sb_image_limits *limits, struct heif_error *code, sb_error *error) {
  struct heif_decoding_options *options = heif_decoding_options_alloc();
  struct heif_image *picture = NULL;
  if (!options) return sb_fail(error, SB_NO_MEMORY, "out of memory");
  heif_context_set_max_decoding_threads(context, 0); /* all in this thread */
  options->ignore_transformations = 1;
  looking = (look){.active = true, .limits = limits, .error = error};
  *code = registered;
  if (code->code == heif_error_Ok)
    *code = heif_decode_image(handle, &picture, heif_colorspace_undefined, heif_chroma_undefined, options);
  sb_status status = looking.status;
  looking = (look){0};
  if (picture) heif_image_release(picture);
  heif_decoding_options_free(options);
  heif_context_set_max_decoding_threads(context, (int)sb_cpu_cores());
  return status;
}
