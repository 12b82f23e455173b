/* The live channel, /v1/live: a camera's frames in, names out, over a WebSocket (RFC 6455). */
#ifndef SB_HTTP_API_LIVE_H
#define SB_HTTP_API_LIVE_H

#include "base/base.h"

struct sb_http_request;

/* Replies 101, which turns the connection into a channel. Each binary message is a photo. The newest one is
 * searched; photos that arrive meanwhile are dropped except the last. Each answer is text: the search's JSON with
 * `frame` (the photo's number, from 1 in the order of arrival) and `dropped` (photos dropped since the answer
 * before); to a text message it is {"error": ...}. SB_INVALID: not a WebSocket handshake; SB_BUSY: too many
 * channels. */
/* `liveness` (NULL: none): the id of a session of active liveness, which each photo is a frame of; the answers are then
 * its state, with `frame` and `dropped`. */
sb_status sb_http_live_open(struct sb_http_request *request, const char *liveness, sb_error *error);

#endif
