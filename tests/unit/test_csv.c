/* CSV of an import: any separator and order of columns, headings in several languages; what is not understood is
 * refused, and never are an id and a name mistaken for each other. */
#include "unit.h"

#include "import/rules.h"

static sb_status add_row(void *context, size_t row, const char *id, const char *name, const char *path,
                         sb_error *error) {
  return sb_buffer_addf(context, error, "%zu<%s><%s><%s>", row, id, name, path);
}

static sb_status read_text(const char *text, sb_buffer *rows, sb_error *error) {
  (void)sb_buffer_add(rows, "", 0, NULL);
  return sb_import_rows((const uint8_t *)text, strlen(text), "people.csv", add_row, rows, error);
}

static void assert_rows(const char *text, const char *wanted) {
  sb_buffer rows = {0};
  sb_error error = {0};
  if (read_text(text, &rows, &error) != SB_OK) fail_msg("%s: %s", text, error.message);
  assert_string_equal(rows.bytes, wanted);
  sb_buffer_free(&rows);
}

static void assert_refused(const char *text, const char *word) {
  sb_buffer rows = {0};
  sb_error error = {0};
  if (read_text(text, &rows, &error) == SB_OK) fail_msg("%s is read as %s", text, rows.bytes);
  if (!strstr(error.message, word)) fail_msg("%s: %s", text, error.message);
  assert_int_equal(rows.size, 0);
  sb_buffer_free(&rows);
}

static void columns_come_in_the_order_of_the_heading(void **state) {
  (void)state;
  assert_rows("Name,ID,File\nBarack Obama,1,o1.jpg\n", "2<1><Barack Obama><o1.jpg>");
  assert_rows("PATH,Notes,NAME,Id,\no.jpg,tall,Obama,44,\nb.jpg,,Biden,46\n", "2<44><Obama><o.jpg>3<46><Biden><b.jpg>");
  assert_rows("Datei;Vollständiger Name;Kennung\no.jpg;Obama;44\n", "2<44><Obama><o.jpg>");
  assert_rows("nombre completo,identificador,ruta\nObama,44,o.jpg", "2<44><Obama><o.jpg>");
  assert_rows("姓名,编号,照片\nObama,44,o.jpg", "2<44><Obama><o.jpg>");
  assert_rows("full_name\temployee-id\tPhoto\nObama\t44\to.jpg", "2<44><Obama><o.jpg>");
  assert_rows("photo,id,name,path\nx,44,Obama,o.jpg", "2<44><Obama><o.jpg>"); /* a column's own name goes first */
}

static void without_a_heading_the_order_is_id_name_path(void **state) {
  (void)state;
  assert_rows("44,Obama,o.jpg\n46,Biden,b/x\n", "1<44><Obama><o.jpg>2<46><Biden><b/x>");
  assert_rows("44,Obama,o.jpg,,\n", "1<44><Obama><o.jpg>"); /* as spreadsheets write empty columns */
}

static void a_heading_that_is_not_understood_is_refused(void **state) {
  (void)state;
  assert_refused("Kuka,Mikä,Missä\nObama,44,o.jpg\n", "nor a heading");
  assert_refused("Person,Label,Datum\nObama,44,o.jpg\n", "nor a heading");
  assert_refused("Name,Vorname,Datei\nObama,Barack,o.jpg\n", "no column 'id'");
  assert_refused("id,first name,last name,file\n44,Barack,Obama,o.jpg\n", "no column 'name'");
  assert_refused("id;name\n44;Obama\n", "no column 'path'");
  assert_refused("user id,person id,name,path\n1,44,Obama,o.jpg\n", "two columns");
  assert_refused("id,id,name,path\n1,44,Obama,o.jpg\n", "two columns");
}

static void separators_are_found(void **state) {
  (void)state;
  static const char wanted[] = "1<44><Obama, Barack><o.jpg>2<46><Biden><b.jpg>";
  assert_rows("44;Obama, Barack;o.jpg\n46;Biden;b.jpg\n", wanted);
  assert_rows("44\tObama, Barack\to.jpg\n46\tBiden\tb.jpg\n", wanted);
  assert_rows("44|Obama, Barack|o.jpg\n46|Biden|b.jpg\n", wanted);
  assert_rows("44,\"Obama, Barack\",o.jpg\n46,Biden,b.jpg\n", wanted);
  assert_rows("sep=;\r\n44;Obama, Barack, Jr;o.jpg\r\n", "2<44><Obama, Barack, Jr><o.jpg>");
  assert_rows("SEP=:\nname:id:path\nObama:44:o.jpg\n", "3<44><Obama><o.jpg>");
  assert_refused("44;Obama, Barack, Jr;o.jpg\n", "sep=");
}

static void blanks_line_ends_and_quotes(void **state) {
  (void)state;
  assert_rows("\xef\xbb\xbf\r\n 44 ,  \"Obama, \"\"44\"\"\" ,\to.jpg \r\n\r\n", "2<44><Obama, \"44\"><o.jpg>");
  assert_rows("id,name,path\r44,Obama,o.jpg\r46,Biden,b.jpg\r", "2<44><Obama><o.jpg>3<46><Biden><b.jpg>");
  assert_rows("44,\"Barack\nObama\",\" o.jpg\"\n", "1<44><Barack\nObama>< o.jpg>");
  assert_refused("44,\"Obama,o.jpg\n", "quote");
  assert_refused("44,\"Obama\" Barack,o.jpg\n", "quote");
}

static void rows_of_another_width_are_refused(void **state) {
  (void)state;
  assert_refused("id,name,path\n44,Obama, Barack,o.jpg\n", "row 2 has 4 fields, separated by commas");
  assert_refused("id;name;path\n44;Obama\n", "row 2 has 2 fields, separated by semicolons");
  assert_refused("44,Obama,o.jpg,tall\n", "row 1 has 4 fields");
  assert_refused("44 Obama o.jpg\n", "expected id,name,path");
  assert_refused("", "empty");
  assert_refused("4\xfc,x,y.jpg", "UTF-8");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(columns_come_in_the_order_of_the_heading),
      cmocka_unit_test(without_a_heading_the_order_is_id_name_path),
      cmocka_unit_test(a_heading_that_is_not_understood_is_refused),
      cmocka_unit_test(separators_are_found),
      cmocka_unit_test(blanks_line_ends_and_quotes),
      cmocka_unit_test(rows_of_another_width_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
