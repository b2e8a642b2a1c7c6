#include "inf_request.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/objects.h>
#include <openssl/sha.h>

#include "inf.h"
#include "mem.h"
#include "oids.h"
#include "own_openssl.h"
#include "pkix.h"
#include "text.h"

struct reading {
	struct inf_request *out;
	struct texts usages;   /* OIDs of extended key usages */
	struct texts critical; /* OIDs of extensions */
	uint32_t key_usage;
	bool has_key_usage, wants_smime, is_pkcs7;
};

static void
reading_free(struct reading *r)
{
	texts_free(&r->usages);
	texts_free(&r->critical);
}

typedef bool take_function(struct reading *r, const struct inf_line *line, struct err *err);

static bool
bad_value(const struct inf_line *line, const char *wanted, struct err *err)
{
	return err_set(
	    err, ERROR_INVALID_DATA, "%s = %s: %s is expected", line->name, line->value, wanted);
}

static bool
read_truth(const struct inf_line *line, bool *out, struct err *err)
{
	*out = text_eq_nocase(line->value, "TRUE") || text_eq_nocase(line->value, "YES") ||
	       strcmp(line->value, "1") == 0;
	return *out || text_eq_nocase(line->value, "FALSE") || text_eq_nocase(line->value, "NO") ||
	       strcmp(line->value, "0") == 0 || bad_value(line, "TRUE or FALSE", err);
}

/* A line is read whole here, too: what it says twice is not said. */
static bool
set_text(char **field, const struct inf_line *line, struct err *err)
{
	if (*field != NULL)
		return err_set(err, ERROR_INVALID_DATA, "%s is there twice", line->name);
	if (*line->value == '\0')
		return bad_value(line, "a text", err);
	*field = mem_text(line->value);
	return true;
}

/* ---- [NewRequest] ---- */

static bool
take_subject(struct reading *r, const struct inf_line *line, struct err *err)
{
	return *line->value == '\0' || set_text(&r->out->subject, line, err);
}

static bool
take_archive(struct reading *r, const struct inf_line *line, struct err *err)
{
	return read_truth(line, &r->out->archives, err);
}

static bool
take_key_length(struct reading *r, const struct inf_line *line, struct err *err)
{
	int64_t bits;

	if (!text_to_int(line->value, 256, 16384, &bits))
		return bad_value(line, "a number of bits", err);
	r->out->bits = (int)bits;
	return true;
}

static bool
take_key_algorithm(struct reading *r, const struct inf_line *line, struct err *err)
{
	static const struct {
		const char *name, *curve;
		int bits;
	} algorithms[] = {
	    {"RSA", NULL, 0},
	    {"1.2.840.113549.1.1.1", NULL, 0},
	    {"ECDSA_P256", "P-256", 256},
	    {"ECDSA_P384", "P-384", 384},
	    {"ECDSA_P521", "P-521", 521},
	    {"ECDH_P256", "P-256", 256},
	    {"ECDH_P384", "P-384", 384},
	    {"ECDH_P521", "P-521", 521},
	};

	for (size_t i = 0; i < COUNT_OF(algorithms); i++)
		if (text_eq_nocase(algorithms[i].name, line->value)) {
			r->out->curve = algorithms[i].curve;
			r->out->is_rsa = algorithms[i].curve == NULL;
			if (algorithms[i].bits != 0)
				r->out->bits = algorithms[i].bits;
			return true;
		}
	return bad_value(line, "RSA, or ECDSA_ or ECDH_ with P256, P384 or P521", err);
}

static bool
take_key_spec(struct reading *r, const struct inf_line *line, struct err *err)
{
	r->out->exchange_key = strcmp(line->value, "1") == 0 ||
			       text_eq_nocase(line->value, "AT_KEYEXCHANGE") ||
			       text_eq_nocase(line->value, "XCN_AT_KEYEXCHANGE");
	r->out->signature_key = strcmp(line->value, "2") == 0 ||
				text_eq_nocase(line->value, "AT_SIGNATURE") ||
				text_eq_nocase(line->value, "XCN_AT_SIGNATURE");
	return r->out->exchange_key || r->out->signature_key || strcmp(line->value, "0") == 0 ||
	       text_eq_nocase(line->value, "AT_NONE") ||
	       bad_value(line, "1 (AT_KEYEXCHANGE) or 2 (AT_SIGNATURE)", err);
}

