/*
 * The X.509 and PKCS#10 structures that the CA handles on its hot path, as ASN.1 templates of our
 * own which leave the public key as bytes (OpenSSL's X509_REQ and X509 decode it at once, which
 * costs more than the mathematics).
 */
#ifndef MESSAGES_PKIX_H
#define MESSAGES_PKIX_H

#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "buf.h"
#include "texts.h"

/* Public key from SubjectPublicKeyInfo DER: numbers read from the DER, EVP_PKEY_fromdata. RSA
 * (1024..8192 bits, odd modulus, e >= 3) and P-256/384/521 (point on the curve). NTE_BAD_ALGID for
 * others. */
bool pkix_public_key(struct view spki, EVP_PKEY **out, struct err *err);
/* Whether both have the same public key; two of different kinds have not. */
bool pkix_same_key(const EVP_PKEY *a, const EVP_PKEY *b);
/* "RSA" or "EC" and bits, without building a key. */
bool pkix_key_info(struct view spki, const char **algorithm_out, int *bits_out, struct err *err);
bool pkix_key_spki(const EVP_PKEY *key, struct buf *out, struct err *err);
/* SubjectPublicKeyInfo (RFC 5280 4.1) of a key of whole octets: its AlgorithmIdentifier, whole, and
 * subjectPublicKey without the octet that counts unused bits, as views into it. What the key is,
 * whoever reads it says. */
bool pkix_key_cut(struct view spki, struct view *algorithm, struct view *key);
/* SHA-256 of the key as pkix_key_spki writes it: the same for every encoding that is read. */
#define PKIX_KEY_HASH_LEN 32
bool pkix_key_hash(struct view spki, uint8_t out[PKIX_KEY_HASH_LEN], struct err *err);
/* Two SubjectPublicKeyInfo of which one private key opens what the other one does: of RSA with one
 * modulus. */
bool pkix_same_holder_key(struct view a, struct view b);
/* Verifies `signature` over `tbs` under an AlgorithmIdentifier of sha1/sha256/384/512 with RSA
 * (PKCS#1 v1.5, PSS) or ECDSA. SHA-1 is refused with NTE_BAD_ALGID unless allow_sha1, MD5 always.
 * NTE_BAD_SIGNATURE if it does not verify. */
bool pkix_verify(EVP_PKEY *key, const X509_ALGOR *alg, struct view tbs, struct view signature,
    bool allow_sha1, struct err *err);
/* The digest of such an AlgorithmIdentifier, by NID; NTE_BAD_ALGID for another. */
bool pkix_alg_digest(const X509_ALGOR *alg, int *nid_out, struct err *err);

struct pkix_extension {
	int nid; /* NID_undef if not registered */
	char oid[80];
	bool critical;
	struct view value; /* content of the OCTET STRING */
};

struct pkix_wire; /* ASN.1 structs that the views of a decoded object point into */

/* One element and nothing after it, definite and shortest lengths all the way down (X.690 10.1).
 * What a certificate is made of must be so, because bytes of a request are copied into it. */
bool pkix_der_is_strict(struct view der);

/* A PKCS#10 request, read. Strict DER only. Views live as long as the struct. */
struct pkix_request {
	struct buf raw;
	struct pkix_wire *wire;
	struct view info;                  /* CertificationRequestInfo */
	struct view subject;               /* Name DER */
	struct view spki;                  /* SubjectPublicKeyInfo DER */
	struct pkix_extension *extensions; /* from extensionRequest and 311.2.1.14 */
	size_t extension_count;
	struct pairs pairs;              /* 311.13.2.1 name-value pairs */
	struct view renewal_certificate; /* 311.13.1, DER of what it renews; empty if absent */
	/* RFC 7030 4.4.1: AsymmetricDecryptKeyIdentifier, SMIMECapabilities (DER), and whether a
	 * shared key is named (DecryptKeyIdentifier). Empty if absent. */
	struct view decrypt_key_id, smime_capabilities;
	bool names_shared_key;
	bool null_signature; /* a digest in its place: acceptable inside CMC only */
	X509_ALGOR *sig_alg;
	struct view signature;
};
/* At most 64 KiB. Duplicate extensions, attributes and pairs are refused; pairs may come in several
 * attributes of their type. */
