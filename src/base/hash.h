/* FNV-1a, 64 bits (Fowler, Noll, Vo; RFC 9923): a fast hash that gives no protection against deliberate collisions. */
#ifndef SB_BASE_HASH_H
#define SB_BASE_HASH_H

#include <semblance/semblance.h>

#define SB_HASH_INIT 0xcbf29ce484222325u /* the offset basis: `hash` of the first call */
/* Returns `hash` continued over `size` more bytes. */
uint64_t sb_hash_add(uint64_t hash, const void *bytes, size_t size);

#endif
