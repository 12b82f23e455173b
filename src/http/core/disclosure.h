/* What searches tell a caller who is not an admin.
 *
 * A score is a scalar product with a stored template: from enough scores of people who do not match, the template
 * follows by least squares (docs/security-review.md). So such a caller learns of people who match or may match, and of
 * nobody else, with scores of three digits. */
#ifndef SB_HTTP_CORE_DISCLOSURE_H
#define SB_HTTP_CORE_DISCLOSURE_H

#include "http/core/request.h"

/* Takes candidates below the bound of "not sure" out of the result, and rounds the others. `chosen`: the caller chose
 * the operating point, which does not lower the bound. */
void sb_http_disclose_search(sb_http_context *context, const sb_http_principal *caller, bool chosen,
                             sb_search_result *result);
/* The same for the comparison with one stored face: its similarity is that bound at least. */
void sb_http_disclose_comparison(const sb_http_principal *caller, sb_comparison *comparison);
/* Counts a photo of this caller against --photo-limit: 0, or the seconds until it may send one. */
unsigned sb_http_disclose_wait(sb_http_context *context, const sb_http_principal *caller);

#endif
