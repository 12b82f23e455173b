#include "http/core/context.h"

sb_target sb_http_operating_point(const sb_http_context *context) {
  sb_target saved = sb_engine_operating_point(context->engine);
  return sb_operating_point_given(&saved) ? saved : context->configured;
}
