/* The fields of params.h one at a time. Going away: handlers use sb_http_params. */
#include "http/core/request_fields.h"

static sb_status copy_error(const sb_http_params *p, sb_error *error) {
  if (error && p->error.code != SB_OK) *error = p->error;
  return p->error.code;
}

sb_status sb_http_request_text(sb_http_request *request, const char *name, const char **out, sb_error *error) {
  sb_http_params p = sb_http_params_begin(request);
  const char *text = sb_http_params_text(&p, name);
  if (p.error.code == SB_OK) *out = text;
  return copy_error(&p, error);
}

sb_status sb_http_request_choice(sb_http_request *request, const char *name, const char *const *words, int *out,
                                 sb_error *error) {
  sb_http_params p = sb_http_params_begin(request);
  int index = sb_http_params_choice(&p, name, words);
  if (p.error.code == SB_OK) *out = index;
  return copy_error(&p, error);
}

sb_status sb_http_request_count(sb_http_request *request, const char *name, size_t least, size_t most, size_t *out,
                                sb_error *error) {
  sb_http_params p = sb_http_params_begin(request);
  *out = sb_http_params_count(&p, name, least, most, *out);
  return copy_error(&p, error);
}

sb_status sb_http_request_real(sb_http_request *request, const char *name, double least, double most, double *out,
                               sb_error *error) {
  sb_http_params p = sb_http_params_begin(request);
  *out = sb_http_params_real(&p, name, least, most, *out);
  return copy_error(&p, error);
}

sb_status sb_http_request_operating_point(sb_http_request *request, sb_target *out, sb_error *error) {
  sb_http_params p = sb_http_params_begin(request);
  *out = sb_http_params_operating_point(&p, *out);
  return copy_error(&p, error);
}

sb_status sb_http_request_collection(sb_http_request *request, const char **out, sb_error *error) {
  sb_http_params p = sb_http_params_begin(request);
  *out = sb_http_params_collection(&p);
  return copy_error(&p, error);
}

sb_status sb_http_request_photos(sb_http_request *request, const char *name, sb_photo **out, size_t *count,
                                 sb_error *error) {
  sb_http_params p = sb_http_params_begin(request);
  sb_http_params_photos(&p, name, count);
  *out = request->photos;
  request->photos = NULL;
  return copy_error(&p, error);
}

sb_status sb_http_request_photo(sb_http_request *request, const char *name, sb_photo *out, sb_error *error) {
  sb_http_params p = sb_http_params_begin(request);
  *out = sb_http_params_photo(&p, name);
  return copy_error(&p, error);
}
