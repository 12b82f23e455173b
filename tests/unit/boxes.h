/* HEIC and AVIF files written box by box (ISO/IEC 14496-12). */
#ifndef SB_TESTS_BOXES_H
#define SB_TESTS_BOXES_H

#include "unit.h"

typedef struct file {
  uint8_t bytes[1 << 14];
  size_t size;
} file;

static inline void add(file *f, const void *bytes, size_t size) {
  assert_true(f->size + size <= sizeof f->bytes);
  memcpy(f->bytes + f->size, bytes, size);
  f->size += size;
}

static inline void set32(file *f, size_t at, size_t value) {
  for (int i = 0; i < 4; i++) f->bytes[at + (size_t)i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline size_t begin(file *f, const char *type) {
  size_t at = f->size;
  add(f, "\0\0\0\0", 4);
  add(f, type, 4);
  return at;
}

static inline void end(file *f, size_t at) {
  set32(f, at, f->size - at);
}

static inline void whole(file *f, const char *type, const void *payload, size_t size) {
  size_t at = begin(f, type);
  add(f, payload, size);
  end(f, at);
}
#define WHOLE(f, type, payload) whole(f, type, payload, sizeof payload - 1)

#endif
