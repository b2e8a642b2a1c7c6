/*
 * CN=Public Key Services: what the directory says about PKI, read as one immutable snapshot, and
 * what a CA publishes there.
 */
#ifndef PKI_PKI_H
#define PKI_PKI_H

#include "conn.h"
#include "sid.h"

/* Where all of it lies, below configurationNamingContext. */
#define PKI_SERVICES_RDNS "CN=Public Key Services,CN=Services"

/* Immutable after loading; may be shared by threads. */
struct pki_snapshot {
	int64_t loaded_at;            /* clock_now() of the load */
	char *services_dn;            /* CN=Public Key Services,... */
	struct dir_entries templates; /* pKICertificateTemplate, with nTSecurityDescriptor */
	struct dir_entries
	    services; /* pKIEnrollmentService, with dircaOfficerRights, dircaCASecurity */
	struct dir_entries kras;    /* msPKI-PrivateKeyRecoveryAgent */
	struct dir_entries nt_auth; /* NTAuthCertificates: zero or one entry */
	struct dir_entries roots;   /* Certification Authorities */
	struct dir_entries
	    authorities;         /* AIA: every CA, with the certificates of other ones above */
	struct dir_entries oids; /* msPKI-Enterprise-Oid below CN=OID, and CN=OID itself */
};

bool pki_snapshot_load(struct dir_conn *c, struct pki_snapshot **out, struct err *err);
/* Of a directory that could not be read yet: nothing is in it, and services_dn is NULL. */
struct pki_snapshot *pki_snapshot_none(void);
void pki_snapshot_free(struct pki_snapshot **s);
/* The pKIEnrollmentService whose cn is `ca_name` (plain or sanitized), without case; NULL if
 * absent, or if several objects claim the name: none of them is trusted then. */
const struct dir_entry *pki_snapshot_service(const struct pki_snapshot *s, const char *ca_name);
/* In the same way the object in which that CA's key recovery agents are published. */
const struct dir_entry *pki_snapshot_kras_of(const struct pki_snapshot *s, const char *ca_name);

/* The values of NTAuthCertificates, as long as the snapshot is; NULL: none. */
const struct dir_attr *pki_snapshot_nt_auth(const struct pki_snapshot *s);

/* The certificate of the KRA container with this SHA-1, as long as the snapshot is; empty: none. */
struct view pki_snapshot_kra(const struct pki_snapshot *s, struct view sha1);

/* An enrollment service as a client sees it ("discovery"). */
struct pki_service {
	char *name;             /* cn */
	char *display_name;     /* NULL if absent */
	char *host;             /* dNSHostName, NULL if absent */
	char *url;              /* dircaServiceURL: https://host:port */
	char *site;             /* NULL if absent */
	struct buf certificate; /* DER, the newest of cACertificate */
	/* dircaServiceKeyHash: its service has one of these keys; none: it is not published yet, or
	 * hidden */
	struct buf *service_keys;
	size_t service_key_count;
	char **templates;
	size_t template_count;
};
/* Services that no client could use are left out: without a CA certificate, without a URL (other
 * programs' CAs have none), or with malformed attributes. */
bool pki_services(const struct pki_snapshot *s, struct pki_service **list_out, size_t *count_out,
    struct err *err);
/* What people call it: its display name where there is one that can be shown, else its name. */
const char *pki_service_title(const struct pki_service *s);
void pki_services_free(struct pki_service **list, size_t count);
/* The host names of every enrollment service, whoever's CA it is and whether or not a client could
 * use it: dNSHostName, and the hosts of dircaServiceURL and msPKI-Enrollment-Servers in any form.
 * Also on failure, free the strings and the list. */
bool pki_service_hosts(
    const struct pki_snapshot *s, char ***list_out, size_t *count_out, struct err *err);

/* Name of the CA in DNs: sanitized as in [MS-WCCE] 3.1.1.4.1.1, and if that is longer than 51, its
 * short form (51, '-', hash). NULL if the name is not UTF-8. free(). */
char *pki_sanitize(const char *ca_name);

/* Publishing. Each is idempotent: run again it finishes what an earlier try left. All DN building
 * is inside. Containers of the tree itself (CN=AIA ...) are not made: ldif/ and Active Directory
 * have them; NTAuthCertificates is. */
struct pki_publication {
	const char *ca_name;
	const char *host;        /* dNSHostName */
	const char *url;         /* dircaServiceURL */
	const char *subject_dn;  /* cACertificateDN */
	struct view certificate; /* DER */
	bool is_root;            /* also under Certification Authorities */
	/* certificateTemplates to set when the object is new; NULL-terminated */
	const char *const *templates;
	/* dircaCASecurity to set when the object is new, or has none; empty: none */
	struct view ca_security;
	struct view service_key; /* dircaServiceKeyHash: SHA-256 of the SubjectPublicKeyInfo; takes
				    the place of what is there; empty: what is there stays */
};
/* Adds a key to those that the CA's service may have. */
bool pki_publish_service_key(
    struct dir_conn *c, const char *ca_name, struct view hash, struct err *err);
