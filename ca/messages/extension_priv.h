/*
 * What the makers of extensions share. Not for other rooms.
 */
#ifndef MESSAGES_EXTENSION_PRIV_H
#define MESSAGES_EXTENSION_PRIV_H

#include "extension.h"
#include "own_openssl.h"

/* The extension whose value is the DER of `value`. */
bool ext_push_item(ext_list *list, const char *dotted, bool critical, const void *value,
    const ASN1_ITEM *item, struct err *err);
/* Takes over the string, also on failure. */
bool ext_add_string(GENERAL_NAMES *names, int type, ASN1_STRING *value, struct err *err);
/* ERROR_INVALID_DATA if it is not: no IA5String. */
bool ext_is_ascii(const char *text, struct err *err);
/* NULL with ERROR_INVALID_DATA if it is no object identifier. */
ASN1_OBJECT *ext_object(const char *dotted, struct err *err);
/* String of an ASN.1 type; `len` -1: up to its NUL. NULL on no memory. */
ASN1_STRING *ext_string(int type, const void *data, int len);

#endif
