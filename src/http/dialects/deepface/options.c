#include "http/dialects/deepface/options.h"

#include <string.h>

enum { PHOTOS_MAX = 32 };

bool sb_http_deepface_bool(sb_http_params *p, const char *name, bool fallback) {
  static const char *const words[] = {"false", "False", "0", "true", "True", "1", NULL};
  int chosen = sb_http_params_choice(p, name, words);
  return chosen < 0 ? fallback : chosen >= 3;
}

static bool is_detector(const char *name) {
  static const char *const names[] = {"opencv", "ssd",       "dlib",       "mtcnn",  "fastmtcnn", "retinaface",
                                      "yunet",  "mediapipe", "centerface", "yolov8", "skip",      "semblance"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(name, names[i])) return true;
  /* yolov8n ... yolov12l, yolov11n-face and so on */
  return !strncmp(name, "yolov", 5) && strspn(name + 5, "0123456789") && strlen(name) < 16;
}

sb_http_deepface_options sb_http_deepface_options_read(sb_http_params *p) {
  static const char *const methods[] = {"exact", "ann", NULL};
  static const char *const normalizations[] = {"base",    "raw",      "Facenet", "Facenet2018",
                                               "VGGFace", "VGGFace2", "ArcFace", NULL};
  const char *detector = sb_http_params_text(p, "detector_backend");
  if (detector && !is_detector(detector))
    sb_http_params_reject(p, SB_INVALID,
                          "detector_backend is not one of DeepFace's names, such as opencv, retinaface or skip");
  int method = sb_http_params_choice(p, "search_method", methods);
  if (sb_http_params_choice(p, "normalization", normalizations) > 0)
    sb_http_params_reject(p, SB_INVALID, "normalization: each model prepares its input itself; leave it out, or base");
  if (sb_http_params_count(p, "expand_percentage", 0, 1000, 0))
    sb_http_params_reject(p, SB_INVALID, "expand_percentage: faces are cut out by their landmarks; leave it out, or 0");
  if (!sb_http_deepface_bool(p, "align", true))
    sb_http_params_reject(p, SB_INVALID, "align: faces are always aligned; leave it out, or true");
  (void)sb_http_deepface_bool(p, "l2_normalize", true); /* checked: embeddings have unit length in any case */
  return (sb_http_deepface_options){.detector = detector ? detector : "semblance",
                                    .method = methods[method > 0 ? method : 0],
                                    .skip = detector && !strcmp(detector, "skip"),
                                    .enforce = sb_http_deepface_bool(p, "enforce_detection", true)};
}

static const char *choose_field(const sb_http_request *request, const char *name, const char *old) {
  bool has_old = false;
  for (size_t i = 0; i < request->field_count; i++) {
    if (!strcmp(request->fields[i].name, name)) return name;
    has_old |= !strcmp(request->fields[i].name, old);
  }
  return has_old ? old : name;
}

const sb_photo *sb_http_deepface_photos(sb_http_params *p, const char *name, const char *old, size_t *count) {
  const sb_photo *photos = sb_http_params_photos(p, choose_field(p->request, name, old), count);
  if (*count > PHOTOS_MAX) sb_http_params_reject(p, SB_INVALID, "%s: at most %d photos are read", name, PHOTOS_MAX);
  return photos;
}

static bool is_vector(const sb_http_request *request, const char *name) {
  for (size_t i = 0; i < request->field_count; i++)
    if (!strcmp(request->fields[i].name, name)) return request->fields[i].vector;
  return false;
}

sb_http_deepface_side sb_http_deepface_side_read(sb_http_params *p, const char *name, const char *old) {
  sb_http_deepface_side side = {.photo = {NULL, 0}};
  const char *field = choose_field(p->request, name, old);
  if (!is_vector(p->request, field)) {
    side.photo = sb_http_params_photo(p, field);
    return side;
  }
  /* Who may choose an embedding can approach a person's step by step. */
  if (!sb_http_principal_is_admin(&p->request->principal))
    sb_http_params_reject(p, SB_FORBIDDEN, "%s: an embedding in place of a photo needs a key of role admin", name);
  sb_http_params_vectors(p, field, &side.embedding, 1);
  return side;
}