/* AIA, NTAuthCertificates, for a root Certification Authorities, and last the enrollment service.
 */
bool pki_publish_ca(struct dir_conn *c, const struct pki_publication *p, struct err *err);
/* The certificates of a CA that was renewed. */
struct pki_authority {
	const char *ca_name;
	const struct view *certificates; /* DER, the newest first */
	size_t certificate_count;
	const struct view *pairs; /* crossCertificatePair: every one that there is */
	size_t pair_count;
	bool is_root;
};
/* Adds to the objects of a CA that is published what they lack: AIA, NTAuthCertificates, for a root
 * Certification Authorities, and last the enrollment service. Older certificates stay. */
bool pki_publish_authority(struct dir_conn *c, const struct pki_authority *a, struct err *err);
/* In CDP: where one of the CA's CRLs is. Of the host, only the part before the first dot counts. */
struct pki_crl_place {
	const char *ca_name, *host;
	uint32_t key_index; /* of the CA key */
	uint32_t partition; /* 0: the complete one */
	bool delta;         /* an attribute of its own of the same object */
};
bool pki_publish_crl(
    struct dir_conn *c, const struct pki_crl_place *place, struct view crl, struct err *err);
/* The CRL that is there; empty: none. */
bool pki_find_crl(
    struct dir_conn *c, const struct pki_crl_place *place, struct buf *out, struct err *err);
/* [MS-WCCE] 3.2.2.1.4: one object named by the CA's sanitized name; adds the certificate, drops
 * those expired for more than 24 h. */
bool pki_publish_kra(
    struct dir_conn *c, const char *ca_name, struct view certificate, int64_t now, struct err *err);
/* Removing, in the order in which clients stop to see the CA: enrollment service,
 * NTAuthCertificates; with `all` also Certification Authorities, AIA and CDP, which the
 * certificates that were issued still need: the CRLs of this key, of partitions too. What is not
 * there is fine: run again it finishes what an earlier try left. Other certificates in the same
 * objects stay. */
bool pki_unpublish_ca(struct dir_conn *c, const char *ca_name, uint32_t key_index, const char *host,
    struct view certificate, bool all, struct err *err);
/* Takes a KRA certificate out of every object in the KRA container; an object that held no other
 * goes with it. *removed_out: how many objects held it. */
bool pki_unpublish_kra(
    struct dir_conn *c, struct view certificate, size_t *removed_out, struct err *err);

/* Everything under CN=Public Key Services, itself included, in the order of the tree: parents
 * first. */
bool pki_tree(struct dir_conn *c, struct dir_entries *out, struct err *err);
/* What an LDAP URL (RFC 4516) names: "ldap:///DN?attributes?scope?filter". A host in it is
 * refused: the directory is the one of the connection. *attr_out: the first attribute, or NULL;
 * free(). */
bool pki_search_url(
    struct dir_conn *c, const char *url, struct dir_entries *out, char **attr_out, struct err *err);

/* userCertificate of a user (CT_FLAG_PUBLISH_TO_DS). With `sid` the account that has it counts,
 * where it is now and however it is named; the DN alone may have become another's.
 * ERROR_FILE_NOT_FOUND: it is gone. */
bool pki_publish_user_certificate(struct dir_conn *c, const char *user_dn, const struct sid *sid,
    struct view certificate, struct err *err);
/* DN of the CA's service object, for dir_replace and friends (certificateTemplates,
 * dircaOfficerRights ...). free(). */
char *pki_service_dn(const struct dir_conn *c, const char *ca_name);
/* What the index of a CA key adds to the name of its CRL, and that of a CA certificate to the name
 * of its file, as AD CS does: nothing for 0, else "(1)" ... */
#define PKI_INDEX_SUFFIX_MAX 16
void pki_index_suffix(uint32_t index, char out[PKI_INDEX_SUFFIX_MAX]);
/* What partition and key add to the name of a CRL: "-p2(1)" (docs/FACTS.md 15). free(). */
char *pki_crl_suffix(uint32_t partition, uint32_t key_index);
/* cn of a CRL's object: the sanitized name of the CA and the suffix; NULL: not UTF-8. free(). */
char *pki_crl_cn(const char *ca_name, uint32_t partition, uint32_t key_index);
/* Is that the cn of a CRL of the key, complete or of any partition? */
bool pki_crl_cn_is_of(const char *cn, const char *ca_name, uint32_t key_index);
/* LDAP URLs for the AIA and CDP extensions (docs/FACTS.md 6). free(). */
char *pki_cdp_url(const char *services_dn, const struct pki_crl_place *place);
char *pki_aia_url(const char *services_dn, const char *ca_name);

#endif
