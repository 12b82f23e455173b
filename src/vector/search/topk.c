/* Insertion into a sorted list of hits; see topk.h. */
#include "vector/search/topk.h"

#include <string.h>

static bool better(const sb_hit *a, const sb_hit *b) {
  return a->score > b->score || (a->score == b->score && a->key < b->key);
}

/* With by_label the k best labels stay correct although a label may be displaced and return: a label's best score only
 * rises, so a label that was displaced by k better ones can return only with a later hit that is better than theirs. */
void sb_topk_add(sb_topk *topk, sb_hit hit, bool by_label) {
  size_t end = topk->count; /* the entry to replace; `count`: none */
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
