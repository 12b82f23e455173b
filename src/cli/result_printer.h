/* Rows of a statement on standard output. */
#ifndef SB_CLI_RESULT_PRINTER_H
#define SB_CLI_RESULT_PRINTER_H

#include <semblance/sql.h>

typedef enum sb_cli_result_format { SB_CLI_RESULT_TABLE, SB_CLI_RESULT_JSON, SB_CLI_RESULT_CSV } sb_cli_result_format;
/* Runs the statement to its end. A table is laid out by its first 1,000 rows. Vectors are JSON arrays, in a table only
 * their length; other blobs are hex digits. Of a statement without columns only
 * JSON tells: how many rows it changed. */
sb_status sb_cli_result_print(sb_sql *sql, sb_sql_statement *statement, sb_cli_result_format format, sb_error *error);

#endif
