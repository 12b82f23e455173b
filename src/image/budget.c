/* What one decode may cost (scale, memory, time), and the memory that all photos of the process share.
 *
 * The shared memory is a counter with a queue: each caller draws a ticket and waits until the callers before it have
 * their part and its own part is free. Without tickets, small photos would overtake a large one for ever. */
#include "image/codecs.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>

enum {
  SCALE_MAX = 8,
  CHANNELS = 3,
  /* A decoded photo counts three times: detection turns it by quarter turns and keeps the better of two such copies. */
  COPIES = 3
};

static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  size_t limit, used, most;
  size_t together; /* more than one photo may have no more than this */
  uint64_t next_ticket, served;
} memory = {
    .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .limit = 512u << 20, .together = SIZE_MAX};

/* Where the address space is limited (ulimit -v), photos wait for each other, so that the rest is left to the models:
 * the inference runtime may crash when an allocation fails. With 512 MB a large photo then is the only one; with four
 * times that share, a busy machine refused up to half of the photos of six callers. SIZE_MAX: there is no limit. */
static size_t share_of_address_space(void) {
  enum { SHARE = 64 };
  struct rlimit space;
  bool limited = !getrlimit(RLIMIT_AS, &space) && space.rlim_cur != RLIM_INFINITY;
  return limited ? (size_t)space.rlim_cur / SHARE : SIZE_MAX;
}

void sb_image_memory_raise(size_t bytes) {
  pthread_mutex_lock(&memory.lock);
  if (bytes > memory.limit) memory.limit = bytes;
  memory.together = share_of_address_space();
  pthread_cond_broadcast(&memory.changed);
  pthread_mutex_unlock(&memory.lock);
}

void sb_image_memory_used(size_t *now, size_t *most) {
  pthread_mutex_lock(&memory.lock);
  *now = memory.used;
  *most = memory.most;
  pthread_mutex_unlock(&memory.lock);
}

/* Is there room for so many bytes? One photo alone may have all. */
static bool has_room(size_t bytes) {
  size_t most = memory.together < memory.limit ? memory.together : memory.limit;
  return !memory.used || memory.used + bytes <= most;
}

static void take(size_t bytes) {
  pthread_mutex_lock(&memory.lock);
  uint64_t ticket = memory.next_ticket++;
  while (ticket != memory.served || !has_room(bytes)) pthread_cond_wait(&memory.changed, &memory.lock);
  memory.served++;
  memory.used += bytes;
  if (memory.used > memory.most) memory.most = memory.used;
  pthread_cond_broadcast(&memory.changed);
  pthread_mutex_unlock(&memory.lock);
}

void sb_image_memory_give(size_t bytes) {
  if (!bytes) return;
  pthread_mutex_lock(&memory.lock);
  memory.used -= bytes;
  pthread_cond_broadcast(&memory.changed);
  pthread_mutex_unlock(&memory.lock);
}

/* ---- One decode */

static uint64_t picture_bytes(uint64_t width, uint64_t height) {
  return width * height * CHANNELS;
}

/* An eighth of the memory is left to the decoder. */
static bool fits(uint64_t width, uint64_t height, const sb_image_limits *limits) {
  return width <= (uint64_t)limits->max_side && height <= (uint64_t)limits->max_side &&
         width * height <= limits->max_pixels &&
         COPIES * picture_bytes(width, height) <= limits->max_memory - limits->max_memory / 8;
}

int sb_image_scale(uint64_t width, uint64_t height, const sb_image_limits *limits) {
  uint64_t longer = width > height ? width : height, enough = (uint64_t)limits->enough_side;
  int scale = 1;
  while (scale < SCALE_MAX) {
    uint64_t next = 2 * (uint64_t)scale;
    bool more_than_enough = enough && longer / next >= enough;
    if (!more_than_enough && fits(width / (uint64_t)scale, height / (uint64_t)scale, limits)) break;
    scale *= 2;
  }
  return scale;
}

sb_status sb_image_reserve(sb_image_decoded *out, uint64_t width, uint64_t height, uint64_t codec,
                           const sb_image_limits *limits, sb_error *error) {
  uint64_t picture = picture_bytes(width, height), decoding = codec + 2 * picture; /* and a copy turned upright */
  uint64_t wanted = decoding > COPIES * picture ? decoding : COPIES * picture;
  size_t all = limits->max_memory < memory.limit ? limits->max_memory : memory.limit;
  if (wanted > all)
    return sb_fail(error, SB_IMAGE_TOO_LARGE,
                   "decoding the photo would take %llu MiB of memory; the limit is %zu MiB: send a smaller copy",
                   (unsigned long long)(wanted >> 20), all >> 20);
  take((size_t)wanted);
  out->reserved = (size_t)wanted;
  return SB_OK;
}

void sb_image_keep_reserved(sb_image_decoded *decoded) {
  size_t kept = (size_t)(COPIES * picture_bytes((uint64_t)decoded->image.width, (uint64_t)decoded->image.height));
  if (kept > decoded->reserved) kept = decoded->reserved;
  sb_image_memory_give(decoded->reserved - kept);
  decoded->image.reserved = kept;
  decoded->reserved = 0;
}

double sb_image_processor_ms(void) {
  struct timespec now = {0};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

sb_status sb_image_check_time(const sb_image_decoded *decoded, const sb_image_limits *limits, sb_error *error) {
  if (sb_image_processor_ms() - decoded->start_ms <= limits->max_ms) return SB_OK;
  return sb_fail(error, SB_IMAGE_TOO_LARGE,
                 "decoding the photo took more than %.1f seconds; save it again with a photo editor",
                 limits->max_ms / 1e3);
}

sb_status sb_image_check_work(uint64_t pixels, uint64_t passes, const sb_image_limits *limits, sb_error *error) {
  if (!passes || pixels <= limits->max_work / passes) return SB_OK;
  return sb_fail(error, SB_IMAGE_TOO_LARGE,
                 "the photo needs %llu passes over %llu megapixels to decode, which is more than the limit; save it "
                 "again with a photo editor, smaller or not progressive",
                 (unsigned long long)passes, (unsigned long long)(pixels / 1000000));
}