/* One of the names of wincrypt.h, or their number: bits of the first octet, and 0x8000 of the
 * second. */
static bool
usage_bits(const char *word, uint32_t *bits)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} names[] = {
	    {"DIGITAL_SIGNATURE", 0x80},
	    {"NON_REPUDIATION", 0x40},
	    {"KEY_ENCIPHERMENT", 0x20},
	    {"DATA_ENCIPHERMENT", 0x10},
	    {"KEY_AGREEMENT", 0x08},
	    {"KEY_CERT_SIGN", 0x04},
	    {"OFFLINE_CRL_SIGN", 0x02},
	    {"CRL_SIGN", 0x02},
	    {"ENCIPHER_ONLY", 0x01},
	    {"DECIPHER_ONLY", 0x8000},
	};
	static const char prefix[] = "CERT_", suffix[] = "_KEY_USAGE";
	char *end;
	unsigned long number = strtoul(word, &end, 0);

	if (*word >= '0' && *word <= '9' && *end == '\0' && number <= 0xffff) {
		*bits |= (uint32_t)number;
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		OWNED(own_memory)
		char *whole = text_printf("%s%s%s", prefix, names[i].name, suffix);

		if (text_eq_nocase(whole, word)) {
			*bits |= names[i].bit;
			return true;
		}
	}
	return false;
}

static bool
take_key_usage(struct reading *r, const struct inf_line *line, struct err *err)
{
	OWNED(own_memory) char *copy = mem_text(line->value);
	char *rest = copy, *word;

	r->has_key_usage = true;
	while ((word = strsep(&rest, "|")) != NULL) {
		word += strspn(word, " \t");
		word[strcspn(word, " \t")] = '\0';
		if (!usage_bits(word, &r->key_usage))
			return bad_value(line,
			    "names such as CERT_KEY_ENCIPHERMENT_KEY_USAGE, or "
			    "their number",
			    err);
	}
	return true;
}

static bool
take_request_type(struct reading *r, const struct inf_line *line, struct err *err)
{
	r->out->is_cmc = text_eq_nocase(line->value, "CMC");
	if (r->out->is_cmc || text_eq_nocase(line->value, "PKCS10") ||
	    text_eq_nocase(line->value, "PKCS10-"))
		return true;
	r->is_pkcs7 = text_eq_nocase(line->value, "PKCS7") || text_eq_nocase(line->value, "PKCS7-");
	if (r->is_pkcs7)
		return true;
	if (text_eq_nocase(line->value, "Cert"))
		return err_set(err, DIRCA_E_USAGE,
		    "RequestType = Cert: a certificate that signs itself needs no CA; use openssl "
		    "req -x509");
	return bad_value(line, "PKCS10 or CMC", err);
}

/* As Windows shows it, with blanks or without. */
static bool
take_renewal_cert(struct reading *r, const struct inf_line *line, struct err *err)
{
	OWNED(buf_free) struct buf sha1 = {0};
	struct err ignored;

	if (r->out->renewal_cert != NULL)
		return err_set(err, ERROR_INVALID_DATA, "%s is there twice", line->name);
	if (!hex_decode(line->value, &sha1, &ignored) || sha1.len != SHA_DIGEST_LENGTH)
		return bad_value(line, "the SHA-1 of a certificate", err);
	r->out->renewal_cert = hex_encode(buf_view(&sha1), '\0');
	return true;
}

static bool
take_same_key(struct reading *r, const struct inf_line *line, struct err *err)
{
	return read_truth(line, &r->out->same_key, err);
}

/* What signs follows from the key: SHA-256 with RSA and P-256, SHA-384 and SHA-512 with their
 * curves (pkix_sig_alg). */
static bool
take_hash(struct reading *r, const struct inf_line *line, struct err *err)
{
	if (text_eq_nocase(line->value, "sha1") || text_eq_nocase(line->value, "md5"))
		return err_set(err, DIRCA_E_USAGE,
		    "HashAlgorithm = %s: nothing is signed with it any more", line->value);
	if (!text_eq_nocase(line->value, "sha256"))
		texts_take(&r->out->notes,
		    text_printf(
			"line %d: HashAlgorithm: the hash follows from the key: SHA-256, or "
			"that of its curve",
			line->number));
	return true;
}

