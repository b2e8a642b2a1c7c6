/*
 * CMC full PKI request and response (RFC 2797/5272, [MS-WCCE] 2.2.2.6.3, 2.2.2.8). Bytes <->
 * structs, no policy.
 */
#ifndef MESSAGES_CMC_H
#define MESSAGES_CMC_H

#include "cms.h"
#include "pkix.h"

/* To whom a request is bound: a control of our own (docs/PROTOCOL.md), under the signature of the
 * request's key. */
#define CMC_BINDING_HASH_LEN 32
struct cmc_binding {
	int64_t time;         /* when the request was made */
	struct view ca;       /* SHA-256 of the CA's certificate */
	struct view exchange; /* SHA-256 of the exchange certificate; empty: no key is archived */
	struct view sender;   /* who signs in to send it, UTF-8; empty: the client did not know */
};

/* By what a client knows the answer to its request again (RFC 5272 6.4, 6.6): values in DER, empty
 * if absent. */
struct cmc_transaction {
	struct view id; /* INTEGER; the others are OCTET STRINGs */
	struct view sender_nonce, recipient_nonce;
	struct view data_return;
};
/* Random ones. */
#define CMC_RANDOM_LEN 18
bool cmc_transaction_id_make(uint8_t out[CMC_RANDOM_LEN], struct err *err);
bool cmc_nonce_make(uint8_t out[CMC_RANDOM_LEN], struct err *err);

/* A decoded request: SignedData(PKIData{ controls, one PKCS#10 }). */
struct cmc_request {
	struct cms_signed message;
	struct cmc_request_wire *wire; /* storage of the views */
	size_t signer; /* which of the message's signers is the requester; the others are
			  registration authorities */
	struct pkix_request request;
	int64_t body_part_id;
	struct view key_hash;     /* 21.21 of AddAttributes for this body part; empty if absent */
	struct view archived_key; /* the single 21.13 value (ContentInfo EnvelopedData DER); empty
				     if absent */
	struct pkix_extension *extensions; /* AddExtensions */
	size_t extension_count;
	struct pairs pairs; /* RegInfo "name=value&..." */
	bool has_binding;
	struct cmc_binding binding;
	struct cmc_transaction transaction;
	/* A control that is not known: whoever decides must refuse the whole request for it (RFC
	 * 5272 3.2.1.1). */
	bool has_unknown;
	uint32_t unknown_part; /* its body part */
	char unknown_oid[80];
};
/* Needs oids_init. Size cap 1 MiB, no trailing bytes, exactly one tcr and no nested messages, known
 * controls at most once and about that tcr; unknown ones are told, and one about archival refused.
 * The requester is the one signer that is named by key identifier, or the only one. 21.13 anywhere
 * but in an unsigned attribute of the outermost signature is CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL; no
 * signer CRYPT_E_NO_SIGNER. */
bool cmc_request_decode(struct view der, struct cmc_request *out, struct err *err);
void cmc_request_free(struct cmc_request *r);
/* All that the message itself can prove, under the PKCS#10's key: SignerInfo, PKCS#10 signature,
 * and 21.21 against the 21.13 bytes with the signer's digest or, with allow_sha1, SHA-1
 * ([MS-WCCE] 3.2.2.6.2.1.2.2). Both or neither of hash and key must be there (CRYPT_E_HASH_VALUE
 * otherwise). */
bool cmc_request_verify(
    const struct cmc_request *r, EVP_PKEY *key, bool allow_sha1, struct err *err);
/* The same of a request without its unsigned attributes, as it is stored: the signatures alone. */
bool cmc_request_verify_stripped(
    const struct cmc_request *r, EVP_PKEY *key, bool allow_sha1, struct err *err);
/* The request without its unsigned attributes, to store as RawRequest ([MS-WCCE] 3.2.2.6.2.1.3). */
bool cmc_request_strip(const struct cmc_request *r, struct buf *out, struct err *err);

