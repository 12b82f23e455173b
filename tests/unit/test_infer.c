/* The runtime on a file that is not a model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "infer/infer.h"

static void a_damaged_model_is_an_error_not_a_crash(void **state) {
  (void)state;
  char path[] = "/tmp/sb_infer_XXXXXX.onnx";
  int file = mkstemps(path, 5);
  assert_true(file >= 0);
  assert_int_equal(write(file, "\x08\x07 not a graph", 14), 14);
  close(file);
  sb_infer_runtime_config config = {.struct_size = sizeof config, .streams = 1};
  sb_infer_runtime *runtime = NULL;
  sb_infer_model *model = NULL;
  sb_error error = {0};
  assert_int_equal(sb_infer_runtime_new(&config, &runtime, &error), SB_OK);
  assert_int_equal(sb_infer_model_open(runtime, path, NULL, NULL, false, &model, &error), SB_MODEL);
  assert_int_equal(sb_infer_model_open(runtime, path, NULL, (const int64_t[]){1, 3, 480, 640}, false, &model, &error),
                   SB_MODEL);
  assert_null(model);
  assert_true(error.message[0] != '\0');
  sb_infer_runtime_free(runtime);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_damaged_model_is_an_error_not_a_crash)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
