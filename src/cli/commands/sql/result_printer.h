/* Prints the rows of a statement on standard output, as a table, JSON or CSV. */
#ifndef SB_CLI_RESULT_PRINTER_H
#define SB_CLI_RESULT_PRINTER_H

#include <semblance/sql.h>

typedef enum sb_cli_result_format { SB_CLI_RESULT_TABLE, SB_CLI_RESULT_JSON, SB_CLI_RESULT_CSV } sb_cli_result_format;

/* Runs the statement to its end and prints its rows.
 *
 * Table: the first 1,000 rows decide how wide the columns are; a long vector or blob is shown by its length.
 * JSON (a list of objects) and CSV (RFC 4180): vectors are JSON arrays, other blobs hex digits.
 * A statement without columns prints nothing, but in JSON how many rows it changed. */
sb_status sb_cli_result_print(sb_sql *sql, sb_sql_statement *statement, sb_cli_result_format format, sb_error *error);

#endif
