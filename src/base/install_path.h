/* Where this program or library is installed, and what was installed with it: models and helper programs. */
#ifndef SB_BASE_INSTALL_PATH_H
#define SB_BASE_INSTALL_PATH_H

#include <semblance/semblance.h>

/* The ':'-separated folders with the models of this installation. They are looked for in the three folders above the
 * one that holds this program or library: share/semblance/models (installed), or models with deps/models and
 * deps/deepface (a checkout); the nearest wins. Where none exists, the folder where an installation would have them is
 * returned, so that the caller's message can name it. Released by free(). NULL: out of memory. */
char *sb_install_models_path(sb_error *error);

/* The path of a program that only this one starts: libexec/semblance/NAME of the installation, or build/src/video/NAME
 * or build/src/webhook/NAME of a checkout. Released by free(). NULL: SB_NOT_FOUND in `error` where it was not
 * installed. */
char *sb_install_helper_path(const char *name, sb_error *error);

#endif