bool pkix_request_decode(struct view der, struct pkix_request *out, struct err *err);
/* Signature under the request's own key. A null signature ([MS-WCCE] 2.2.2.6.5) is checked as a
 * digest when allow_null. */
bool pkix_request_verify(
    const struct pkix_request *r, EVP_PKEY *key, bool allow_null, bool allow_sha1, struct err *err);
void pkix_request_free(struct pkix_request *r);
/* Appends the pairs of one value of 311.13.2.1 to lists that the caller frees; a name that is there
 * already is refused. */
bool pkix_pairs_add(struct view der, struct pairs *out, struct err *err);
/* The client's side: makes and signs a request. `extensions` may be NULL; subject is a Name DER
 * (empty view: empty name). */
bool pkix_request_make(EVP_PKEY *key, struct view subject,
    const STACK_OF(X509_EXTENSION) * extensions, struct buf *out, struct err *err);
/* As above, with the certificate that it renews in 311.13.1. */
bool pkix_request_make_renewal(EVP_PKEY *key, struct view subject,
    const STACK_OF(X509_EXTENSION) * extensions, struct view old_certificate, struct buf *out,
    struct err *err);

/* Template identification in a request or certificate: cn of 20.2 (BMPString, or
 * SEQUENCE{UTF8String}), OID and versions of 21.7. */
struct pkix_template_id {
	char *cn;  /* NULL if absent */
	char *oid; /* NULL if absent */
	bool has_version;
	int64_t major, minor;
};
bool pkix_template_id(
    const struct pkix_extension *list, size_t count, struct pkix_template_id *out, struct err *err);
void pkix_template_id_free(struct pkix_template_id *id);

/* What is shown of and looked up about a certificate, read without decoding its key. Views live as
 * long as the struct. */
struct pkix_cert {
	struct buf raw;
	struct pkix_wire *wire;
	int version;                                    /* 1 to 3 */
	struct view tbs, issuer, subject, spki, serial; /* serial: content octets of the INTEGER */
	int64_t not_before, not_after;
	struct pkix_extension *extensions;
	size_t extension_count;
	X509_ALGOR *sig_alg;
	struct view signature;
	uint8_t sha1[20], sha256[32]; /* of raw */
};
bool pkix_cert_decode(struct view der, struct pkix_cert *out, struct err *err);
void pkix_cert_free(struct pkix_cert *c);
/* Several, decoded. */
struct pkix_certs {
	struct pkix_cert *list;
	size_t count;
};
/* What points into the list means nothing afterwards. */
bool pkix_certs_add(struct pkix_certs *c, struct view der, struct err *err);
/* As functions want them that take a choice; free(). */
const struct pkix_cert **pkix_certs_pointers(const struct pkix_certs *c);
void pkix_certs_free(struct pkix_certs *c);
const struct pkix_extension *pkix_cert_extension(const struct pkix_cert *c, int nid);
/* The http URLs of cRLDistributionPoints where the whole CRL of the issuer is, four at most. */
void pkix_cert_crl_urls(const struct pkix_cert *c, struct texts *out);
bool pkix_cert_has_eku(const struct pkix_cert *c, const char *dotted);
/* keyUsage as 16 bits in the order of RFC 5280 4.2.1.3, its first bit the highest; 0xffff if
 * absent. Templates have the same two octets apart. */
#define PKIX_KU_DIGITAL_SIGNATURE 0x8000u
#define PKIX_KU_NON_REPUDIATION   0x4000u
#define PKIX_KU_KEY_ENCIPHERMENT  0x2000u
#define PKIX_KU_DATA_ENCIPHERMENT 0x1000u
#define PKIX_KU_KEY_AGREEMENT     0x0800u
#define PKIX_KU_CERT_SIGN         0x0400u
#define PKIX_KU_CRL_SIGN          0x0200u
uint16_t pkix_cert_key_usage(const struct pkix_cert *c);
/* Does its key usage let something be encrypted to it, by whatever algorithm? */
bool pkix_cert_may_encrypt(const struct pkix_cert *c);
/* The value of the extension; ERROR_INVALID_DATA. */
bool pkix_key_usage_decode(struct view value, uint16_t *out, struct err *err);
/* Is it the value of this extension: one element of strict DER, and of its type if OpenSSL knows
 * that? ERROR_INVALID_DATA. */
