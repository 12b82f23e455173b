/* The child rule: where a score is a match's and one of the faces looks like a child's, the verdict is "not sure".
 *
 * Children look alike to the embedding models. At the score that one pair of adults in 10,000 reaches, 240 of 10,000
 * pairs of children of 7 to 12 match, and half of all pairs up to 2 years (docs/accuracy.md). So such a match names
 * nobody, unless the policy says so (sb_children_policy).
 *
 * The age model runs only where a match would be said: the faces are found with sb_child_want, which keeps their
 * pictures until the scores are known. */
#ifndef SB_ENGINE_CHILD_RULE_H
#define SB_ENGINE_CHILD_RULE_H

#include "engine/internal.h"

/* What the rule adds to the SB_WANT_... of a photo. */
unsigned sb_child_want(const sb_engine *engine);
/* Does the rule hold back matches of this face of a photo? Call it only where a match would be said: it runs the age
 * model unless the age is known. SB_BUSY, SB_MODEL. */
sb_status sb_child_face(sb_engine *engine, sb_faces *faces, size_t face, bool *child, sb_error *error);
/* The same by what is stored about a person; false where no age is. */
bool sb_child_person(const sb_engine *engine, bool has_attributes, const sb_attributes *attributes);
/* The same for two faces of photos: turns a match into "not sure". Of each of `photos`, the face out->numbers is
 * compared. */
sb_status sb_child_compare(sb_engine *engine, sb_faces *const *faces, size_t photos, sb_comparison *out,
                           sb_error *error);

#endif
