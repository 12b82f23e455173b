/* Selecting and sorting the best candidates; see shortlist.h. */
#include "vector/search/shortlist.h"

static void swap(sb_shortlist_row *a, sb_shortlist_row *b) {
  sb_shortlist_row keep = *a;
  *a = *b;
  *b = keep;
}

/* Quickselect (Hoare, "Algorithm 65: find", CACM 4, 1961): moves the best `keep` rows to the front. */
static void select_best(sb_shortlist_row *rows, size_t count, size_t keep) {
  ptrdiff_t low = 0, high = (ptrdiff_t)count - 1, last = (ptrdiff_t)keep - 1;
  while (low < high) {
    int32_t pivot = rows[low + (high - low) / 2].estimate;
    ptrdiff_t i = low, j = high;
    while (i <= j) {
      while (rows[i].estimate > pivot) i++;
      while (rows[j].estimate < pivot) j--;
      if (i <= j) swap(&rows[i++], &rows[j--]);
    }
    if (last <= j)
      high = j;
    else if (last >= i)
      low = i;
    else
      return;
  }
}

void sb_shortlist_cut(sb_shortlist *list) {
  if (list->count <= list->keep) return;
  select_best(list->rows, list->count, list->keep);
  list->count = list->keep;
  int32_t least = INT32_MAX;
  for (size_t i = 0; i < list->count; i++) least = list->rows[i].estimate < least ? list->rows[i].estimate : least;
  list->min_estimate = least;
}

static void sink(sb_shortlist_row *rows, size_t count, size_t at) {
  sb_shortlist_row moving = rows[at];
  for (size_t child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && rows[child + 1].estimate > rows[child].estimate) child++;
    if (rows[child].estimate <= moving.estimate) break;
    rows[at] = rows[child];
  }
  rows[at] = moving;
}

void sb_shortlist_heapify(sb_shortlist_row *rows, size_t count) {
  for (size_t i = count / 2; i-- > 0;) sink(rows, count, i);
}

sb_shortlist_row sb_shortlist_pop(sb_shortlist_row *rows, size_t *count) {
  sb_shortlist_row best = rows[0];
  rows[0] = rows[--*count];
  if (*count) sink(rows, *count, 0);
  return best;
}
