/* The names of KRAFlags (docs/FACTS.md 16), which root sets: `kra_flags` of dircad.conf. */
#ifndef HOME_KRA_FLAGS_H
#define HOME_KRA_FLAGS_H

#include "flag_set.h"

/* Certificates and keys of other CAs may be imported. */
#define KRAF_ENABLEFOREIGN 0x1

extern const struct flag_name kra_flag_names[];

#endif