static bool
take_provider(struct reading *r, const struct inf_line *line, struct err *err)
{
	static const char *const devices[] = {"Smart Card", "Platform", "TPM"};

	for (size_t i = 0; i < COUNT_OF(devices); i++)
		if (strcasestr(line->value, devices[i]) != NULL)
			return err_set(err, DIRCA_E_USAGE,
			    "ProviderName = %s: dirca makes keys in software; have the token's own "
			    "program make key and request, and `dirca submit` sends it",
			    line->value);
	if (strncasecmp(line->value, "Microsoft ", 10) != 0)
		texts_take(&r->out->notes,
		    text_printf(
			"line %d: ProviderName: there are no providers of Windows here, the "
			"key is made in software",
			line->number));
	return true;
}

static bool
take_exportable(struct reading *r, const struct inf_line *line, struct err *err)
{
	bool exportable;

	if (!read_truth(line, &exportable, err))
		return false;
	if (!exportable)
		texts_take(&r->out->notes,
		    text_printf(
			"line %d: Exportable = FALSE: the key will be in a file, which whoever "
			"has its password can copy",
			line->number));
	return true;
}

static bool
take_smime(struct reading *r, const struct inf_line *line, struct err *err)
{
	return read_truth(line, &r->wants_smime, err);
}

static bool
take_pss(struct reading *r, const struct inf_line *line, struct err *err)
{
	bool pss;

	(void)r;
	return read_truth(line, &pss, err) &&
	       (!pss ||
		   err_set(err, DIRCA_E_USAGE,
		       "%s = TRUE: dirca signs requests with PKCS #1 v1.5 or ECDSA", line->name));
}

/* ---- [Version], [RequestAttributes] ---- */

static bool
take_signature(struct reading *r, const struct inf_line *line, struct err *err)
{
	(void)r;
	return text_eq_nocase(line->value, "$Windows NT$") ||
	       text_eq_nocase(line->value, "$Chicago$") || bad_value(line, "$Windows NT$", err);
}

static bool
take_template(struct reading *r, const struct inf_line *line, struct err *err)
{
	return set_text(&r->out->template_name, line, err);
}

/* ---- extensions ---- */

static bool
is_oid(const char *text)
{
	OWNED(own_asn1_object) ASN1_OBJECT *object = NULL;

	if (*text < '0' || *text > '2' || strchr(text, '.') == NULL)
		return false;
	object = OBJ_txt2obj(text, 1);
	return object != NULL;
}

static bool
add_address(GENERAL_NAMES *names, const char *text, struct err *err)
{
	uint8_t octets[16];

	if (inet_pton(AF_INET, text, octets) == 1)
		return ext_add_address(names, octets, 4, err);
	if (inet_pton(AF_INET6, text, octets) == 1)
		return ext_add_address(names, octets, 16, err);
	return err_set(err, ERROR_INVALID_DATA, "'%s' is no IP address", text);
}

static bool
add_guid(GENERAL_NAMES *names, const char *text, struct err *err)
{
	uint8_t guid[GUID_LEN];

	return guid_from_text(text, guid)
		   ? ext_add_guid(names, guid, err)
		   : err_set(err, ERROR_INVALID_DATA, "'%s' is no GUID", text);
}

/* "dns=www.nwtraders.com", as certreq writes alternative names. */
static bool
add_alternative_name(GENERAL_NAMES *names, const char *item, struct err *err)
{
	const char *value = strchr(item, '=');
	size_t len = value != NULL ? (size_t)(value - item) : 0;

	if (len == 0 || value[1] == '\0')
		return err_set(err, ERROR_INVALID_DATA, "'%s' is no name=value", item);
	value++;
	if (len == 3 && strncasecmp(item, "dns", len) == 0)
		return ext_add_name(names, GEN_DNS, value, err);
	if (len == 5 && strncasecmp(item, "email", len) == 0)
		return ext_add_name(names, GEN_EMAIL, value, err);
	if (len == 3 && strncasecmp(item, "url", len) == 0)
		return ext_add_name(names, GEN_URI, value, err);
	if (len == 3 && strncasecmp(item, "upn", len) == 0)
		return ext_add_upn(names, value, err);
	if (len == 4 && strncasecmp(item, "guid", len) == 0)
		return add_guid(names, value, err);
	if (len == 9 && strncasecmp(item, "ipaddress", len) == 0)
		return add_address(names, value, err);
	return err_set(err, ERROR_INVALID_DATA,
	    "'%s': names are dns, email, upn, url, ipaddress and guid", item);
}

