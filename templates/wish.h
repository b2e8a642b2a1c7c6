/*
 * What a request wishes of a CA that has no templates, as the template that it is decided by: names
 * and usages are the request's, a certificate manager decides about every one ([MS-WCCE] 3.2.1,
 * a standalone CA), and what the vault signs is root's word as ever (sign_kinds). Pure.
 */
#ifndef TEMPLATES_WISH_H
#define TEMPLATES_WISH_H

#include "tmpl.h"

#define WISH_RSA_BITS 2048 /* at least */

struct wish {
	const char *key_algorithm; /* "RSA" or "EC" */
	int key_bits;
	bool has_key_usage;
	uint8_t key_usage[2]; /* as struct tmpl has it */
	struct texts eku;     /* borrowed; empty: the request names none */
	bool is_ca;           /* basicConstraints */
	int32_t path_len;     /* -1: none */
};

/* A request that names no usage gets digital signature and key encipherment, for client and server
 * authentication: never every purpose. tmpl_free(). CERTSRV_E_KEY_LENGTH; ERROR_INVALID_DATA for
 * usages that contradict each other. */
bool wish_template(const struct wish *w, struct tmpl *out, struct err *err);

#endif