bool pkix_check_value(const char *oid, struct view value, struct err *err);
/* The value of basicConstraints as somebody else wrote it; path length -1: none.
 * ERROR_INVALID_DATA. */
bool pkix_constraints_decode(
    struct view value, bool *is_ca_out, int32_t *path_len_out, struct err *err);
/* subjectKeyIdentifier extension, or SHA-1 of the key's BIT STRING when absent. */
bool pkix_cert_ski(const struct pkix_cert *c, struct buf *out, struct err *err);
/* A CA's certificates are counted, and so are its keys: szOID_CERTSRV_CA_VERSION (311.21.1) of a CA
 * certificate, key index << 16 | certificate index, both from 0. 0 if it has none;
 * ERROR_INVALID_DATA if it is not such a number. */
#define CA_VERSION(key_index, certificate_index) \
	((uint32_t)(key_index) << 16 | (uint32_t)(certificate_index))
#define CA_VERSION_KEY(version)         ((version) >> 16)
#define CA_VERSION_CERTIFICATE(version) ((version)&0xffffu)
#define CA_VERSION_MAX                  INT32_MAX
bool pkix_cert_ca_version(const struct pkix_cert *c, uint32_t *version_out, struct err *err);
/* Lower-case hex of whole octets without leading zero octets, as the CA database keeps it
 * ([MS-WCCE] 3.2.1.4.2.1.4.6.4); free(). */
char *pkix_serial_text(struct view serial);
/* Name DER to "E=..., CN=user1, CN=Users, DC=nwtraders, DC=com" (most specific first, as the paper
 * prints). free(). */
char *pkix_name_text(struct view name);
/* Most specific value of one attribute type (NID_commonName ...) as UTF-8, NULL if absent. free().
 */
char *pkix_name_value(struct view name, int nid);
/* Whether it is a Name in strict DER, and another one than `than` also to those who compare names
 * as OpenSSL does: by characters whatever the string type, without regard to case and to how many
 * spaces. */
bool pkix_is_other_name(struct view name, struct view than);
/* What these two say, common name and e-mail address among it, of a Name that is read once; `text`
 * NULL: it is none. */
struct pkix_name_texts {
	char *text, *common_name, *email;
};
struct pkix_name_texts pkix_name_texts(struct view name);
/* Name DER from an RFC 4514 DN of a directory ("CN=user1,CN=Users,DC=nwtraders,DC=com"), optional
 * e-mail as the most specific RDN. */
bool pkix_name_from_dn(const char *dn, const char *email, struct buf *out, struct err *err);
/* What is to be certified holds no text that people could not see, or would see otherwise than it
 * is written (base/printable.h), in whatever string type: a text, a Name, a GeneralNames. Name and
 * GeneralNames also keep to RFC 5280 4.1.2.4, 4.2.1.6 and A.1 (pkix_bounds.c).
 * CERTSRV_E_BAD_REQUESTSUBJECT with `what`, and the character or the text. */
bool pkix_check_text(const char *text, const char *what, struct err *err);
bool pkix_check_name(struct view name, const char *what, struct err *err);
bool pkix_check_general_names(struct view names, const char *what, struct err *err);
/* UPN otherName (311.20.2.3) of the SAN, NULL if absent; the second takes the extension's value.
 * free(). */
char *pkix_cert_upn(const struct pkix_cert *c);
char *pkix_san_upn(struct view san);
/* Every UPN and every e-mail address of the SAN. The second takes the extension's value; none are
 * in one that is empty or does not decode. */
void pkix_cert_san_names(const struct pkix_cert *c, struct texts *upns, struct texts *emails);
void pkix_san_names(struct view san, struct texts *upns, struct texts *emails);
/* Text of the SID in extension 25.2, NULL if absent; the second takes its value. free(). */
char *pkix_cert_sid(const struct pkix_cert *c);
char *pkix_sid_text(struct view extension);
/* May it issue? basicConstraints says CA, and keyUsage lets it sign certificates and CRLs. */
bool pkix_cert_is_ca(const struct pkix_cert *c);
/* Is it to be kept from what no CA is for: does basicConstraints say CA, whatever else it may, or
 * what cannot be read? */
