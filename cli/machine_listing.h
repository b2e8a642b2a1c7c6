/* What machine.h found, for people and programs. */
#ifndef CLI_MACHINE_LISTING_H
#define CLI_MACHINE_LISTING_H

#include "machine.h"

/* On stdout; ends with what to do next. */
void machine_print(const struct machine_report *r, bool json);

#endif
