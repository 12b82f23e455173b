/* The base layer (L0): what every other folder builds on. Each header below has one purpose; include this one for all
 * of them. Nothing here knows about faces, HTTP or databases. */
#ifndef SB_BASE_H
#define SB_BASE_H

#include "base/actor.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/install_path.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/stage_timer.h"
#include "base/text.h"

#include <semblance/semblance.h>

#include <pthread.h>
#include <stdarg.h>

#endif