bool pkix_cert_says_ca(const struct pkix_cert *c);
/* Is its signature by the key of `by`, whoever that is; and is `by` also whom it names as its
 * issuer? */
bool pkix_cert_is_signed_by(const struct pkix_cert *c, const struct pkix_cert *by, bool allow_sha1);
bool pkix_cert_is_issued_by(const struct pkix_cert *c, const struct pkix_cert *by, bool allow_sha1);
/* How many CAs may follow below it before the last certificate (RFC 5280 4.2.1.9); -1: any. */
int64_t pkix_cert_path_len(const struct pkix_cert *c);
char *pkix_cert_san_text(const struct pkix_cert *c); /* "UPN:..., email:..., DNS:..."; free() */

/* Every text of a subject (Name DER) and of alternative names (extension value, or empty) by which
 * a peer could take the holder for a host: common names, DNS names, addresses, hosts of URIs; of
 * principal names what stands before '@', whole and between its '/'. ERROR_INVALID_DATA if one of
 * the two, or a name in them, cannot be read. */
bool pkix_host_names(struct view subject, struct view san, struct texts *out, struct err *err);
/* Whether a certificate for `name` is one for `host`: without case and last dots, addresses by
 * value; '*' stands for anything but dots, wherever it is. */
bool pkix_host_matches(const char *name, const char *host);

/* tls-server-end-point of a TLS server's certificate (RFC 5929 4.1): its hash by the digest of its
 * signature, SHA-256 at least. DIRCA_E_CHANNEL_BINDING if there is no such digest. */
bool pkix_end_point(struct view certificate, struct buf *out, struct err *err);

/* How far clocks may differ: by so much notBefore is set back. */
#define PKIX_CLOCK_SKEW_S 600

/* Building a TBSCertificate. `extensions` are encoded in the order given; NULL: `encoded` is what
 * pkix_extensions_encode made, or empty. None is there twice. Signature algorithm: that of the CA
 * key (pkix_sig_alg). */
struct pkix_tbs {
	struct view serial;  /* unsigned big-endian */
	struct view sig_alg; /* AlgorithmIdentifier DER */
	struct view issuer;  /* Name DER */
	int64_t not_before, not_after;
	struct view subject; /* Name DER */
	struct view spki;
	const STACK_OF(X509_EXTENSION) * extensions;
	struct view encoded;
};
/* Extensions one behind the other. */
bool pkix_extensions_encode(
    const STACK_OF(X509_EXTENSION) * list, struct buf *out, struct err *err);
/* A new serial number: 128 random bits. */
#define PKIX_SERIAL_LEN 16 /* of those that are made here */
#define PKIX_SERIAL_MAX 20 /* RFC 5280 4.1.2.2 */
bool pkix_new_serial(uint8_t out[PKIX_SERIAL_LEN], struct err *err);
bool pkix_tbs_encode(const struct pkix_tbs *tbs, struct buf *out, struct err *err);
/* AlgorithmIdentifier DER with which a key of this kind signs (SHA-256; P-384: SHA-384; P-521:
 * SHA-512). */
bool pkix_sig_alg(const EVP_PKEY *key, struct buf *out, struct err *err);
/* NID of the digest in one; NID_undef: none that is known. */
int pkix_sig_digest(struct view sig_alg);
/* SEQUENCE { tbs, sig_alg, BIT STRING signature }: a Certificate, CRL or CertificationRequest. */
bool pkix_signed_wrap(
    struct view tbs, struct view sig_alg, struct view signature, struct buf *out, struct err *err);

/* Extension value makers; each pushes one X509_EXTENSION. */
bool pkix_ext_push(STACK_OF(X509_EXTENSION) * list, const char *dotted, bool critical,
    struct view value, struct err *err);

/* CertificatePair (RFC 4523 2.3): what was issued to a CA, and what by it. */
bool pkix_certificate_pair(struct view to, struct view by, struct buf *out, struct err *err);

