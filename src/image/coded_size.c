/* A bit reader and just enough of the AV1 and HEVC headers to find the picture size. The input is untrusted.
 *
 * Why: a HEIF container states a size, and the codec's own headers state another one, by which the decoder allocates.
 * The budget of pixels and memory must hold for the larger one before the decoder sees the stream.
 *
 *   AV1   a stream is a list of OBUs: a byte (type, has extension, has size), an optional extension byte, a leb128
 *         length. The size is in the sequence header. A later frame header may override it, within the number of bits
 *         that the sequence header reserves: `room` is the largest size of that many bits.
 *   HEVC  a stream is a list of NAL units, each behind its length: two bytes of header, then the payload with emulation
 *         prevention (0 0 3 stands for 0 0). The size is in the sequence parameter set, behind fields whose length
 *         depends on the number of sub-layers, and before the conformance window that crops it.
 *
 * A stream may have several headers: the result is the maximum of each side over all of them. The bit reader never
 * reads outside its bytes: beyond the end it returns zeros and sets `ended`, which ends every loop here. Lengths are
 * compared with what is left before they are used. */
#include "image/coded_size.h"

enum { AV1_SEQUENCE_HEADER = 1, HEVC_SEQUENCE_PARAMETERS = 33, SIDE_MAX = 1 << 24 };

/* A bit reader. A read past the end returns zeros and sets `ended`. */
typedef struct bits {
  const uint8_t *bytes;
  size_t size, at; /* at: in bits */
  bool ended;
} bits;

static uint32_t take(bits *b, unsigned count) {
  uint32_t value = 0;
  for (unsigned i = 0; i < count; i++, b->at++) {
    bool there = b->at / 8 < b->size;
    if (!there) b->ended = true;
    value = value << 1 | (there ? b->bytes[b->at / 8] >> (7 - b->at % 8) & 1u : 0u);
  }
  return value;
}

static void skip(bits *b, size_t count) {
  b->at += count;
  if (b->at > 8 * b->size) b->ended = true;
}

/* Exponential-Golomb code: H.265's ue(v), and AV1's uvlc() except for its largest values, which do not occur here. */
static uint32_t take_golomb(bits *b) {
  unsigned zeros = 0;
  while (!b->ended && !take(b, 1)) zeros++;
  if (zeros < 32) return (uint32_t)((1u << zeros) - 1 + take(b, zeros));
  b->ended = true;
  return 0;
}

static void widen(sb_image_coded_size *all, const sb_image_coded_size *one) {
  if (one->width > all->width) all->width = one->width;
  if (one->height > all->height) all->height = one->height;
  if (one->room_width > all->room_width) all->room_width = one->room_width;
  if (one->room_height > all->room_height) all->room_height = one->room_height;
}

/* ---- AV1 */

/* Skips from timing_info_present_flag to frame_width_bits_minus_1 (not present in a reduced still-picture header). */
static void skip_operating_points(bits *b) {
  unsigned delay_bits = 0;
  bool model = false;
  if (take(b, 1)) { /* timing_info_present_flag */
    skip(b, 64);
    if (take(b, 1)) take_golomb(b);
    model = take(b, 1);
    if (model) {
      delay_bits = take(b, 5) + 1;
      skip(b, 32 + 5 + 5);
    }
  }
  bool display_delay = take(b, 1);
  for (uint32_t left = take(b, 5) + 1; left && !b->ended; left--) {
    skip(b, 12);
    if (take(b, 5) > 7) skip(b, 1); /* seq_level_idx, seq_tier */
    if (model && take(b, 1)) skip(b, 2 * delay_bits + 1);
    if (display_delay && take(b, 1)) skip(b, 4);
  }
}

static bool read_sequence_header(bits *b, sb_image_coded_size *out) {
  skip(b, 3 + 1); /* seq_profile, still_picture */
  bool reduced = take(b, 1);
  if (reduced)
    skip(b, 5);
  else
    skip_operating_points(b);
  unsigned width_bits = take(b, 4) + 1, height_bits = take(b, 4) + 1;
  uint32_t width = take(b, width_bits) + 1, height = take(b, height_bits) + 1;
  *out = (sb_image_coded_size){width, height, width, height};
  if (!reduced) { /* a frame header may override the size in fields of this width, and decoders allocate accordingly */
    out->room_width = 1u << width_bits;
    out->room_height = 1u << height_bits;
  }
  return !b->ended;
}