static bool
text_names(struct reading *r, char *text, struct err *err)
{
	OWNED(own_general_names) GENERAL_NAMES *names = GENERAL_NAMES_new();
	char *item;

	if (names == NULL)
		return err_nomem(err);
	while ((item = strsep(&text, "&")) != NULL)
		if (*item != '\0' && !add_alternative_name(names, item, err))
			return false;
	return ext_push_san(r->out->extensions, names, false, err);
}

/* OIDs between commas. */
static bool
read_oids(char *text, struct texts *out, struct err *err)
{
	char *item;

	while ((item = strsep(&text, ",&")) != NULL) {
		item += strspn(item, " ");
		if (*item == '\0')
			continue;
		if (!is_oid(item))
			return err_set(
			    err, ERROR_INVALID_DATA, "'%s' is no object identifier", item);
		texts_add(out, item);
	}
	return true;
}

static bool
text_usages(struct reading *r, char *text, struct err *err)
{
	return read_oids(text, &r->usages, err);
}

static bool
text_policies(struct reading *r, char *text, struct err *err)
{
	OWNED(texts_free) struct texts oids = {0};

	return read_oids(text, &oids, err) &&
	       ext_push_policies(r->out->extensions, oid_dotted(OID_APPLICATION_CERT_POLICIES),
		   oids.list, oids.count, err);
}

static bool
take_text(struct reading *r, const struct inf_line *line, char *text, struct err *err)
{
	static const struct {
		const char *oid;
		bool (*take)(struct reading *r, char *text, struct err *err);
	} forms[] = {
	    {"2.5.29.17", text_names},
	    {"2.5.29.37", text_usages},
	    {"1.3.6.1.4.1.311.21.10", text_policies},
	};

	for (size_t i = 0; i < COUNT_OF(forms); i++)
		if (strcmp(forms[i].oid, line->name) == 0)
			return forms[i].take(r, text, err);
	return err_set(err, DIRCA_E_USAGE,
	    "%s = {text}...: dirca knows the text of 2.5.29.17, 2.5.29.37 and "
	    "1.3.6.1.4.1.311.21.10; give another one's value in base64",
	    line->name);
}

/* "{text}...", "{hex}...", or base64 of the value in DER. */
static bool
take_extension(struct reading *r, const struct inf_line *line, struct err *err)
{
	static const char text[] = "{text}", hex[] = "{hex}";
	OWNED(buf_free) struct buf value = {0};
	OWNED(own_memory) char *copy = mem_text(line->value);

	if (text_eq_nocase(line->name, "Critical"))
		return read_oids(copy, &r->critical, err);
	if (!is_oid(line->name))
		return err_set(err, ERROR_INVALID_DATA, "%s is no object identifier", line->name);
	if (strncasecmp(copy, text, sizeof text - 1) == 0)
		return take_text(r, line, copy + sizeof text - 1, err);
	if (!(strncasecmp(copy, hex, sizeof hex - 1) == 0
		    ? hex_decode(copy + sizeof hex - 1, &value, err)
		    : base64_decode(view_str(copy), &value, err)))
		return err_prefix(err, "%s", line->name);
	return pkix_ext_push(r->out->extensions, line->name, false, buf_view(&value), err);
}

static bool
take_usage(struct reading *r, const struct inf_line *line, struct err *err)
{
	OWNED(own_memory) char *copy = mem_text(line->value);

	return text_eq_nocase(line->name, "OID") ? read_oids(copy, &r->usages, err)
						 : bad_value(line, "OID = 1.3...", err);
}

/* ---- which line is whose ---- */

