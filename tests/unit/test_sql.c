/* Tests of the SQL session from C: the article's statements on real photos, the contract of <semblance/sql.h>, and the
 * dialect's rewrites. */
#include "folder.h"

#include "base/base.h"
#include "sql/dialect/iris_dialect.h"
#include "sql/vectors/metric.h"
#include "vector/vector.h"

#include <math.h>
#include <semblance/sql.h>
#include <unistd.h>

static char *read_text(const char *base, const char *name) {
  char path[1024];
  uint8_t *bytes = NULL;
  size_t size = 0;
  assert_non_null(base);
  snprintf(path, sizeof path, "%s/%s", base, name);
  assert_int_equal(sb_file_read(path, 1 << 26, &bytes, &size, NULL), SB_OK);
  char *text = realloc(bytes, size + 1);
  assert_non_null(text);
  text[size] = 0;
  return text;
}

static sb_sql *open_session(sb_engine *engine, const char *database, bool write) {
  sb_sql_options options = {.struct_size = sizeof options, .engine = engine, .database = database, .write = write};
  sb_sql *sql = NULL;
  sb_error error = {0};
  if (sb_sql_open(&options, &sql, &error) != SB_OK) fail_msg("%s", error.message);
  return sql;
}

static sb_sql_statement *prepare(sb_sql *sql, const char *text) {
  sb_sql_statement *statement = NULL;
  sb_error error = {0};
  if (sb_sql_prepare(sql, text, NULL, &statement, &error) != SB_OK) fail_msg("%s: %s", text, error.message);
  return statement;
}

static bool step(sb_sql_statement *statement) {
  bool row = false;
  sb_error error = {0};
  if (sb_sql_step(statement, &row, &error) != SB_OK) fail_msg("%s", error.message);
  return row;
}

static void run(sb_sql *sql, const char *text) {
  sb_sql_statement *statement = prepare(sql, text);
  while (step(statement)) continue;
  sb_sql_finalize(statement);
}

static void expect(sb_sql *sql, const char *text, const char *value) {
  sb_sql_statement *statement = prepare(sql, text);
  assert_true(step(statement));
  assert_string_equal(sb_sql_column_text(statement, 0, NULL), value);
  sb_sql_finalize(statement);
}

/* ---- The article */

static uint8_t *read_photo(const char *name, size_t *size) {
  char path[1024];
  uint8_t *bytes = NULL;
  snprintf(path, sizeof path, "%s/face_recognition/%s", getenv("SB_TEST_PHOTOS"), name);
  assert_int_equal(sb_file_read(path, 1 << 26, &bytes, size, NULL), SB_OK);
  return bytes;
}

static void bind_photo_bytes(sb_sql_statement *statement, int number, const char *name) {
  size_t size = 0;
  uint8_t *bytes = read_photo(name, &size);
  assert_int_equal(sb_sql_bind_blob(statement, number, bytes, size, NULL), SB_OK);
  free(bytes);
}

static void bind_face(sb_sql_statement *statement, int number, const char *name) {
  size_t size = 0;
  sb_error error = {0};
  uint8_t *bytes = read_photo(name, &size);
  if (sb_sql_bind_photo(statement, number, (sb_photo){bytes, size}, &error) != SB_OK) fail_msg("%s", error.message);
  free(bytes);
}

static void insert_person(sb_sql *sql, const char *insert, const char *ssn, const char *name, const char *photo) {
  sb_sql_statement *statement = prepare(sql, insert);
  assert_int_equal(sb_sql_parameter_count(statement), 6);
  assert_int_equal(sb_sql_bind_text(statement, 1, ssn, NULL), SB_OK);
  assert_int_equal(sb_sql_bind_text(statement, 2, name, NULL), SB_OK);
  assert_int_equal(sb_sql_bind_int(statement, 3, 60, NULL), SB_OK);
  assert_int_equal(sb_sql_bind_text(statement, 4, "Man", NULL), SB_OK);
  bind_face(statement, 6, photo);
  assert_false(step(statement));
  assert_int_equal(sb_sql_changes(sql), 1);
  bool row = false;
  sb_error error = {0};
  assert_int_equal(sb_sql_step(statement, &row, &error), SB_EXISTS); /* the same SSN again */
  sb_sql_finalize(statement);
}

