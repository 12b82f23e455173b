/* Reads the few protobuf fields of ONNX that matter here (onnx.proto3), without a protobuf library. A message is a
 * sequence of fields: a key (field number and wire type), then a varint, 8 bytes, a length with as many bytes, or 4
 * bytes. The comments before the functions list the field numbers that they read. The file is untrusted: depth and
 * number of fields are limited. */
#include "infer/onnx.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 16, FIELDS_MAX = 50 * 1000 * 1000 };
enum { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_32 = 5 };

typedef struct span {
  const uint8_t *at, *end;
} span;

typedef struct field {
  uint64_t number, value; /* value: of a varint */
  int wire;
  span bytes; /* of WIRE_BYTES */
} field;

/* Sticky error: the first failure stays in `status`, and all reading stops. */
typedef struct inspection {
  const char *path;
  sb_infer_onnx *out;
  bool graph_seen, opset_seen;
  size_t fields; /* visited so far; limited, because a file of tiny fields would take hours */
  sb_status status;
  sb_error *error;
} inspection;

static void malformed(inspection *i) {
  if (i->status == SB_OK)
    i->status = sb_fail(i->error, SB_MODEL, "the model file %s is truncated or not an ONNX file", i->path);
}

static bool read_varint(span *s, uint64_t *value) {
  *value = 0;
  for (int shift = 0; shift < 64 && s->at < s->end; shift += 7) {
    uint8_t byte = *s->at++;
    *value |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return true;
  }
  return false;
}

/* Reads the next field of a message. False at its end, or after a failure. */
static bool next_field(inspection *i, span *s, field *f) {
  uint64_t key, size = 0;
  if (i->status != SB_OK || s->at == s->end) return false;
  if (++i->fields > FIELDS_MAX) return malformed(i), false;
  *f = (field){0};
  bool sound = read_varint(s, &key) && key >> 3;
  f->number = key >> 3;
  f->wire = (int)(key & 7);
  switch (f->wire) {
  case WIRE_VARINT: sound = sound && read_varint(s, &f->value); break;
  case WIRE_BYTES: sound = sound && read_varint(s, &size); break;
  case WIRE_64: size = 8; break;
  case WIRE_32: size = 4; break;
  default: sound = false;
  }
  if (!sound || size > (uint64_t)(s->end - s->at)) return malformed(i), false;
  f->bytes = (span){s->at, s->at + size};
  s->at += size;
  return true;
}

static bool is(const field *f, uint64_t number, int wire) {
  return f->number == number && f->wire == wire;
}

static void copy_text(span text, char *out, size_t size) {
  size_t length = (size_t)(text.end - text.at);
  if (length >= size) length = size - 1;
  memcpy(out, text.at, length);
  out[length] = 0;
}

/* ---- Refusing weights in other files ("external data") */

/* StringStringEntryProto { 1: key, 2: value }, of which the key "location" names the file. */
static void refuse_external(inspection *i, span entry) {
  char key[32] = "", value[200] = "";
  field f;
  while (next_field(i, &entry, &f)) {
    if (is(&f, 1, WIRE_BYTES)) copy_text(f.bytes, key, sizeof key);
    if (is(&f, 2, WIRE_BYTES)) copy_text(f.bytes, value, sizeof value);
  }
  if (i->status != SB_OK || strcmp(key, "location")) return;
  for (char *c = value; *c; c++)
    if ((unsigned char)*c < ' ') *c = '?';
  bool outside = value[0] == '/' || strstr(value, "..");
  i->status = sb_fail(i->error, SB_MODEL,
                      "the model file %s keeps weights in another file (%.80s)%s; save the model as one file with its "
                      "weights inside",
                      i->path, value, outside ? ", even outside its folder" : "");
}

/* TensorProto { 13: external_data, 14: data_location (1: external) } */
static void check_tensor(inspection *i, span tensor) {
  field f;
  bool external = false;
  while (next_field(i, &tensor, &f)) {
    if (is(&f, 13, WIRE_BYTES)) refuse_external(i, f.bytes);
    if (is(&f, 14, WIRE_VARINT) && f.value == 1) external = true;
  }
  if (i->status == SB_OK && external)
    i->status = sb_fail(i->error, SB_MODEL,
                        "the model file %s keeps weights in another file; save the model as one file", i->path);
}

