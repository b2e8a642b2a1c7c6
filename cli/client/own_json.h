/* OWNED(own_json) json_t *answer = NULL: see own.h. */
#ifndef CLIENT_OWN_JSON_H
#define CLIENT_OWN_JSON_H

#include <jansson.h>

#include "own.h"

OWN_POINTER(own_json, json_t, json_decref)

#endif