/* A CRL of more is neither made nor read: 2.6 million entries of 128-bit serial numbers. */
#define PKIX_CRL_MAX (128u << 20)
/* CRL: head, then each entry, then the TBSCertList to sign, then the signature. What is given out
 * is a view into `m`, which pkix_crl_making_free frees; the first ends with the second. */
struct pkix_crl_head {
	struct view issuer;           /* Name DER */
	struct view sig_alg;          /* AlgorithmIdentifier DER */
	struct view authority_key_id; /* empty: none */
	int64_t this_update, next_update;
	int64_t number;
	bool is_delta;                         /* may have entries with reason 8, removeFromCRL */
	const STACK_OF(X509_EXTENSION) * more; /* behind authority and number; NULL: none */
};
struct pkix_revoked {
	struct view serial;
	int64_t when;
	int reason; /* CRLReason; -1 none */
};
struct pkix_crl_day {
	char text[16];  /* content of a Time of that day; empty: of none */
	uint8_t tag;    /* of it */
	int64_t begins; /* the day */
};
struct pkix_crl_making {
	struct buf head;   /* TBSCertList without entries */
	struct buf octets; /* the CRL, from `start` on */
	struct view before, after;
	size_t start, count;
	bool is_delta;
	struct pkix_crl_day day; /* of the last entry */
};
bool pkix_crl_begin(const struct pkix_crl_head *head, struct pkix_crl_making *m, struct err *err);
bool pkix_crl_add(struct pkix_crl_making *m, const struct pkix_revoked *revoked, struct err *err);
bool pkix_crl_tbs_end(struct pkix_crl_making *m, struct view *tbs_out, struct err *err);
bool pkix_crl_signed_end(struct pkix_crl_making *m, struct view sig_alg, struct view signature,
    struct view *crl_out, struct err *err);
void pkix_crl_making_free(struct pkix_crl_making *m);

/* A TBSCertList in parts: elements before and after revokedCertificates, and the content of that,
 * all of definite and shortest lengths at this depth. ERROR_INVALID_DATA. */
struct pkix_crl_parts {
	struct view before, entries, after;
	struct view this_update, next_update; /* whole, in `before`; the second may be empty */
};
bool pkix_crl_cut(struct view tbs, struct pkix_crl_parts *out, struct err *err);
/* SEQUENCE { before, after }: the TBSCertList as if nothing were revoked, DER if the two are. */
bool pkix_crl_without_entries(
    const struct pkix_crl_parts *parts, struct buf *tbs_out, struct err *err);

/* The TBSCertList of a CRL: the bytes that it has, not an encoding anew. ERROR_INVALID_DATA. */
bool pkix_crl_tbs(struct view der, struct view *out, struct err *err);
/* Does a CRL list a serial number (content octets)? It must be a complete one of `issuer` (Name
 * DER), signed with `key` and current at `now`: ERROR_INVALID_DATA, CRYPT_E_NOT_FOUND (another
 * issuer's), NTE_BAD_SIGNATURE, CRYPT_E_REVOCATION_OFFLINE (not current, its times not those of RFC
 * 5280, not complete, or with a critical extension that is not known). */
bool pkix_crl_lists(struct view der, struct view issuer, EVP_PKEY *key, struct view serial,
    int64_t now, bool *listed_out, struct err *err);
/* The number of a CRL that `key` signed; 0: it has none that fits. ERROR_INVALID_DATA,
 * NTE_BAD_SIGNATURE. */
bool pkix_crl_number(struct view der, EVP_PKEY *key, int64_t *number_out, struct err *err);
/* thisUpdate. ERROR_INVALID_DATA. */
bool pkix_crl_made(struct view der, int64_t *made_out, struct err *err);
/* Each entry of a CRL: serial number, and the reason of RFC 5280 5.3.1 (0: none is said).
 * ERROR_INVALID_DATA. */
typedef bool pkix_crl_entry(void *arg, struct view serial, int reason, struct err *err);
bool pkix_crl_walk(struct view der, pkix_crl_entry *each, void *arg, struct err *err);

#endif
