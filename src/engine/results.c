/* Public: releases the results of the verbs. */
#include "engine/internal.h"

#include <semblance/film.h>

#include <stdlib.h>

void sb_candidates_free(sb_candidate *candidates, size_t count) {
  for (size_t i = 0; i < count; i++) {
    free(candidates[i].id);
    free(candidates[i].name);
  }
  free(candidates);
}

void sb_search_result_free(sb_search_result *result) {
  if (!result) return;
  for (size_t i = 0; i < result->count; i++) {
    free(result->faces[i].face.embedding); /* of sb_engine_search_embedded; else NULL */
    sb_candidates_free(result->faces[i].candidates, result->faces[i].count);
  }
  free(result->faces);
  free(result);
}

void sb_film_result_free(sb_film_result *result) {
  if (!result) return;
  for (size_t i = 0; i < result->count; i++) {
    sb_candidates_free(result->tracks[i].best.candidates, result->tracks[i].best.count);
    free(result->tracks[i].picture);
  }
  free(result->tracks);
  free(result);
}

void sb_enrolled_free(sb_enrolled *enrolled) {
  if (!enrolled) return;
  free(enrolled->person.id);
  free(enrolled->person.name);
  free(enrolled->person.consent);
  free(enrolled->person.purpose);
  free(enrolled->faces);
  free(enrolled->others);
  free(enrolled->kept);
  sb_candidates_free(enrolled->duplicates, enrolled->duplicate_count);
  free(enrolled);
}

void sb_clusters_free(sb_clusters *clusters) {
  if (!clusters) return;
  if (clusters->names) sb_candidates_free(clusters->names, clusters->count);
  free(clusters->cluster_of);
  free(clusters->children);
  free(clusters->rivals);
  free(clusters->copies);
  free(clusters);
}

void sb_duplicates_free(sb_duplicates *duplicates) {
  if (!duplicates) return;
  for (size_t i = 0; i < duplicates->count; i++)
    for (int k = 0; k < 2; k++) {
      free(duplicates->items[i].ids[k]);
      free(duplicates->items[i].names[k]);
    }
  free(duplicates->items);
  free(duplicates);
}

void sb_collections_free(sb_collection *collections) {
  free(collections);
}
