/* What a file is, and what it says, as JSON. */
#ifndef CLI_DUMP_TYPES_H
#define CLI_DUMP_TYPES_H

#include <jansson.h>

#include "key_input.h"

/* `file` as it was read, `der` without its armour. The type that was asked for, or with "auto" the
 * first that it is; NULL: ERROR_INVALID_DATA, DIRCA_E_USAGE for a type that there is not. */
json_t *dump_as(const char *type, struct view file, struct view der,
    const struct key_passwords *with, struct err *err);

#endif
