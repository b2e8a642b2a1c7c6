/*
 * What the makers of extensions share. Not for other rooms.
 */
#ifndef MESSAGES_EXTENSION_PRIV_H
#define MESSAGES_EXTENSION_PRIV_H

#include "extension.h"

/* Takes over what an i2d function made. */
bool ext_push_der(
    ext_list *list, const char *dotted, bool critical, uint8_t *der, int len, struct err *err);
/* NULL with ERROR_INVALID_DATA if it is no object identifier. */
ASN1_OBJECT *ext_object(const char *dotted, struct err *err);
/* String of an ASN.1 type; `len` -1: up to its NUL. NULL on no memory. */
ASN1_STRING *ext_string(int type, const void *data, int len);

#endif
