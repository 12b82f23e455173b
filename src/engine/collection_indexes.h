/* The vector indexes of a gallery, one a collection, in step with the store. Any thread. */
#ifndef SB_ENGINE_COLLECTION_INDEXES_H
#define SB_ENGINE_COLLECTION_INDEXES_H

#include "engine/engine.h"
#include "store/store.h"

typedef struct sb_collection_indexes sb_collection_indexes;
/* `remote`: nothing is held in memory, the database is searched (sb_database_search, which `ef` is for). */
sb_status sb_collection_indexes_new(sb_store *store, bool remote, int ef, sb_collection_indexes **out, sb_error *error);
void sb_collection_indexes_free(sb_collection_indexes *indexes);
/* Applies what this or another process changed since the last call. When it returns, every change that was acknowledged
 * before it began is searchable. */
sb_status sb_collection_indexes_sync(sb_collection_indexes *indexes, sb_error *error);
/* The same after a deletion that is committed, which a failure does not undo: it is logged. Every search syncs first,
 * so none finds what was deleted. */
void sb_collection_indexes_sync_deleted(sb_collection_indexes *indexes);
/* The k best of a collection as it was at some moment since the last sync; `hits` has room for k. Call
 * sb_collection_indexes_sync before. */
sb_status sb_collection_indexes_search(sb_collection_indexes *indexes, const sb_engine_query *query, sb_hit *hits,
                                       size_t *found, sb_error *error);

/* A face of a search's result, each of another person. */
typedef struct sb_neighbor {
  int64_t face, person;
  float similarity;   /* cosine */
  sb_density density; /* `population` is SB_DENSITY_NONE where it was not measured, else anything above */
} sb_neighbor;
/* Of the people that serve as a cohort, so many are certainly the nearest; of the others nearly all (bench/search). */
enum { SB_NEIGHBORS_CERTAIN = 5 };
/* The nearest people to an embedding, each with the best face. With `by_score` the order is that of similarity -
 * sb_cohort_bias, by which the best normalised score comes first; else that of the similarity, highest first. `out` has
 * room for query->k. Call sb_collection_indexes_sync before. */
sb_status sb_collection_indexes_neighbors(sb_collection_indexes *indexes, const sb_engine_query *query, bool by_score,
                                          sb_neighbor *out, size_t *found, sb_error *error);
/* The similarities of the k people nearest to a stored face, other than its own person, highest first. `similarities`
 * has room for k. SB_NOT_FOUND: there is no such face any more. */
sb_status sb_collection_indexes_neighbors_of(sb_collection_indexes *indexes, int64_t collection, int64_t face, size_t k,
                                             float *similarities, size_t *found, sb_error *error);
/* The similarity of an embedding and the mean of the templates of `faces`, as many as still exist; -1 without any. */
sb_status sb_collection_indexes_mean_similarity(sb_collection_indexes *indexes, const sb_engine_query *query,
                                                const sb_store_face_row *faces, size_t count, size_t dim, double *out,
                                                sb_error *error);
/* The density of a face in the index; `population` SB_DENSITY_NONE where it has none, or there is no such face. */
void sb_collection_indexes_density(sb_collection_indexes *indexes, int64_t collection, int64_t face, sb_density *out);
/* The k best, by similarity, for templates as the store has them, already protected by the collection's transform;
 * `query` and results as sb_index_search. SB_INVALID: the database searches. */
sb_status sb_collection_indexes_search_stored(sb_collection_indexes *indexes, int64_t collection,
                                              const sb_index_query *query, sb_hit *hits, size_t *found,
                                              sb_error *error);

/* Are all faces being read for the first time? Then how many of how many faces, of how many people. Never waits. */
bool sb_collection_indexes_loading(sb_collection_indexes *indexes, size_t *loaded, size_t *people, size_t *faces);
/* Can searches be answered without reading all faces first? */
bool sb_collection_indexes_ready(sb_collection_indexes *indexes);
/* Milliseconds since the last successful sync began; -1: there was none, or the database searches. */
double sb_collection_indexes_age_ms(sb_collection_indexes *indexes);
/* How many changes of the database are not applied yet; -1: not known, because the indexes are being filled, the
 * database searches, or it does not answer. */
int64_t sb_collection_indexes_lag(sb_collection_indexes *indexes);
/* How many changes were applied since the first filling. */
size_t sb_collection_indexes_followed(sb_collection_indexes *indexes);
size_t sb_collection_indexes_bytes(sb_collection_indexes *indexes); /* of memory */

#endif
