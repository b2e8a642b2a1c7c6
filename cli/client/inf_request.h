/*
 * What certreq's INF file asks for (paper, "Binary Request Export Using the CertUtil.exe
 * Command-Line Tool Walkthrough", and what Windows takes there besides), read into what dirca can
 * ask for. A name that is not known is an error: a misspelt PrivateKeyArchive must not make a
 * request without the key. One that is known and changes nothing here is a note for the caller.
 */
#ifndef CLIENT_INF_REQUEST_H
#define CLIENT_INF_REQUEST_H

#include "extension.h"
#include "texts.h"

struct inf_request {
	char *subject;       /* DN of RFC 4514; NULL: empty name */
	char *template_name; /* NULL: none */
	bool archives;       /* PrivateKeyArchive */
	bool is_cmc;
	char *renewal_cert;   /* SHA-1 of a certificate that this renews, in hexadecimal; or NULL */
	bool same_key;        /* with the key of that (UseExistingKeySet) */
	bool exchange_key;    /* KeySpec says that it encrypts */
	bool signature_key;   /* or that it only signs */
	const char *curve;    /* NULL: RSA, or nothing was said */
	bool is_rsa;          /* it was said */
	int bits;             /* 0: nothing was said */
	ext_list *extensions; /* never NULL */
	struct texts notes;   /* "line 7: ..." */
};

/* DIRCA_E_USAGE with the line of what dirca cannot do and the way round; ERROR_INVALID_DATA. */
bool inf_request_read(struct view text, struct inf_request *out, struct err *err);
void inf_request_free(struct inf_request *r);

#endif