bool sb_image_coded_size_av1(const uint8_t *bytes, size_t size, sb_image_coded_size *out) {
  *out = (sb_image_coded_size){0};
  while (size) {
    unsigned type = bytes[0] >> 3 & 15;
    size_t header = 1 + (bytes[0] >> 2 & 1), length = 0;
    bool sized = bytes[0] >> 1 & 1, more = sized;
    for (unsigned shift = 0; more && shift < 56; shift += 7, header++) { /* leb128 */
      if (header >= size) return false;
      length |= (size_t)(bytes[header] & 127) << shift;
      more = bytes[header] >> 7;
    }
    if (header > size) return false;
    if (!sized) length = size - header;
    if (more || length > size - header) return false;
    bits b = {bytes + header, length, 0, false};
    sb_image_coded_size one;
    if (type == AV1_SEQUENCE_HEADER) {
      if (!read_sequence_header(&b, &one)) return false;
      widen(out, &one);
    }
    bytes += header + length;
    size -= header + length;
  }
  return out->width > 0;
}

/* ---- HEVC */

/* Removes emulation prevention bytes (the 3 of each 0 0 3). Returns the length. */
static size_t unescape(const uint8_t *bytes, size_t size, uint8_t *out) {
  size_t length = 0, zeros = 0;
  for (size_t i = 0; i < size; i++) {
    bool escape = zeros >= 2 && bytes[i] == 3;
    zeros = bytes[i] || escape ? 0 : zeros + 1;
    if (!escape) out[length++] = bytes[i];
  }
  return length;
}

static void skip_profile_tier_level(bits *b, unsigned sub_layers) {
  bool profile[8] = {0}, level[8] = {0};
  skip(b, 96);
  for (unsigned i = 0; i < sub_layers; i++) {
    profile[i] = take(b, 1);
    level[i] = take(b, 1);
  }
  if (sub_layers) skip(b, 2 * (8 - sub_layers));
  for (unsigned i = 0; i < sub_layers; i++) skip(b, 88 * profile[i] + 8 * level[i]);
}

static bool read_sequence_parameters(bits *b, sb_image_coded_size *out) {
  skip(b, 4);
  unsigned sub_layers = take(b, 3); /* sps_max_sub_layers_minus1 */
  skip(b, 1);
  skip_profile_tier_level(b, sub_layers);
  take_golomb(b);
  uint32_t chroma = take_golomb(b), window[4] = {0};
  if (chroma == 3) skip(b, 1);
  uint32_t width = take_golomb(b), height = take_golomb(b);
  if (take(b, 1))
    for (int i = 0; i < 4; i++)
      window[i] = take_golomb(b); /* conformance window: left, right, top, bottom, in chroma samples */
  if (b->ended || width > SIDE_MAX || height > SIDE_MAX) return false;
  uint64_t across = ((uint64_t)window[0] + window[1]) * (chroma == 1 || chroma == 2 ? 2 : 1);
  uint64_t down = ((uint64_t)window[2] + window[3]) * (chroma == 1 ? 2 : 1);
  if (across >= width || down >= height) return false;
  *out = (sb_image_coded_size){width - (uint32_t)across, height - (uint32_t)down, width, height};
  return true;
}

bool sb_image_coded_size_hevc(const uint8_t *bytes, size_t size, sb_image_coded_size *out) {
  *out = (sb_image_coded_size){0};
  while (size >= 4) {
    size_t length = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
    bytes += 4;
    size -= 4;
    if (length > size) return false;
    bool base_layer = length > 2 && !(bytes[0] & 1) && !(bytes[1] >> 3); /* decoders skip the other layers */
    if (base_layer && (bytes[0] >> 1 & 63) == HEVC_SEQUENCE_PARAMETERS) {
      uint8_t payload[4096]; /* the size is within the first hundred bytes */
      size_t some = length - 2 < sizeof payload ? length - 2 : sizeof payload;
      bits b = {payload, unescape(bytes + 2, some, payload), 0, false};
      sb_image_coded_size one;
      if (!read_sequence_parameters(&b, &one)) return false;
      widen(out, &one);
    }
    bytes += length;
    size -= length;
  }
  return out->width > 0;
}
