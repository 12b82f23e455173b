/* Copies of one face in one photo: a face that was pasted twice, or an image that was mirrored. */
#ifndef SB_ENGINE_PHOTO_COPIES_H
#define SB_ENGINE_PHOTO_COPIES_H

#include "image/image.h"

/* Do the two boxes show the same pixels, or one the mirror image of the other? Boxes in pixels of the full-size photo.
 * A person who is in a photo twice in other ways (two shots pasted side by side) is not recognised: that cannot be told
 * from twins. SB_NO_MEMORY. */
sb_status sb_photo_copies_are(const sb_image *photo, const sb_box *one, const sb_box *other, bool *copies,
                              sb_error *error);

#endif
