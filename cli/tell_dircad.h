/* The running dircad, for verbs that change its files. */
#ifndef CLI_TELL_DIRCAD_H
#define CLI_TELL_DIRCAD_H

#include "config.h"

/* It reads whom keys are sealed to again; none running is fine. */
void tell_dircad(const struct config *config);

#endif