static void test_the_article_s_statements_find_the_right_person(void **state) {
  (void)state;
  char *text = read_text(getenv("SB_SOURCE"), "tests/sql/article.sql"), *select = strstr(text, ";\n");
  assert_non_null(select);
  *select = 0;
  select += 2;
  sb_engine_options options = {.struct_size = sizeof options, .data_dir = folder, .workers = 1};
  sb_engine *engine = NULL;
  assert_int_equal(sb_engine_new(&options, &engine, NULL), SB_OK);
  sb_sql *sql = open_session(engine, NULL, true);
  insert_person(sql, text, "44", "Barack Obama", "obama.jpg");
  insert_person(sql, text, "46", "Joe Biden", "biden.jpg");
  sb_sql_statement *statement = prepare(sql, select);
  bind_face(statement, 1, "obama2.jpg");
  for (int time = 0; time < 2; time++) { /* a statement can be run again */
    assert_true(step(statement));
    assert_string_equal(sb_sql_column_text(statement, 0, NULL), "44");
    assert_string_equal(sb_sql_column_text(statement, 1, NULL), "Barack Obama");
    assert_int_equal(sb_sql_column_int(statement, 2), 60);
    assert_int_equal(sb_sql_column_type(statement, 4), SB_SQL_NULL);
    assert_string_equal(sb_sql_column_name(statement, 5), "similarity");
    assert_true(sb_sql_column_real(statement, 5) > 0.5 && sb_sql_column_real(statement, 5) < 1.0001);
    assert_false(step(statement));
  }
  sb_sql_finalize(statement);
  statement = prepare(sql, "SELECT TOP 1 id, similarity FROM faces WHERE vector MATCH EMBEDDING(?)");
  bind_photo_bytes(statement, 1, "biden.jpg");
  assert_true(step(statement));
  assert_string_equal(sb_sql_column_text(statement, 0, NULL), "46");
  assert_true(sb_sql_column_real(statement, 1) > 0.9999);
  sb_sql_finalize(statement);
  sb_sql_close(sql);
  sb_engine_free(engine);
  free(text);
}

/* ---- Sessions */

static void test_statements_come_one_after_another_with_their_parameters(void **state) {
  (void)state;
  sb_sql *sql = open_session(NULL, NULL, true);
  const char *text = "SELECT TOP :n 1 + ?3, :name, ?; -- then\n SELECT 2 ;; ";
  sb_sql_statement *statement = NULL;
  assert_int_equal(sb_sql_prepare(sql, text, &text, &statement, NULL), SB_OK);
  assert_int_equal(sb_sql_parameter_count(statement), 5);
  assert_int_equal(sb_sql_parameter(statement, ":n"), 1);
  assert_int_equal(sb_sql_parameter(statement, "name"), 4);
  assert_int_equal(sb_sql_parameter(statement, "none"), 0);
  assert_string_equal(sb_sql_parameter_name(statement, 1), ":n");
  assert_null(sb_sql_parameter_name(statement, 2)); /* ?3 makes the count skip it */
  assert_string_equal(sb_sql_parameter_name(statement, 3), "?3");
  assert_string_equal(sb_sql_parameter_name(statement, 5), "?");
  assert_null(sb_sql_parameter_name(statement, 6));
  assert_int_equal(sb_sql_bind_int(statement, 1, 1, NULL), SB_OK);
  assert_int_equal(sb_sql_bind_int(statement, 3, 41, NULL), SB_OK);
  assert_int_equal(sb_sql_bind_text(statement, 4, "x", NULL), SB_OK);
  assert_int_equal(sb_sql_bind_real(statement, 5, 0.5, NULL), SB_OK);
  assert_int_equal(sb_sql_bind_null(statement, 6, NULL), SB_INVALID);
  assert_true(step(statement));
  assert_int_equal(sb_sql_column_int(statement, 0), 42);
  assert_string_equal(sb_sql_column_text(statement, 1, NULL), "x");
  assert_true(sb_sql_column_real(statement, 2) == 0.5);
  sb_sql_finalize(statement);
  assert_int_equal(sb_sql_prepare(sql, text, &text, &statement, NULL), SB_OK);
  assert_true(step(statement));
  sb_sql_finalize(statement);
  statement = NULL;
  while (*text) assert_int_equal(sb_sql_prepare(sql, text, &text, &statement, NULL), SB_OK);
  assert_null(statement);
  sb_sql_close(sql);
}