/* SparseTensorProto { 1: values, 2: indices } */
static void check_sparse(inspection *i, span tensor) {
  field f;
  while (next_field(i, &tensor, &f))
    if (is(&f, 1, WIRE_BYTES) || is(&f, 2, WIRE_BYTES)) check_tensor(i, f.bytes);
}

static void check_graph(inspection *i, span graph, int depth);

/* NodeProto { 5: attribute }; AttributeProto { 5: t, 6: g, 10: tensors, 11: graphs, 22, 23: sparse } */
static void check_node(inspection *i, span node, int depth) {
  field f, part;
  while (next_field(i, &node, &f)) {
    if (!is(&f, 5, WIRE_BYTES)) continue;
    span attribute = f.bytes;
    while (next_field(i, &attribute, &part)) {
      if (is(&part, 5, WIRE_BYTES) || is(&part, 10, WIRE_BYTES)) check_tensor(i, part.bytes);
      if (is(&part, 22, WIRE_BYTES) || is(&part, 23, WIRE_BYTES)) check_sparse(i, part.bytes);
      if (is(&part, 6, WIRE_BYTES) || is(&part, 11, WIRE_BYTES)) check_graph(i, part.bytes, depth + 1);
    }
  }
}

/* GraphProto { 1: node, 5: initializer, 15: sparse_initializer }, without its inputs and outputs */
static void check_graph(inspection *i, span graph, int depth) {
  field f;
  if (depth > DEPTH_MAX) malformed(i);
  while (next_field(i, &graph, &f)) {
    if (is(&f, 1, WIRE_BYTES)) check_node(i, f.bytes, depth);
    if (is(&f, 5, WIRE_BYTES)) check_tensor(i, f.bytes);
    if (is(&f, 15, WIRE_BYTES)) check_sparse(i, f.bytes);
  }
}

/* ---- Inputs and outputs */

/* TensorShapeProto { 1: dim }; Dimension { 1: dim_value } */
static void read_shape(inspection *i, span shape, sb_infer_onnx_value *out) {
  field f, part;
  out->rank = 0;
  while (next_field(i, &shape, &f)) {
    if (!is(&f, 1, WIRE_BYTES)) continue;
    if (out->rank == SB_ONNX_RANK_MAX) {
      malformed(i);
      return;
    }
    span dimension = f.bytes;
    int64_t *size = &out->dims[out->rank++];
    while (next_field(i, &dimension, &part))
      if (is(&part, 1, WIRE_VARINT)) *size = (int64_t)part.value;
  }
}

/* ValueInfoProto { 1: name, 2: type }; TypeProto { 1: tensor_type }; Tensor { 1: elem_type, 2: shape } */
static void read_value(inspection *i, span info, sb_infer_onnx_value *values, size_t *count) {
  field f, type, part;
  sb_infer_onnx_value value = {.rank = -1};
  while (next_field(i, &info, &f)) {
    if (is(&f, 1, WIRE_BYTES)) copy_text(f.bytes, value.name, sizeof value.name);
    if (!is(&f, 2, WIRE_BYTES)) continue;
    span types = f.bytes;
    while (next_field(i, &types, &type)) {
      if (!is(&type, 1, WIRE_BYTES)) continue;
      span tensor = type.bytes;
      while (next_field(i, &tensor, &part))
        if (is(&part, 2, WIRE_BYTES)) read_shape(i, part.bytes, &value);
    }
  }
  if (i->status == SB_OK && *count < SB_ONNX_VALUES_MAX) values[(*count)++] = value;
}

/* TensorProto { 8: name } */
static void name_of_tensor(inspection *i, span tensor, char name[64]) {
  field f;
  while (next_field(i, &tensor, &f))
    if (is(&f, 8, WIRE_BYTES)) copy_text(f.bytes, name, 64);
}

