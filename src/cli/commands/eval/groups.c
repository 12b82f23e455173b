/* Groups of people by what the product's models estimate: sex, age band and ethnicity. */
#include "cli/commands/eval/eval.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX = 80 };

/* Means over a person's photos. */
typedef struct estimate {
  double photos, man, woman;
  double aged, age;
  double ethnicity[SB_ETHNICITIES];
} estimate;

static void add(estimate *e, const sb_attributes *a) {
  e->photos++;
  if (a->man >= 0) e->man += (double)a->man, e->woman += (double)a->woman;
  if (a->age >= 0) e->age += ((double)a->age - e->age) / ++e->aged;
  for (int i = 0; i < SB_ETHNICITIES; i++)
    if (a->ethnicity[i] > 0) e->ethnicity[i] += (double)a->ethnicity[i];
}

static const char *age_band(double age) {
  static const struct {
    double below;
    const char *name;
  } bands[] = {{7, "0 to 6"}, {13, "7 to 12"}, {18, "13 to 17"}, {40, "18 to 39"}, {65, "40 to 64"}};
  for (size_t i = 0; i < sizeof bands / sizeof *bands; i++)
    if (age < bands[i].below) return bands[i].name;
  return "65 and more";
}

static void name_part(char name[NAME_MAX], const char *part, const char *unit) {
  size_t used = strlen(name);
  snprintf(name + used, NAME_MAX - used, "%s%s%s", used ? ", " : "", part, unit);
}

/* "woman, 18 to 39 years, asian"; without what no model estimates. */
static void name_of(const estimate *e, char name[NAME_MAX]) {
  int likely = 0;
  *name = 0;
  if (e->man + e->woman > 0) name_part(name, e->woman > e->man ? "woman" : "man", "");
  if (e->aged > 0) name_part(name, age_band(e->age), " years");
  for (int i = 1; i < SB_ETHNICITIES; i++)
    if (e->ethnicity[i] > e->ethnicity[likely]) likely = i;
  if (e->ethnicity[likely] > 0) name_part(name, sb_ethnicity_name(likely), "");
  for (char *c = name; *c; c++)
    if (*c == '_') *c = ' ';
}

sb_status sb_cli_eval_estimate_groups(sb_cli_eval *eval, sb_error *error) {
  estimate *people = sb_alloc(eval->set.people, sizeof *people, error);
  if (!people) return SB_NO_MEMORY;
  for (size_t i = 0; i < eval->sample_count; i++) {
    const sb_face *face = sb_cli_eval_face(eval->photos[eval->photo_of_sample[i]].faces, eval->central);
    if (face->has_attributes) add(&people[eval->samples[i].person], &face->attributes);
  }
  sb_status status = SB_OK;
  for (size_t i = 0; status == SB_OK && i < eval->sample_count; i++) {
    char name[NAME_MAX] = "";
    const estimate *e = &people[eval->samples[i].person];
    if (e->photos > 0) name_of(e, name);
    status = sb_cli_eval_set_group(&eval->set, name, &eval->samples[i].group, error);
  }
  eval->estimated = eval->set.groups > 0;
  free(people);
  return status;
}