static void test_a_session_that_only_reads_changes_nothing(void **state) {
  (void)state;
  char path[128];
  snprintf(path, sizeof path, "%s/own.db", folder);
  sb_sql *sql = open_session(NULL, path, true);
  run(sql, "CREATE VIRTUAL TABLE t USING semblance(v FLOAT[2])");
  run(sql, "INSERT INTO t(v) VALUES('1,0')");
  sb_sql_close(sql);
  sql = open_session(NULL, path, false);
  static const char *const refused[] = {"INSERT INTO t(v) VALUES('0,1')",
                                        "DELETE FROM t",
                                        "DROP TABLE t",
                                        "CREATE TABLE u(a)",
                                        "ATTACH ':memory:' AS m",
                                        "VACUUM",
                                        "PRAGMA user_version = 2",
                                        "BEGIN IMMEDIATE"};
  for (size_t i = 0; i < count_of(refused); i++) {
    sb_sql_statement *statement = NULL;
    sb_error error = {0};
    assert_int_equal(sb_sql_prepare(sql, refused[i], NULL, &statement, &error), SB_READ_ONLY);
    assert_non_null(strstr(error.message, "--write"));
  }
  expect(sql, "SELECT count(*) FROM t WHERE v MATCH '1,1'", "1");
  sb_sql_close(sql);
}

static void test_vectors_come_and_go_as_they_are(void **state) {
  (void)state;
  enum { DIMS = 33 };
  float values[DIMS];
  uint64_t seed = 5;
  sb_sql *sql = open_session(NULL, NULL, true);
  for (int i = 0; i < DIMS; i++) values[i] = random_float(&seed);
  sb_sql_statement *statement =
      prepare(sql, "SELECT ?1, VECTOR_DOT_PRODUCT(?1, ?1), VECTOR_COSINE(?1, ?1), VECTOR_L2(?1, ?1)");
  assert_int_equal(sb_sql_bind_vector(statement, 1, values, DIMS, NULL), SB_OK);
  assert_true(step(statement));
  size_t size = 0;
  const uint8_t *blob = sb_sql_column_blob(statement, 0, &size);
  assert_int_equal(size, SB_SQL_VALUE_HEADER + sizeof values);
  assert_memory_equal(blob + SB_SQL_VALUE_HEADER, values, sizeof values);
  assert_true(sb_sql_column_real(statement, 1) == (double)sb_dot(values, values, DIMS));
  assert_true(fabs(sb_sql_column_real(statement, 2) - 1) < 1e-6);
  assert_true(sb_sql_column_real(statement, 3) == 0);
  char *json = sb_sql_column_vector(statement, 0);
  sb_sql_value read = {0};
  assert_int_equal(sb_sql_value_read_text(json, strlen(json), &read, NULL), SB_OK);
  for (int i = 0; i < DIMS; i++) assert_true((float)sb_sql_value_get(&read, (size_t)i) == values[i]);
  sb_sql_value_free(&read);
  free(json);
  assert_null(sb_sql_column_vector(statement, 1));
  assert_int_equal(sb_sql_bind_vector(statement, 1, values, 0, NULL), SB_INVALID);
  sb_sql_finalize(statement);
  sb_sql_close(sql);
}