static bool is_constant(inspection *i, span graph, const char *name) {
  field f;
  bool found = false;
  while (!found && next_field(i, &graph, &f)) {
    char constant[64] = "";
    if (is(&f, 5, WIRE_BYTES)) name_of_tensor(i, f.bytes, constant);
    found = is(&f, 5, WIRE_BYTES) && !strcmp(constant, name);
  }
  return found;
}

/* GraphProto { 11: input, 12: output }. Before IR version 4, the inputs also list the constants. */
static void read_values(inspection *i, span graph) {
  field f;
  span rest = graph;
  sb_infer_onnx *out = i->out;
  while (next_field(i, &rest, &f)) {
    sb_infer_onnx_value value[1];
    size_t count = 0;
    if (is(&f, 11, WIRE_BYTES)) {
      read_value(i, f.bytes, value, &count);
      if (count && out->input_count < SB_ONNX_VALUES_MAX && !is_constant(i, graph, value->name))
        out->inputs[out->input_count++] = *value;
    }
    if (is(&f, 12, WIRE_BYTES)) read_value(i, f.bytes, out->outputs, &out->output_count);
  }
}

/* ---- The file */

/* OperatorSetIdProto { 1: domain, 2: version } */
static void read_opset(inspection *i, span opset) {
  char domain[64] = "";
  field f;
  uint64_t version = 0;
  while (next_field(i, &opset, &f)) {
    if (is(&f, 1, WIRE_BYTES)) copy_text(f.bytes, domain, sizeof domain);
    if (is(&f, 2, WIRE_VARINT)) version = f.value;
  }
  if (i->status != SB_OK || (*domain && strcmp(domain, "ai.onnx"))) return;
  i->opset_seen = true;
  i->out->opset = (int64_t)version;
  if (version < SB_ONNX_OPSET_LEAST || version > SB_ONNX_OPSET_MOST)
    i->status =
        sb_fail(i->error, SB_MODEL,
                "the model file %s uses ONNX operator set %llu, but only %d to %d are supported; convert it with "
                "onnx.version_converter",
                i->path, (unsigned long long)version, SB_ONNX_OPSET_LEAST, SB_ONNX_OPSET_MOST);
}

/* ModelProto { 7: graph, 8: opset_import, 25: functions }; FunctionProto { 7: node } */
static void check_model(inspection *i, span model) {
  field f, part;
  while (next_field(i, &model, &f)) {
    if (is(&f, 8, WIRE_BYTES)) read_opset(i, f.bytes);
    if (is(&f, 7, WIRE_BYTES)) {
      i->graph_seen = true;
      check_graph(i, f.bytes, 0);
      read_values(i, f.bytes);
    }
    if (!is(&f, 25, WIRE_BYTES)) continue;
    span function = f.bytes;
    while (next_field(i, &function, &part))
      if (is(&part, 7, WIRE_BYTES)) check_node(i, part.bytes, 0);
  }
  if (!i->graph_seen || !i->opset_seen) malformed(i);
}

sb_status sb_infer_onnx_inspect(const char *path, sb_infer_onnx *out, sb_error *error) {
  struct stat info;
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return sb_fail_errno(error, errno, "open the model file", path);
  bool known = fstat(file, &info) == 0;
  void *bytes = MAP_FAILED;
  if (known && S_ISREG(info.st_mode) && info.st_size > 0)
    bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  int cause = errno;
  close(file);
  if (!known) return sb_fail_errno(error, cause, "read the size of the model file", path);
  if (!S_ISREG(info.st_mode)) return sb_fail(error, SB_MODEL, "%s is not a regular file", path);
  if (info.st_size == 0) return sb_fail(error, SB_MODEL, "the model file %s is empty", path);
  if (bytes == MAP_FAILED) return sb_fail_errno(error, cause, "read the model file", path);
  sb_infer_onnx found = {0};
  inspection i = {.path = path, .out = &found, .error = error};
  check_model(&i, (span){bytes, (const uint8_t *)bytes + info.st_size});
  munmap(bytes, (size_t)info.st_size);
  if (i.status == SB_OK) *out = found;
  return i.status;
}
