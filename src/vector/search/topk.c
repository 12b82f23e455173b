#include "vector/search/topk.h"

#include <string.h>

static bool better(const sb_hit *a, const sb_hit *b) {
  return a->score > b->score || (a->score == b->score && a->key < b->key);
}

/* The k best labels (or keys) stay right although one may be pushed out and come back: a label's best score only rises, so what
 * was pushed out by k better labels can only return by a hit of its own that is better still. */
void sb_topk_add(sb_topk *topk, sb_hit hit, bool by_label) {
  size_t end = topk->count; /* the entry that gives way; `count`: none does */
  for (size_t i = 0; i < topk->count; i++) {
    if (by_label ? topk->hits[i].label != hit.label : topk->hits[i].key != hit.key) continue;
    if (!better(&hit, &topk->hits[i])) return;
    end = i;
    break;
  }
  if (end == topk->count) {
    if (topk->count < topk->capacity)
      topk->count++;
    else if (!topk->capacity || !better(&hit, &topk->hits[--end]))
      return;
  }
  size_t place = end;
  while (place > 0 && better(&hit, &topk->hits[place - 1])) place--;
  memmove(&topk->hits[place + 1], &topk->hits[place], (end - place) * sizeof hit);
  topk->hits[place] = hit;
}
