/* The table of idempotency keys: a ring of 1,024 entries, of which the oldest is reused. States of an entry:
 *
 *   free         key 0
 *   in progress  the first request is being processed; exchange->idempotency points here, so the entry is not reused
 *   done         `body`, `status` and `type` are the answer; valid for a day
 *
 * A request finds its entry by a scan of the table for the hash of caller, method, address and Idempotency-Key. The
 * hash of the body tells a repetition from another request under the same key. Answers of 500 and above, and compressed
 * ones, free the entry. If all entries are in progress, a request is processed without one. */
#include "http/core/idempotency.h"
#include "http/core/exchange.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 1024, KEY_MAX = 255, DAY_MS = 86400000 };

struct sb_http_idempotency_entry {
  uint64_t key;       /* hash of caller, route, address and Idempotency-Key; 0: free */
  uint64_t body_hash; /* of the body's fields */
  double made_ms;
  bool done;
  unsigned status;
  const char *type;
  char *body;
  size_t size;
};

struct sb_http_idempotency {
  pthread_mutex_t lock;
  size_t next;
  sb_http_idempotency_entry entries[ENTRIES];
};

sb_status sb_http_idempotency_new(sb_http_idempotency **out, sb_error *error) {
  sb_http_idempotency *table = sb_alloc(1, sizeof *table, error);
  if (!table) return SB_NO_MEMORY;
  pthread_mutex_init(&table->lock, NULL);
  *out = table;
  return SB_OK;
}

void sb_http_idempotency_free(sb_http_idempotency *table) {
  if (!table) return;
  for (size_t i = 0; i < ENTRIES; i++) free(table->entries[i].body);
  pthread_mutex_destroy(&table->lock);
  free(table);
}

/* The size is hashed, too, so that two fields cannot run into each other. The hash resists no deliberate collision;
 * that is enough here, because the caller's credentials are part of the key: a caller can only collide with his own
 * requests. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t size) {
  return sb_hash_add(sb_hash_add(hash, bytes, size), &size, sizeof size);
}

static uint64_t mix_text(uint64_t hash, const char *text) {
  return mix(hash, text ? text : "", text ? strlen(text) : 0);
}

static uint64_t key_of(const sb_http_request *request, const char *key) {
  static const char *const credentials[] = {"Authorization", "X-Api-Key", "Cookie"};
  uint64_t hash = mix_text(SB_HASH_INIT, key);
  for (size_t i = 0; i < sizeof credentials / sizeof *credentials; i++)
    hash = mix_text(hash, sb_http_header(request, credentials[i]));
  hash = mix_text(mix_text(hash, request->method), request->path);
  for (size_t i = 0; i < request->parameter_count; i++)
    hash = mix_text(mix_text(hash, request->parameters[i].name), request->parameters[i].value);
  return hash ? hash : 1;
}

static uint64_t body_hash_of(const sb_http_request *request) {
  uint64_t hash = SB_HASH_INIT;
  for (size_t i = 0; i < request->field_count; i++) {
    const sb_http_field *part = &request->fields[i];
    hash = mix(mix_text(hash, part->name), part->value.bytes ? part->value.bytes : "", part->value.size);
  }
  return hash;
}

static sb_http_idempotency_entry *find(sb_http_idempotency *table, uint64_t key) {
  for (size_t i = 0; i < ENTRIES; i++) {
    sb_http_idempotency_entry *e = &table->entries[i];
    if (e->key == key && (!e->done || sb_monotonic_ms() - e->made_ms < DAY_MS)) return e;
  }
  return NULL;
}

static void clear_entry(sb_http_idempotency_entry *entry) {
  free(entry->body);
  *entry = (sb_http_idempotency_entry){0};
}

static void reply_stored(sb_http_request *request, const sb_http_idempotency_entry *entry) {
  sb_http_reply_empty(request, entry->status);
  char *copy = malloc(entry->size + 1);
  if (!copy) {
    sb_http_reply_error(request, &(sb_error){SB_NO_MEMORY, "out of memory"});
    return;
  }
  memcpy(copy, entry->body, entry->size);
  request->reply.type = entry->type;
  request->reply.bytes = request->reply.owned = copy;
  request->reply.size = entry->size;
  request->reply.replayed = true;
}

/* An entry for a new key; NULL when all are being processed. */
static sb_http_idempotency_entry *free_entry(sb_http_idempotency *table) {
  for (size_t tried = 0; tried < ENTRIES; tried++) {
    sb_http_idempotency_entry *entry = &table->entries[table->next++ % ENTRIES];
    if (entry->key && !entry->done) continue;
    clear_entry(entry);
    return entry;
  }
  return NULL;
}

bool sb_http_idempotency_begin(sb_http_idempotency *table, sb_http_exchange *exchange) {
  sb_http_request *request = &exchange->request;
  const char *text = sb_http_header(request, "Idempotency-Key");
  if (!text) return true;
  if (!*text || strlen(text) > KEY_MAX) {
    sb_http_reply_refusal(request, 400, "invalid", "an Idempotency-Key has 1 to 255 characters");
    return false;
  }
  uint64_t key = key_of(request, text), body_hash = body_hash_of(request);
  pthread_mutex_lock(&table->lock);
  sb_http_idempotency_entry *entry = find(table, key);
  if (!entry) {
    entry = free_entry(table);
    if (entry) *entry = (sb_http_idempotency_entry){.key = key, .body_hash = body_hash, .made_ms = sb_monotonic_ms()};
    exchange->idempotency = entry;
  } else if (entry->body_hash != body_hash) {
    sb_http_reply_refusal(request, 422, "idempotency_key_reused",
                          "this Idempotency-Key was used for a different request: use a new one");
  } else if (!entry->done) {
    sb_http_reply_refusal(
        request, 409, "in_progress",
        "the first request with this Idempotency-Key is still being processed: try again in a second");
    request->reply.retry = true;
  } else {
    reply_stored(request, entry);
  }
  pthread_mutex_unlock(&table->lock);
  return !request->reply.status;
}

void sb_http_idempotency_end(sb_http_idempotency *table, sb_http_exchange *exchange) {
  sb_http_idempotency_entry *entry = exchange->idempotency;
  const sb_http_reply *reply = &exchange->request.reply;
  if (!entry) return;
  exchange->idempotency = NULL;
  pthread_mutex_lock(&table->lock);
  entry->body = reply->status < 500 && reply->status && !reply->gzip ? malloc(reply->size + 1) : NULL;
  if (entry->body) {
    memcpy(entry->body, reply->bytes, reply->size);
    entry->size = reply->size;
    entry->status = reply->status;
    entry->type = reply->type;
    entry->done = true;
  } else {
    clear_entry(entry);
  }
  pthread_mutex_unlock(&table->lock);
}
