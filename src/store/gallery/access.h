/* API access: API keys, and the admin's password with one-time passwords (TOTP, RFC 6238), in the gallery's
 * database. */
#ifndef SB_STORE_GALLERY_ACCESS_H
#define SB_STORE_GALLERY_ACCESS_H

#include "crypto/access.h"
#include "store/store.h"

/* ---- Changing (command line, admin page) */

/* Makes a key with the label, roles, collection and expiry of `key`, and fills in the rest. The text cannot be shown
 * again: only its hash is stored. */
sb_status sb_access_key_add(sb_store *store, sb_access_key *key, char text[SB_API_KEY_SIZE], sb_error *error);
/* All keys, oldest first; released by free(). */
sb_status sb_access_keys(sb_store *store, sb_access_key **out, size_t *count, sb_error *error);
sb_status sb_access_key_revoke(sb_store *store, const char *prefix, sb_error *error); /* SB_NOT_FOUND */
/* Sets the admin's password; NULL removes the admin. */
sb_status sb_access_password_set(sb_store *store, const char *password, sb_error *error);
/* Has the admin a password? */
sb_status sb_access_has_admin(sb_store *store, bool *out, sb_error *error);
/* Draws a new secret for one-time passwords; `secret` NULL: turns them off. SB_NOT_FOUND: there is no password yet. */
sb_status sb_access_totp_set(sb_store *store, uint8_t secret[SB_TOTP_SECRET], sb_error *error);

/* ---- Authenticating (server). Any thread. On a connection of its own, so that a request does not wait for work on the
 * gallery. */

typedef struct sb_access sb_access;
sb_status sb_access_open(sb_store *store, sb_access **out, sb_error *error);
void sb_access_close(sb_access *access);
/* Is authentication required? It is once there is an admin or any key, also an expired one. */
sb_status sb_access_required(sb_access *access, bool *required, sb_error *error);
/* The key with that text. SB_FORBIDDEN, in the same time, when it is unknown, expired or revoked. */
sb_status sb_access_key_find(sb_access *access, const char *text, int64_t now_ms, sb_access_key *out, sb_error *error);
/* A key that was found before, by its prefix, as it is stored now. SB_FORBIDDEN as above. */
sb_status sb_access_key_recheck(sb_access *access, const char *prefix, int64_t now_ms, sb_access_key *out,
                                sb_error *error);
/* Checks the admin's password and one-time password (-1: none was given). SB_FORBIDDEN. A one-time password is accepted
 * once. */
/* What a session of the admin is bound to: it changes with the password, and when one-time passwords are turned on or
 * off; without an admin it is that of no password. */
sb_status sb_access_login_stamp(sb_access *access, uint8_t stamp[SB_DIGEST_SIZE], sb_error *error);
sb_status sb_access_login(sb_access *access, const char *password, int one_time, int64_t now_ms, sb_error *error);

#endif