/* Does the DER of OID 1.3.6.1.4.1.311.21.13 occur anywhere? A coarse net below the decoders' fine
 * one: whatever path bytes took, an archived key is never stored as part of a request. */
bool cmc_names_archived_key(struct view bytes);

/* A request inside SignedData of type id-data ([MS-WCCE] 2.2.2.6.2): all signers are enrollment
 * agents, registration authorities or the certificate that is renewed. message.content is the
 * request: a PKCS#10, or a CMC request of its own. */
struct cmc_wrapped {
	struct cms_signed message;
	struct pairs pairs; /* 311.13.2.1 of the first signer's signed attributes */
};
/* CRYPT_E_INVALID_MSG_TYPE if it is no such message, CRYPT_E_NO_SIGNER, and
 * CERTSRV_E_BAD_REQUEST_KEY_ARCHIVAL for an archived key in it: only CMC carries one. */
bool cmc_wrapped_decode(struct view der, struct cmc_wrapped *out, struct err *err);
void cmc_wrapped_free(struct cmc_wrapped *w);
/* Is the content a ContentInfo (then it is read as CMC) and not a PKCS#10? */
bool cmc_wrapped_holds_cmc(const struct cmc_wrapped *w);
/* The message without its unsigned attributes, to store as RawRequest. */
bool cmc_wrapped_strip(const struct cmc_wrapped *w, struct buf *out, struct err *err);

/* Name of the pair by which an agent says for whom it enrolls ([MS-WCCE] 2.2.2.7.10). */
#define CMC_REQUESTER_NAME "requestername"

/* The client's side. `archived_key` empty: no archival. `template_cn` goes into RegInfo and as 20.2
 * into the PKCS#10 (pass it in pkcs10 yourself). Further signatures: cms_cosign. */
struct cmc_make {
	struct view pkcs10;
	EVP_PKEY *key;            /* signs the message */
	struct view archived_key; /* ContentInfo(EnvelopedData) */
	const char *template_cn;
	const char *requester_name;                /* NULL: the caller enrolls for itself */
	const struct cmc_binding *binding;         /* NULL: none */
	const struct cmc_transaction *transaction; /* NULL: none */
};
bool cmc_request_make(const struct cmc_make *in, struct buf *out, struct err *err);

enum cmc_status { CMC_STATUS_SUCCESS = 0, CMC_STATUS_FAILED = 2, CMC_STATUS_PENDING = 3 };

/* ResponseBody content; the caller signs it as CT_PKI_RESPONSE with cms_sign. Needs oids_init. */
struct cmc_response_body {
	enum cmc_status status;
	const char *text; /* statusString */
	int64_t body_part_id;
	int fail_info;                    /* CMCFailInfo when FAILED; -1 none */
	int64_t pending_id, pending_time; /* when PENDING: pendToken = request id in decimal text */
	struct view issued_sha1;          /* 21.17; empty: none */
	struct view key_hash;             /* 21.21 echoed; empty: none */
	struct cmc_transaction transaction; /* of this answer */
};
bool cmc_response_body_encode(const struct cmc_response_body *in, struct buf *out, struct err *err);

struct cmc_response {
	struct cms_signed message;
	struct cmc_response_wire *wire; /* storage of the views */
	enum cmc_status status;
	char *text;
	int fail_info; /* CMCFailInfo; -1 if absent */
	int64_t pending_id;
	struct view issued_sha1, key_hash; /* empty if absent */
	struct cmc_transaction transaction;
};
/* Decodes; the signature is the caller's to verify (message.signers, cms_signer_verify). Needs
 * oids_init. */
bool cmc_response_decode(struct view der, struct cmc_response *out, struct err *err);
void cmc_response_free(struct cmc_response *r);
/* Certificate of the message whose SHA-1 is issued_sha1; empty view if absent. */
struct view cmc_response_certificate(const struct cmc_response *r);

#endif
