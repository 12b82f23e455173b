/* What a decoder process and its parent tell each other.
 *
 * The decoder (semblance-video, decoder_main.c) is a program of its own: it starts without the parent's memory and
 * environment, so it never has a key, and enters a sandbox before it reads the first byte of the film, or connects to
 * the camera. It inherits three files (and /dev/null as input and outputs):
 *
 *   SB_VIDEO_SOCKET   a SOCK_SEQPACKET socket: one sb_video_message a packet, both ways
 *   SB_VIDEO_MEMORY   shared memory of SB_VIDEO_SLOTS slots for pictures, sealed in its size by the parent
 *   SB_VIDEO_FILM     the film, open for reading; the decoder of a film can open nothing else. A camera has /dev/null
 *
 *   decoder                          parent
 *                                <-  of a camera: its address, text without a NUL, as the first packet; arguments would
 *                                    show its password to every process of the machine
 *   INFO or FAILED               ->
 *   FRAME (a slot is filled)     ->
 *                                <-  RELEASE (the slot is free again)
 *   PROGRESS (once a second)     ->
 *   END or FAILED                ->
 *
 * All slots are free at first. The decoder of a film waits while none is. That of a camera uses the first slot only,
 * and drops the pictures that are decoded while the parent has it, so that the next one is always the newest; times are
 * those of arrival, since the decoder started. The parent trusts nothing that it receives (conversation.c): neither the
 * order of messages, nor a number, nor the pixels, which the decoder may change at any time. */
#ifndef SB_VIDEO_PROTOCOL_H
#define SB_VIDEO_PROTOCOL_H

#include <stdint.h>

enum {
  SB_VIDEO_SOCKET = 3,
  SB_VIDEO_MEMORY = 4,
  SB_VIDEO_FILM = 5,
  SB_VIDEO_FILES = 6, /* the first number that is not inherited */
};

enum {
  SB_VIDEO_SLOTS = 4,
  SB_VIDEO_PIXELS_MAX = 1920 * 1088,                       /* of a picture that is handed over; larger ones shrink */
  SB_VIDEO_SIDE_MAX = 8192,                                /* of a picture that is handed over */
  SB_VIDEO_SLOT_BYTES = SB_VIDEO_PIXELS_MAX * 3 + 64 * 64, /* the converter may write some bytes beyond a row */
  SB_VIDEO_MEMORY_BYTES = SB_VIDEO_SLOTS * SB_VIDEO_SLOT_BYTES,
  /* Of a film's pictures as encoded: the largest of level 5.1 of H.264 (ITU-T H.264, table A-1: 36,864 macroblocks of
   * 256 pixels), which has 4096x2304. */
  SB_VIDEO_FILM_PIXELS_MAX = 36864 * 256,
  SB_VIDEO_CAMERA_MEMORY_BYTES = SB_VIDEO_SLOT_BYTES, /* of a camera, which has one slot */
};

typedef enum sb_video_kind {
  SB_VIDEO_INFO = 1,
  SB_VIDEO_FRAME,
  SB_VIDEO_PROGRESS,
  SB_VIDEO_END,
  SB_VIDEO_FAILED,
  SB_VIDEO_RELEASE,
} sb_video_kind;

/* Why a film cannot be read. The decoder sends the number; the words are the parent's (conversation.c). */
typedef enum sb_video_failure {
  SB_VIDEO_NOT_A_FILM = 1, /* no container of films, or not by its content */
  SB_VIDEO_NO_PICTURES,    /* a sound without pictures */
  SB_VIDEO_UNKNOWN_CODEC,
  SB_VIDEO_TOO_LARGE, /* width and height say how large */
  SB_VIDEO_DAMAGED,   /* the index or all of the pictures */
  SB_VIDEO_NO_MEMORY,
  SB_VIDEO_PLAYLIST, /* it names other files or addresses, which are not opened */
  /* Of cameras only. */
  SB_VIDEO_UNREACHABLE,  /* its name is unknown, or nothing answers there */
  SB_VIDEO_LOGIN,        /* it refused the user name or the password, or wants one */
  SB_VIDEO_ABSENT,       /* it answers, but has no such stream */
  SB_VIDEO_SILENT,       /* it sent nothing for too long */
  SB_VIDEO_LOST,         /* it ended the stream, or the connection broke */
  SB_VIDEO_INWARD,       /* it led to an address of this machine or of the local network that is not its own */
  SB_VIDEO_BAD_PICTURES, /* it sends, but nothing that can be decoded */
} sb_video_failure;

typedef struct sb_video_message {
  uint32_t kind;   /* sb_video_kind */
  uint32_t detail; /* FAILED: sb_video_failure; FRAME, RELEASE: the slot */
  uint32_t width;  /* INFO, FAILED: of the film as a person sees it; FRAME: of the picture in the slot */
  uint32_t height; /* likewise */
  uint32_t source_width, source_height; /* FRAME: of the film at this picture */
  int64_t time_ms;  /* FRAME, PROGRESS, END: from the film's start; INFO: its duration, -1: not known */
  uint64_t decoded; /* FRAME, PROGRESS, END: pictures decoded so far; INFO: pictures a second, in thousandths */
  uint64_t damaged; /* FRAME, PROGRESS, END: how many pictures could not be decoded */
  char codec[32];   /* INFO: "h264"; ends with a NUL */
} sb_video_message;

#endif
