/* Who may use the server: API keys and the admin's password, in the gallery's database. */
#ifndef SB_STORE_GALLERY_ACCESS_H
#define SB_STORE_GALLERY_ACCESS_H

#include "crypto/access.h"
#include "store/store.h"

/* Makes a key with the label, roles, collection and expiry of `key`, and fills in the rest. The text is told this once. */
sb_status sb_access_key_add(sb_store *store, sb_access_key *key, char text[SB_API_KEY_SIZE], sb_error *error);
/* All keys, oldest first; released by free(). */
sb_status sb_access_keys(sb_store *store, sb_access_key **out, size_t *count, sb_error *error);
sb_status sb_access_key_revoke(sb_store *store, const char *prefix, sb_error *error); /* SB_NOT_FOUND */
/* The admin's password; NULL takes the admin away. */
sb_status sb_access_password_set(sb_store *store, const char *password, sb_error *error);
/* Is there an admin's password? */
sb_status sb_access_has_admin(sb_store *store, bool *out, sb_error *error);
/* A new secret for one-time passwords, or none with `secret` NULL. SB_NOT_FOUND: there is no password yet. */
sb_status sb_access_totp_set(sb_store *store, uint8_t secret[SB_TOTP_SECRET], sb_error *error);

/* Locked. A connection of its own, so that a look at a key waits for no work on the gallery. */
typedef struct sb_access sb_access;
sb_status sb_access_open(sb_store *store, sb_access **out, sb_error *error);
void sb_access_close(sb_access *access);
/* Is there any key (also an expired one) or admin? From then on nobody gets in without. */
sb_status sb_access_required(sb_access *access, bool *closed, sb_error *error);
/* The key of that text; SB_FORBIDDEN (and the same time taken) where there is none, or it is over or revoked. */
sb_status sb_access_key_find(sb_access *access, const char *text, int64_t now_ms, sb_access_key *out, sb_error *error);
/* The key that was found before, by its prefix, as it stands now; SB_FORBIDDEN as above. */
sb_status sb_access_key_recheck(sb_access *access, const char *prefix, int64_t now_ms, sb_access_key *out,
                                sb_error *error);
/* The admin's password, and the one-time password (-1: none was given). SB_FORBIDDEN. A one-time password is good once. */
sb_status sb_access_login(sb_access *access, const char *password, int one_time, int64_t now_ms, sb_error *error);

#endif
