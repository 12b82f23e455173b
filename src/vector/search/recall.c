/* Recall of the fast search: synthetic second photos of stored faces are searched in both modes. While the fast search
 * finds less than 99.92 % of the exact ten nearest, the number of candidates that its stages
 * pass on is raised by half. */
#include "vector/search/recall.h"

#include "vector/quantizer/xorshift.h"
#include "vector/search/search.h"

#include <math.h>
#include <stdlib.h>

enum { NEIGHBOURS = 10, QUERIES = 256, ROUNDS = 6 };

/* Of 256 * 10 neighbours two may be missing. */
#define RECALL_WANTED 0.9992

typedef struct neighbours {
  sb_hit hits[NEIGHBOURS];
  size_t count;
} neighbours;

/* Another photo of a face has a similarity of about 0.6 to it; two thirds of the rest resemble other faces and one
 * third is noise in all directions. Noise is what the codes represent worst, so searching for the rows themselves would
 * give too high a recall. Turns the first `count` rows of the sample into such photos, with
 * the help of its last rows. */
static void make_second_photos(const sb_index *index, float *sample, size_t drawn, size_t count) {
  size_t dim = index->stored.dim, mixed = dim - index->query_tail_count;
  uint64_t state = 0x13198a2e03707344u;
  for (size_t p = 0; p < count; p++) {
    float *row = sample + p * dim;
    const float *other = sample + (drawn - 1 - p) * dim;
    double length2 = 0;
    for (size_t j = 0; j < mixed; j++) length2 += (double)row[j] * (double)row[j];
    double noise = 0.44 * sqrt(12 * length2 / (double)mixed); /* uniform numbers have a variance of 1 / 12 */
    for (size_t j = 0; j < mixed; j++)
      row[j] = (float)(0.6 * (double)row[j] + 0.67 * (double)other[j] + noise * sb_xorshift_centred(&state));
    sb_index_as_query(index, row);
  }
}

/* False: the search failed. */
static bool find_neighbours(sb_index *index, const float *vector, sb_search_mode mode, neighbours *out) {
  const sb_index_query query = {
      .struct_size = sizeof query, .vectors = vector, .count = 1, .k = NEIGHBOURS, .mode = mode};
  return sb_query_batch_run(index, &query, out->hits, &out->count, NULL) == SB_OK;
}

static bool has_key(const neighbours *list, uint64_t key) {
  for (size_t i = 0; i < list->count; i++)
    if (list->hits[i].key == key) return true;
  return false;
}

/* The share of the exact neighbours that the fast search finds; < 0: a search failed. The index may change meanwhile: a
 * row that was removed, or displaced by better ones, does not count as missing. */
static double measure(sb_index *index, const float *queries, size_t count, const neighbours *exact) {
  size_t right = 0, wrong = 0;
  for (size_t q = 0; q < count; q++) {
    neighbours fast;
    if (!find_neighbours(index, queries + q * index->stored.dim, SB_SEARCH_FAST, &fast)) return -1;
    for (size_t i = 0; i < exact[q].count; i++) {
      const sb_hit *wanted = &exact[q].hits[i];
      if (has_key(&fast, wanted->key))
        right++;
      else if (fast.count < NEIGHBOURS || fast.hits[NEIGHBOURS - 1].score < wanted->score)
        wrong += sb_index_contains(index, wanted->key);
    }
  }
  return right ? (double)right / (double)(right + wrong) : 1;
}

void sb_recall_tune(sb_index *index, sb_generation *generation, float *sample, size_t count) {
  size_t dim = index->stored.dim, queries = count / 2 < QUERIES ? count / 2 : QUERIES;
  neighbours *exact = sb_alloc(queries, sizeof *exact, NULL);
  bool ready = exact != NULL;
  make_second_photos(index, sample, count, queries);
  for (size_t q = 0; ready && q < queries; q++)
    ready = !sb_index_stopping(index) && find_neighbours(index, sample + q * dim, SB_SEARCH_EXACT, &exact[q]);
  for (int round = 0; ready && round < ROUNDS && !sb_index_stopping(index); round++) {
    double recall = measure(index, sample, queries, exact);
    if (recall >= 0) atomic_store(&generation->recall, recall);
    if (recall < 0 || recall >= RECALL_WANTED) break;
    atomic_store(&generation->quantizer->oversampling, 1.5 * atomic_load(&generation->quantizer->oversampling));
  }
  free(exact);
}
