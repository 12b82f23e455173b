/* Files, folders and search paths. */
#ifndef SB_BASE_FILES_H
#define SB_BASE_FILES_H

#include <semblance/semblance.h>

/* Reads a whole regular file of at most `max` bytes (SB_TOO_LARGE beyond); `*bytes` is released by free() and ends with
 * a NUL that `*size` does not count. */
sb_status sb_file_read(const char *path, size_t max, uint8_t **bytes, size_t *size, sb_error *error);
/* The same for a file that the user named: where there is none, this fails with SB_INVALID, a refused input.
 * SB_NOT_FOUND would say that a person or a collection does not exist. */
sb_status sb_file_read_named(const char *path, size_t max, uint8_t **bytes, size_t *size, sb_error *error);
/* The same, and a pipe, terminal or socket is read up to its end, as the shell's `<(command)` gives one: only for what
 * the user named, because it waits for whoever writes. */
sb_status sb_file_read_stream(const char *path, size_t max, uint8_t **bytes, size_t *size, sb_error *error);
/* Reads an open file of unknown size up to its end, otherwise as sb_file_read; `name` is for the message. */
sb_status sb_read_to_end(int file, const char *name, size_t max, uint8_t **bytes, size_t *size, sb_error *error);
/* SB_INVALID with "there is no file PATH"; `what` is "file", or "file or folder". */
sb_status sb_fail_missing(const char *what, const char *path, sb_error *error);
/* Read or write all `size` bytes of an open file, over interrupted and short calls; `path` is for the message. `*got`
 * is less than `size` only at the end of the file. */
sb_status sb_read_all(int file, const char *path, void *bytes, size_t size, size_t *got, sb_error *error);
sb_status sb_write_all(int file, const char *path, const void *bytes, size_t size, sb_error *error);

/* Makes a folder with its parents, mode 0700; one that exists is fine. */
sb_status sb_dir_make(const char *path, sb_error *error);
/* `folder`/`name`, released by free(). NULL: out of memory. */
char *sb_path_join(const char *folder, const char *name, sb_error *error);
/* The first readable `name` in the ':'-separated folders of `path`, released by free(); NULL with SB_NOT_FOUND in
 * `error`. */
char *sb_path_find(const char *path, const char *name, sb_error *error);

#endif