static const struct row {
	const char *section, *name;
	take_function *take; /* NULL: what is said of it instead */
	const char *note;    /* it changes nothing here */
	const char *refusal; /* it cannot be */
} rows[] = {
    {"Version", "Signature", take_signature, NULL, NULL},
    {"NewRequest", "Subject", take_subject, NULL, NULL},
    {"NewRequest", "PrivateKeyArchive", take_archive, NULL, NULL},
    {"NewRequest", "Exportable", take_exportable, NULL, NULL},
    {"NewRequest", "KeySpec", take_key_spec, NULL, NULL},
    {"NewRequest", "KeyLength", take_key_length, NULL, NULL},
    {"NewRequest", "KeyAlgorithm", take_key_algorithm, NULL, NULL},
    {"NewRequest", "KeyUsage", take_key_usage, NULL, NULL},
    {"NewRequest", "RequestType", take_request_type, NULL, NULL},
    {"NewRequest", "HashAlgorithm", take_hash, NULL, NULL},
    {"NewRequest", "ProviderName", take_provider, NULL, NULL},
    {"NewRequest", "SMIME", take_smime, NULL, NULL},
    {"NewRequest", "AlternateSignatureAlgorithm", take_pss, NULL, NULL},
    {"NewRequest", "RenewalCert", take_renewal_cert, NULL, NULL},
    {"NewRequest", "UseExistingKeySet", take_same_key, NULL, NULL},
    {"NewRequest", "ProviderType", NULL, "the key is made in software", NULL},
    {"NewRequest", "MachineKeySet", NULL, "the key is the file's whose it is", NULL},
    {"NewRequest", "KeyUsageProperty", NULL, "a key in a file has no properties", NULL},
    {"NewRequest", "FriendlyName", NULL, "the key has the template's name", NULL},
    {"NewRequest", "KeyContainer", NULL, "the key has the request's name", NULL},
    {"NewRequest", "Silent", NULL, "nothing but a password is asked for", NULL},
    {"NewRequest", "UserProtected", NULL, "the key is encrypted with a password", NULL},
    {"NewRequest", "SecurityDescriptor", NULL, "the key is a file of mode 0600", NULL},
    {"NewRequest", "EncryptionAlgorithm", NULL, "the template says how the key is encrypted", NULL},
    {"NewRequest", "EncryptionLength", NULL, "the template says how the key is encrypted", NULL},
    {"NewRequest", "PopulateCrossCertificates", NULL, "there is no store", NULL},
    {"NewRequest", "RequesterName", NULL, NULL,
	"`dirca enroll --agent FILE --on-behalf-of NAME` enrolls another"},
    {"NewRequest", "ReaderName", NULL, NULL,
	"dirca makes keys in software; have the token's own program make key and request"},
    {"NewRequest", "SuppressDefaults", NULL, NULL, "dirca adds nothing but the template"},
    {"NewRequest", "ValidityPeriod", NULL, NULL, "the template says how long"},
    {"NewRequest", "ValidityPeriodUnits", NULL, NULL, "the template says how long"},
    {"NewRequest", "NotBefore", NULL, NULL, "the template says how long"},
    {"NewRequest", "NotAfter", NULL, NULL, "the template says how long"},
    {"RequestAttributes", "CertificateTemplate", take_template, NULL, NULL},
    {"RequestAttributes", "SAN", NULL, NULL,
	"names belong into the request: [Extensions] 2.5.29.17 = \"{text}dns=...\""},
};

static bool
is_section(const struct inf_line *line, const char *name)
{
	return text_eq_nocase(line->section, name);
}

static bool
take_line(struct reading *r, const struct inf_line *line, struct err *err)
{
	if (is_section(line, "Strings"))
		return true;
	if (is_section(line, "Extensions"))
		return take_extension(r, line, err);
	if (is_section(line, "EnhancedKeyUsageExtension"))
		return take_usage(r, line, err);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (!is_section(line, rows[i].section) || !text_eq_nocase(line->name, rows[i].name))
			continue;
		if (rows[i].take != NULL)
			return rows[i].take(r, line, err);
		if (rows[i].refusal != NULL)
			return err_set(err, DIRCA_E_USAGE, "%s = %s: %s", line->name, line->value,
			    rows[i].refusal);
		texts_take(&r->out->notes,
		    text_printf("line %d: %s: %s", line->number, rows[i].name, rows[i].note));
		return true;
	}
	return err_set(err, DIRCA_E_USAGE, "dirca knows no %s in [%s]; dirca-new(1) lists them",
	    line->name, line->section);
}