static void test_a_session_without_an_engine_reads_no_photos(void **state) {
  (void)state;
  sb_sql *sql = open_session(NULL, NULL, false);
  sb_sql_statement *statement = prepare(sql, "SELECT ?");
  assert_int_equal(sb_sql_bind_photo(statement, 1, (sb_photo){"x", 1}, NULL), SB_MISUSE);
  sb_sql_finalize(statement);
  sb_sql_close(sql);
}

/* ---- Values */

static void test_numbers_are_read_as_strtod_reads_them(void **state) {
  (void)state;
  uint64_t seed = 99;
  for (int i = 0; i < 20000; i++) {
    char text[64];
    uint64_t bits = next_random(&seed);
    double number;
    memcpy(&number, &bits, sizeof number);
    if (!isfinite(number)) continue;
    snprintf(text, sizeof text, i % 2 ? "%.*g" : "%.*e", (int)(bits % 20), number);
    sb_sql_value value = {0};
    double expected = strtod(text, NULL);
    sb_status status = sb_sql_value_read_text(text, strlen(text), &value, NULL);
    assert_int_equal(status, isfinite(expected) ? SB_OK : SB_INVALID);
    if (status == SB_OK && sb_sql_value_get(&value, 0) != expected) fail_msg("%s", text);
    sb_sql_value_free(&value);
  }
}

static void test_metrics_take_any_alignment(void **state) {
  (void)state;
  enum { DIMS = 101 };
  uint8_t a[DIMS * sizeof(float) + 8], b[DIMS * sizeof(float) + 8];
  float x[DIMS], y[DIMS];
  uint64_t seed = 3;
  for (int i = 0; i < DIMS; i++) x[i] = random_float(&seed), y[i] = random_float(&seed);
  for (size_t offset = 0; offset < 8; offset++) {
    memcpy(a + offset, x, sizeof x);
    memcpy(b + 7 - offset, y, sizeof y);
    for (int metric = SB_SQL_METRIC_DOT; metric <= SB_SQL_METRIC_L2; metric++)
      assert_true(sb_sql_metric_of_floats((sb_sql_metric)metric, a + offset, b + 7 - offset, DIMS) ==
                  sb_sql_metric_of_floats((sb_sql_metric)metric, x, y, DIMS));
  }
}

/* ---- The dialect */

static void rewritten(const char *text, const char *plain, const char *fast) {
  sb_sql_dialect dialect;
  sb_error error = {0};
  if (sb_sql_dialect_read(text, &dialect, &error) != SB_OK) fail_msg("%s", error.message);
  if (plain)
    assert_string_equal(dialect.plain, plain);
  else
    assert_null(dialect.plain);
  if (fast)
    assert_string_equal(dialect.fast, fast);
  else
    assert_null(dialect.fast);
  sb_sql_dialect_free(&dialect);
}

static void test_top_becomes_limit_and_nothing_else_is_touched(void **state) {
  (void)state;
  rewritten("SELECT TOP 3 a FROM t", "SELECT a FROM t LIMIT 3", NULL);
  rewritten("select all top ? a from t where b = ? -- TOP 1", "select all a from t where b = ?2 LIMIT ?1 -- TOP 1",
            NULL);
  rewritten("SELECT a, (SELECT TOP 1 b FROM u) FROM t; SELECT TOP 2", "SELECT a, (SELECT b FROM u LIMIT 1) FROM t",
            NULL);
  rewritten("SELECT 'TOP 3', \"TOP 3\", [TOP 3], top, t.top /* TOP 3 */ FROM t", NULL, NULL);
  rewritten("SELECT top(3) FROM t", NULL, NULL);
  rewritten("SELECT top * 3 FROM t", NULL, NULL);
  rewritten("SELECT top 3", NULL, NULL);
}

