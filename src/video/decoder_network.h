/* Which addresses a camera's decoder may connect to. Only the decoder program includes this.
 *
 * A camera, a playlist or a redirect may name any address. Those of this machine and of private networks are refused
 * unless they are the camera's own: connect() and sendto() of this program, which FFmpeg's libraries call, check each
 * one after names were looked up, so that no name can get around it. That holds against what a camera says. Against
 * somebody who took the decoder over, only the sandbox holds: see sb_sandbox_enter_camera. */
#ifndef SB_VIDEO_DECODER_NETWORK_H
#define SB_VIDEO_DECODER_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

/* Looks up the camera's host; from now on its addresses are allowed. False: the name is unknown. */
bool sb_video_network_own(const char *host, uint16_t port);
/* An address was refused since the start. */
bool sb_video_network_refused(void);

#endif