/* ---- all of them together ---- */

/* What has lines and sections of its own. */
static bool
push_usages(struct reading *r, struct err *err)
{
	ext_list *list = r->out->extensions;
	uint32_t u = r->key_usage;

	return (!r->has_key_usage ||
		   ext_push_key_usage(list, (uint16_t)((u & 0xff) << 8 | u >> 8), true, err)) &&
	       (r->usages.count == 0 ||
		   ext_push_eku(list, r->usages.list, r->usages.count, false, err)) &&
	       (!r->wants_smime || ext_push_smime_capabilities(list, err));
}

static bool
mark_critical(const ext_list *list, const char *oid, struct err *err)
{
	OWNED(own_asn1_object) ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	int at = object != NULL ? X509v3_get_ext_by_OBJ(list, object, -1) : -1;

	if (at == -1)
		return err_set(
		    err, ERROR_INVALID_DATA, "Critical = %s: there is no such extension", oid);
	X509_EXTENSION_set_critical(sk_X509_EXTENSION_value(list, at), 1);
	return true;
}

/* What renews is signed with both keys, in a CMC message, whatever Windows would put it into. */
static bool
finish_renewal(const struct reading *r, struct err *err)
{
	struct inf_request *out = r->out;

	if (out->renewal_cert == NULL && (out->same_key || r->is_pkcs7))
		return err_set(err, DIRCA_E_USAGE,
		    "%s goes with RenewalCert, or `dirca enroll --renew FILE` renews a certificate",
		    out->same_key ? "UseExistingKeySet = TRUE" : "RequestType = PKCS7");
	out->is_cmc = out->is_cmc || out->archives || out->renewal_cert != NULL;
	return !out->is_cmc || out->template_name != NULL ||
	       err_set(err, CERTSRV_E_NO_CERT_TYPE,
		   "%s needs CertificateTemplate in [RequestAttributes]",
		   out->archives               ? "PrivateKeyArchive = TRUE"
		   : out->renewal_cert != NULL ? "RenewalCert"
					       : "RequestType = CMC");
}

static bool
finish(struct reading *r, struct err *err)
{
	struct inf_request *out = r->out;

	if (!push_usages(r, err))
		return false;
	for (size_t i = 0; i < r->critical.count; i++)
		if (!mark_critical(out->extensions, r->critical.list[i], err))
			return false;
	if (out->archives && out->signature_key)
		return err_set(err, DIRCA_E_SIGNATURE_KEY,
		    "PrivateKeyArchive = TRUE with KeySpec = 2: a key that only signs is not "
		    "archived, since it could sign for its owner");
	return finish_renewal(r, err);
}

static bool
read_request(struct view text, struct inf_request *out, struct err *err)
{
	OWNED(inf_free) struct inf inf = {0};
	OWNED(reading_free) struct reading r = {.out = out};
	bool found = false;

	if (!inf_read(text, &inf, err))
		return false;
	for (size_t i = 0; i < inf.count; i++) {
		found = found || is_section(&inf.list[i], "NewRequest");
		if (!take_line(&r, &inf.list[i], err))
			return err_prefix(err, "line %d", inf.list[i].number);
	}
	if (!found)
		return err_set(err, ERROR_INVALID_DATA, "there is nothing in [NewRequest]");
	return finish(&r, err);
}

bool
inf_request_read(struct view text, struct inf_request *out, struct err *err)
{
	*out = (struct inf_request){.extensions = sk_X509_EXTENSION_new_null()};
	if (out->extensions == NULL)
		return err_nomem(err);
	if (read_request(text, out, err))
		return true;
	inf_request_free(out);
	return false;
}

void
inf_request_free(struct inf_request *r)
{
	free(r->subject);
	free(r->template_name);
	free(r->renewal_cert);
	sk_X509_EXTENSION_pop_free(r->extensions, X509_EXTENSION_free);
	texts_free(&r->notes);
	*r = (struct inf_request){0};
}
