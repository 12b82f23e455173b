#include "vector/search/best.h"

static void swap(sb_candidate_row *a, sb_candidate_row *b) {
  sb_candidate_row keep = *a;
  *a = *b;
  *b = keep;
}

/* Hoare's selection: the best `keep` come to the front. */
static void select_best(sb_candidate_row *items, size_t count, size_t keep) {
  ptrdiff_t low = 0, high = (ptrdiff_t)count - 1, last = (ptrdiff_t)keep - 1;
  while (low < high) {
    int32_t pivot = items[low + (high - low) / 2].estimate;
    ptrdiff_t i = low, j = high;
    while (i <= j) {
      while (items[i].estimate > pivot) i++;
      while (items[j].estimate < pivot) j--;
      if (i <= j) swap(&items[i++], &items[j--]);
    }
    if (last <= j)
      high = j;
    else if (last >= i)
      low = i;
    else
      return;
  }
}

void sb_best_cut(sb_best *best) {
  if (best->count <= best->keep) return;
  select_best(best->items, best->count, best->keep);
  best->count = best->keep;
  int32_t least = INT32_MAX;
  for (size_t i = 0; i < best->count; i++) least = best->items[i].estimate < least ? best->items[i].estimate : least;
  best->bar = least;
}

static void sink(sb_candidate_row *items, size_t count, size_t at) {
  sb_candidate_row moving = items[at];
  for (size_t child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && items[child + 1].estimate > items[child].estimate) child++;
    if (items[child].estimate <= moving.estimate) break;
    items[at] = items[child];
  }
  items[at] = moving;
}

void sb_heap_make(sb_candidate_row *items, size_t count) {
  for (size_t i = count / 2; i-- > 0;) sink(items, count, i);
}

sb_candidate_row sb_heap_take(sb_candidate_row *items, size_t *count) {
  sb_candidate_row best = items[0];
  items[0] = items[--*count];
  if (*count) sink(items, *count, 0);
  return best;
}
