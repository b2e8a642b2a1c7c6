/*
 * Kinds of certificates, and which of them the vault may sign. Root names them (dircad.conf,
 * sign_kinds); the vault holds each TBSCertificate against them, and the front asks the same
 * function before it asks the vault, so that both refuse with one sentence. Pure.
 *
 * A certificate that serves only what its extended key usages say is an end entity's, which is
 * always allowed. One that serves more than one kind needs all of them.
 */
#ifndef KEYS_SIGN_KINDS_H
#define KEYS_SIGN_KINDS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define SIGN_KIND_KRA         0x01u /* 1.3.6.1.4.1.311.21.6 */
#define SIGN_KIND_SUB_CA      0x02u /* basicConstraints CA, keyCertSign or cRLSign */
#define SIGN_KIND_AGENT       0x04u /* 1.3.6.1.4.1.311.20.2.1 */
#define SIGN_KIND_OCSP        0x08u /* 1.3.6.1.5.5.7.3.9 */
#define SIGN_KIND_ANY_PURPOSE 0x10u /* any extended key usage, or no such extension and no CA */
#define SIGN_KINDS_DEFAULT    SIGN_KIND_KRA

/* What of a certificate decides of which kinds it is. */
struct sign_usages {
	char *const *list; /* dotted */
	size_t count;
};
struct sign_purpose {
	bool is_ca;                /* basicConstraints */
	uint16_t key_usage;        /* PKIX_KU_*; 0 if absent */
	bool has_eku;              /* the extension is there */
	struct sign_usages eku;    /* extended key usages */
	struct sign_usages policy; /* 1.3.6.1.4.1.311.21.10, which Windows reads for them */
};

/* DIRCA_E_KIND_NOT_ALLOWED with the kinds that are missing and the line of dircad.conf that allows
 * them; 1.3.6.1.4.1.311.21.5 and the usages under ARC.4 (docs/PROTOCOL.md) are allowed by none, for
 * the vault makes exchange and key import certificates itself. */
bool sign_kinds_check(unsigned allowed, const struct sign_purpose *p, struct err *err);

/* "kra sub-ca": words between blanks or commas; "end-entity" may be named and adds nothing.
 * DIRCA_E_CONFIG names an unknown word and those that are known. */
bool sign_kinds_parse(const char *text, unsigned *out, struct err *err);
/* "end-entity kra ..." as sign_kinds_parse reads it. */
#define SIGN_KINDS_TEXT_MAX 96
void sign_kinds_text(unsigned kinds, char out[SIGN_KINDS_TEXT_MAX]);

#endif
