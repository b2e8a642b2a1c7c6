/*
 * The HTTP status of an error, from its category (RFC 9110 15.5, 15.6; 429: RFC 6585 4).
 */
#ifndef SERVICE_STATUS_H
#define SERVICE_STATUS_H

#include "err.h"

int status_of(enum err_code code);

#endif