static void test_the_shape_of_a_search_is_asked_of_the_index(void **state) {
  (void)state;
  rewritten(
      "SELECT TOP 1 n, VECTOR_DOT_PRODUCT(v, TO_VECTOR(?)) as s FROM d.t ORDER BY s DESC",
      "SELECT n, VECTOR_DOT_PRODUCT(v, TO_VECTOR(?1)) as s FROM d.t ORDER BY s DESC LIMIT 1",
      "SELECT n, VECTOR_DOT_PRODUCT(v, TO_VECTOR(?1)) as s FROM d.t WHERE semblance_nearest_dot(v, TO_VECTOR ( ?1 )) "
      "ORDER BY t.\"semblance rank\" LIMIT 1");
  rewritten(
      "SELECT n FROM t x WHERE a = 1 OR b ORDER BY VECTOR_L2(:p, x.v) LIMIT 5", NULL,
      "SELECT n FROM t x WHERE semblance_nearest_l2(x . v, ?1) AND (a = 1 OR b) ORDER BY x.\"semblance rank\" LIMIT 5");
}

static void test_what_has_not_the_shape_stays(void **state) {
  (void)state;
  static const char *const texts[] = {
      "SELECT n FROM t ORDER BY VECTOR_COSINE(v, ?) LIMIT 1",      /* the farthest */
      "SELECT n FROM t ORDER BY VECTOR_L2(v, ?) DESC LIMIT 1",     /* the same */
      "SELECT n FROM t ORDER BY VECTOR_COSINE(v, ?) DESC",         /* all */
      "SELECT n FROM t ORDER BY VECTOR_COSINE(v, w) DESC LIMIT 1", /* a probe of the row's own */
      "SELECT n FROM t ORDER BY VECTOR_COSINE(v, ?) + 1 DESC LIMIT 1",
      "SELECT n FROM t ORDER BY VECTOR_COSINE(v, ?) DESC, n LIMIT 1",
      "SELECT n FROM t ORDER BY VECTOR_COSINE(v, (SELECT w FROM u)) DESC LIMIT 1",
      "SELECT n FROM t, u ORDER BY VECTOR_COSINE(v, ?) DESC LIMIT 1",
      "SELECT n FROM t JOIN u ORDER BY VECTOR_COSINE(v, ?) DESC LIMIT 1",
      "SELECT DISTINCT n FROM t ORDER BY VECTOR_COSINE(v, ?) DESC LIMIT 1",
      "SELECT n FROM t GROUP BY n ORDER BY VECTOR_COSINE(v, ?) DESC LIMIT 1",
      "SELECT n FROM t UNION SELECT n FROM u ORDER BY VECTOR_COSINE(v, ?) DESC LIMIT 1",
      "SELECT n, 2 * VECTOR_COSINE(v, ?) s FROM t ORDER BY s DESC LIMIT 1",
      "SELECT n FROM t ORDER BY VECTOR_COSINE(v, ?) DESC NULLS LAST LIMIT 1",
      "SELECT n FROM f(1) ORDER BY VECTOR_COSINE(v, ?) DESC LIMIT 1"};
  for (size_t i = 0; i < count_of(texts); i++) rewritten(texts[i], NULL, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_the_article_s_statements_find_the_right_person, make_folder, remove_folder),
      cmocka_unit_test(test_statements_come_one_after_another_with_their_parameters),
      cmocka_unit_test_setup_teardown(test_a_session_that_only_reads_changes_nothing, make_folder, remove_folder),
      cmocka_unit_test(test_vectors_come_and_go_as_they_are),
      cmocka_unit_test(test_a_session_without_an_engine_reads_no_photos),
      cmocka_unit_test(test_numbers_are_read_as_strtod_reads_them),
      cmocka_unit_test(test_metrics_take_any_alignment),
      cmocka_unit_test(test_top_becomes_limit_and_nothing_else_is_touched),
      cmocka_unit_test(test_the_shape_of_a_search_is_asked_of_the_index),
      cmocka_unit_test(test_what_has_not_the_shape_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
