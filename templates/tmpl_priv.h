/*
 * Templates, shared inside the room: lists of texts, object identifiers, key usages, and the
 * triplet syntax of versions 3 and 4.
 */
#ifndef TEMPLATES_TMPL_PRIV_H
#define TEMPLATES_TMPL_PRIV_H

#include "dotted.h"
#include "tmpl.h"

#define OID_KEY_USAGE "2.5.29.15"

/* The first octet of pKIKeyUsage (RFC 5280 4.2.1.3). ca/messages has the same bits in 16
 * (PKIX_KU_*), and is no room that templates may see. */
#define KU_DIGITAL_SIGNATURE 0x80
#define KU_NON_REPUDIATION   0x40
#define KU_KEY_ENCIPHERMENT  0x20
#define KU_DATA_ENCIPHERMENT 0x10
#define KU_KEY_AGREEMENT     0x08
#define KU_CERT_SIGN         0x04
#define KU_CRL_SIGN          0x02
#define KU_ENCIPHER_ONLY     0x01
#define KU_DECIPHER_ONLY     0x80 /* of the second */
#define KU_ENCRYPTS          (KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT | KU_KEY_AGREEMENT)

/* Appends `text`, which the list then owns (also on failure: it is freed). Refuses a value that is
 * there already. */
bool texts_take_new(struct texts *l, char *text, struct err *err);

/* The one value of msPKI-RA-Application-Policies in the syntax "Name`Type`Value`" ([MS-CRTD] 2.23).
 */
bool tmpl_decode_triplets(char *text, struct tmpl *t, struct err *err);

#endif
