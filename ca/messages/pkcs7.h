/* PKCS#7 bundles (*.p7b, *.p7c, *.spc): SignedData without content and signers, for its
 * certificates. */
#ifndef MESSAGES_PKCS7_H
#define MESSAGES_PKCS7_H

#include "buf.h"

typedef bool pkcs7_each(void *arg, struct view certificate, struct err *err);

/* Calls for each, none too; false ends it. ERROR_INVALID_DATA: a message that is signed, or one
 * that is damaged. */
bool pkcs7_certificates(struct view der, pkcs7_each *each, void *arg, struct err *err);

#endif
