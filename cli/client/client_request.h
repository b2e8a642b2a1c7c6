/*
 * What a client sends to get a certificate (paper, "Understanding the Archival Process", steps 4
 * and 5), and keeps until it has one, so that the same bytes can be sent again: the CA answers them
 * with what became of them.
 */
#ifndef CLIENT_CLIENT_REQUEST_H
#define CLIENT_CLIENT_REQUEST_H

#include "client_key.h"
#include "http_client.h"
#include "pki.h"
#include "tmpl.h"

/* Who signs the request beside its own key. */
struct client_signer {
	EVP_PKEY *key;
	struct buf certificate; /* DER */
};
void client_signer_free(struct client_signer *s);
/* Key and certificate of a PKCS#12. */
bool client_signer_read(
    const char *path, const struct secret *password, struct client_signer *out, struct err *err);

struct client_enroll {
	const struct pki_service *service;
	const struct tmpl *tmpl; /* NULL: none, of a PKCS#10 */
	EVP_PKEY *key;
	const char *subject;    /* DN, NULL: empty name */
	const char *const *dns; /* SAN names */
	size_t dns_count;
	const STACK_OF(X509_EXTENSION) * extensions; /* further ones; NULL: none */
	bool is_cmc;                                 /* whether or not something demands it */
	bool unbound; /* it is sent later, by whoever: nothing says when and by whom */
	const struct client_signer
	    *renews;                       /* certificate that this renews, with its key; or NULL */
	const struct client_signer *agent; /* enrollment agent; or NULL */
	const char *on_behalf_of;          /* whom the agent enrolls; NULL: the caller */
	const char *sender;                /* who signs in; NULL: unknown */
	int64_t now;
};

/* The PKCS#10, which is the same for every CA. */
bool client_pkcs10_make(const struct client_enroll *in, struct buf *out, struct err *err);

struct client_request {
	char *ca;          /* whom it is for: cn of the enrollment service */
	char *template_cn; /* what it asks for */
	bool is_cmc;       /* else the PKCS#10 itself */
	struct buf message;
};
/* CMC where the template archives (the private key is encrypted to the CA's exchange certificate,
 * which is fetched and checked) or where others sign too. */
bool client_request_make(struct http_client *http, const struct client_enroll *in,
    struct view pkcs10, struct client_request *out, struct err *err);
void client_request_free(struct client_request *r);
/* A request that came as a file: CMC or PKCS#10, for no CA and template that is known here. */
bool client_request_read(struct view der, struct client_request *out, struct err *err);
/* The SubjectPublicKeyInfo that it asks a certificate for. */
bool client_request_spki(const struct client_request *r, struct buf *out, struct err *err);
/* Where a request lies beside its key. free(). */
char *client_request_path(const char *key_file);
bool client_request_encode(const struct client_request *r, struct buf *out, struct err *err);
bool client_request_save(const char *path, const struct client_request *r, struct err *err);
/* ERROR_FILE_NOT_FOUND: there is none. */
bool client_request_load(const char *path, struct client_request *out, struct err *err);

#endif
