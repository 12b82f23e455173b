/* The launcher's own side (launcher.h). Only the decoder program includes this. */
#ifndef SB_VIDEO_DECODER_LAUNCHER_H
#define SB_VIDEO_DECODER_LAUNCHER_H

/* Serves until the server closes the socket. Returns the exit code. */
int sb_video_launcher_run(void);

#endif
