/*
 * What a CA wants to find in a certificate request, told before it is made (RFC 7030 4.5.2,
 * RFC 8951 3).
 */
#ifndef MESSAGES_CSRATTRS_H
#define MESSAGES_CSRATTRS_H

#include "extension.h"

/* CsrAttrs with one attribute, extensionRequest, which holds these extensions; at least one. */
bool csrattrs_encode(const ext_list *extensions, struct buf *out, struct err *err);

#endif
