/* Sealed columns (crypto/crypto.h) and template columns of a statement. Under the lock.
 *
 * A seal context names table, column and row; it is associated data of the seal, so a value opens only where it was
 * written. */
#ifndef SB_STORE_SEALING_SEALED_COLUMNS_H
#define SB_STORE_SEALING_SEALED_COLUMNS_H

#include "store/core/store_core.h"

/* Seals `plain` under the newest data key and binds a copy. */
void sb_statement_bind_sealed(sb_statement *s, int index, const sb_seal_context *context, const void *plain,
                              size_t size);
/* Opens a sealed column into new memory, followed by a NUL that `size` does not count; NULL after a failure. */
char *sb_statement_column_sealed(sb_statement *s, int column, const sb_seal_context *context, size_t *size);

/* ---- Templates of `dim` numbers, protected by their collection's transform before they come here. The driver decides
 * between sealed float32 and halfvec, which a database can compute with. */

/* Bytes of a template's column. */
size_t sb_store_template_size(const sb_store *store, size_t dim);
/* Any thread, also without the lock while the keyring does not change. SB_STORE: not a template of `dim` numbers. */
sb_status sb_store_template_open(const sb_store *store, const sb_seal_context *context, const void *bytes, size_t size,
                                 size_t dim, float *out, sb_error *error);
/* The template is sealed under a data key that is not loaded yet: call sb_store_keys_refresh first. */
bool sb_store_template_needs_keys(const sb_store *store, const void *bytes, size_t size);
void sb_statement_column_template(sb_statement *s, int column, const sb_seal_context *context, size_t dim, float *out);
void sb_statement_bind_template(sb_statement *s, int index, const sb_seal_context *context, const float *values,
                                size_t dim);

/* ---- Densities: the columns `density`, two float32 sealed for their face and collection, and `density_people`, the
 * population, which shows without opening anything which faces are to be measured again. */

/* The face whose density it is. */
typedef struct sb_density_face {
  int64_t collection, face; /* rows */
} sb_density_face;

enum { SB_DENSITY_SIZE = 8, SB_DENSITY_SEALED_SIZE = SB_DENSITY_SIZE + SB_SEAL_OVERHEAD };

/* May the density be stored: not measured, or finite with a deviation above 0? SB_INVALID. */
sb_status sb_density_check(const sb_density *density, sb_error *error);
/* A density's collection as its seal context has it. */
enum { SB_DENSITY_SCOPE_SIZE = 24 };
void sb_density_scope(int64_t collection, char scope[SB_DENSITY_SCOPE_SIZE]);
/* Any thread, also without the lock while the keyring does not change. `population` is the column; SB_DENSITY_NONE
 * gives all zero whatever `bytes` are. SB_STORE: damaged, moved or missing. */
sb_status sb_density_open(const sb_store *store, const sb_density_face *of, const void *bytes, size_t size,
                          int64_t population, sb_density *out, sb_error *error);
bool sb_density_needs_keys(const sb_store *store, const void *bytes, size_t size);
/* `column` and `index` are those of `density`; `density_people` is the next one. */
void sb_statement_column_density(sb_statement *s, int column, const sb_density_face *of, sb_density *out);
void sb_statement_bind_density(sb_statement *s, int index, const sb_density_face *of, const sb_density *density);

#endif
