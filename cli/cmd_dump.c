/* dirca dump: what a file says, readable. Nothing here needs a key, and nothing secret is shown. */
#include <stdlib.h>
#include <string.h>

#include "cmc.h"
#include "file.h"
#include "mem.h"
#include "officer.h"
#include "own_openssl.h"
#include "pem.h"
#include "pki_templates.h"
#include "print.h"
#include "recovery.h"
#include "text.h"
#include "tmpl.h"
#include "verbs.h"
#include "work.h"

#define FILE_MAX (1024 * 1024)

static void
print_view(const char *name, struct view v)
{
	printf("%s: ", name);
	if (v.len == 0)
		printf("-");
	print_hash(stdout, v.ptr, v.len);
	putchar('\n');
}

static void
print_attrs(const char *title, const struct cms_attr *attrs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("  %s %s: %zu value(s), %zu bytes\n", title, attrs[i].oid,
		    attrs[i].value_count, attrs[i].values.len);
}

static void
print_signer(const struct cms_signer *s)
{
	OWNED(own_memory) char *issuer = NULL, *serial = NULL;

	if (s->key_id.len > 0) {
		print_view("key identifier", s->key_id);
		return;
	}
	issuer = pkix_name_text(s->issuer);
	serial = pkix_serial_text(s->serial);
	printf("issuer %s, serial number %s\n", issuer != NULL ? issuer : "?",
	    serial != NULL ? serial : "?");
}

static void
print_message(const struct cms_signed *m)
{
	struct err err;

	printf("Content type: %s, %zu bytes\n", m->content_oid, m->content.len);
	for (size_t i = 0; i < m->signer_count; i++) {
		const struct cms_signer *s = &m->signers[i];

		printf("Signer %zu: ", i);
		print_signer(s);
		print_attrs("signed", s->attrs, s->attr_count);
		print_attrs("unsigned", s->unsigned_attrs, s->unsigned_count);
	}
	for (size_t i = 0; i < m->certificate_count; i++) {
		OWNED(pkix_cert_free) struct pkix_cert cert = {0};

		printf("Certificate %zu:\n", i);
		if (pkix_cert_decode(m->certificates[i], &cert, &err))
			print_cert(stdout, "  ", &cert);
		else
			printf("  cannot be read: %s\n", err.msg);
	}
}

static void
print_extensions(const struct pkix_extension *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("  Extension %s%s: %zu bytes\n", list[i].oid,
		    list[i].critical ? " (critical)" : "", list[i].value.len);
}

static void
print_renewed(struct view der)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	struct err err;

	if (der.len == 0)
		return;
	if (pkix_cert_decode(der, &cert, &err)) {
		puts("  Renews:");
		print_cert(stdout, "    ", &cert);
	} else {
		printf("  Renews: BAD: %s\n", err.msg);
	}
}

static void
print_template_id(const struct pkix_request *r)
{
	OWNED(pkix_template_id_free) struct pkix_template_id id = {0};
	struct err ignored;

	if (!pkix_template_id(r->extensions, r->extension_count, &id, &ignored))
		return;
	if (id.cn != NULL)
		printf("  Template: %s\n", id.cn);
	if (id.oid != NULL)
		printf("  Template: %s version %lld.%lld\n", id.oid, (long long)id.major,
		    (long long)id.minor);
}

static void
print_request(const struct pkix_request *r)
{
	OWNED(own_memory) char *subject = pkix_name_text(r->subject);
	const char *algorithm = "?";
	int bits = 0;
	struct err err;

	if (!pkix_key_info(r->spki, &algorithm, &bits, &err))
		algorithm = "unknown";
	printf("PKCS#10:\n  Subject: %s\n  Key: %s %d bits\n  Signature: %s\n",
	    subject != NULL && *subject != '\0' ? subject : "(empty)", algorithm, bits,
	    r->null_signature ? "none (digest only)" : "present");
	print_template_id(r);
	print_extensions(r->extensions, r->extension_count);
	for (size_t i = 0; i < r->pairs.count; i++)
		printf("  %s = %s\n", r->pairs.list[i].name, r->pairs.list[i].value);
	print_renewed(r->renewal_certificate);
}

static void
print_enveloped(const struct cms_enveloped *e)
{
	printf("%s, %s:\n", cms_is_gcm(e->cipher) ? "AuthEnvelopedData" : "EnvelopedData",
	    e->cipher_name);
	for (size_t i = 0; i < e->count; i++) {
		OWNED(own_memory) char *issuer = pkix_name_text(e->recipients[i].issuer);
		OWNED(own_memory) char *serial = pkix_serial_text(e->recipients[i].serial);

		printf("  Recipient %zu (%s): serial number %s of %s\n", i,
		    e->recipients[i].is_key_agreement ? "ECDH" : "RSA",
		    serial != NULL ? serial : "?", issuer != NULL ? issuer : "?");
	}
}

/* ---- one function a type: true if the bytes are of it ---- */

static bool
has_unsigned(const struct cmc_request *r)
{
	for (size_t i = 0; i < r->message.signer_count; i++)
		if (r->message.signers[i].unsigned_count > 0)
			return true;
	return false;
}

/* A CA keeps a request without its unsigned attributes, of which the encrypted key is one. */
static bool
dump_cmc(struct view der, struct err *err)
{
	OWNED(cmc_request_free) struct cmc_request r = {0};
	OWNED(cms_enveloped_free) struct cms_enveloped e = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	bool is_exported;

	if (!cmc_request_decode(der, &r, err))
		return false;
	is_exported = r.key_hash.len > 0 && r.archived_key.len == 0 && !has_unsigned(&r);
	puts("CMC full PKI request");
	print_message(&r.message);
	print_request(&r.request);
	for (size_t i = 0; i < r.pairs.count; i++)
		printf("RegInfo: %s = %s\n", r.pairs.list[i].name, r.pairs.list[i].value);
	print_view("Encrypted key hash", r.key_hash);
	if (r.archived_key.len > 0 && cms_enveloped_decode(r.archived_key, &e, err))
		print_enveloped(&e);
	if (is_exported)
		puts("Encrypted key: not in it, as in every request that a CA kept");
	if (pkix_public_key(r.request.spki, &key, err) &&
	    (is_exported ? cmc_request_verify_stripped : cmc_request_verify)(&r, key, true, err))
		puts(is_exported ? "Signatures: good" : "Signatures and hashes: good");
	else
		printf("Signatures and hashes: BAD: %s\n", err->msg);
	return true;
}

static void
print_wrapper(const struct cmc_wrapped *w)
{
	puts("SignedData around a request");
	print_message(&w->message);
	for (size_t i = 0; i < w->pairs.count; i++)
		printf(
		    "Signed attribute: %s = %s\n", w->pairs.list[i].name, w->pairs.list[i].value);
}

/* SignedData around a request: who signed it, and the request itself. Nothing is printed of what
 * holds something else. */
static bool
dump_wrapped(struct view der, struct err *err)
{
	OWNED(cmc_wrapped_free) struct cmc_wrapped w = {0};
	OWNED(cmc_request_free) struct cmc_request cmc = {0};
	OWNED(pkix_request_free) struct pkix_request pkcs10 = {0};

	if (!cmc_wrapped_decode(der, &w, err))
		return false;
	if (cmc_wrapped_holds_cmc(&w)) {
		if (!cmc_request_decode(w.message.content, &cmc, err))
			return false;
		print_wrapper(&w);
		return dump_cmc(w.message.content, err);
	}
	if (!pkix_request_decode(w.message.content, &pkcs10, err))
		return false;
	print_wrapper(&w);
	print_request(&pkcs10);
	return true;
}

static bool
dump_request(struct view der, struct err *err)
{
	return dump_cmc(der, err) ||
	       (err->code == CRYPT_E_INVALID_MSG_TYPE && dump_wrapped(der, err));
}

static bool
dump_response(struct view der, struct err *err)
{
	OWNED(cmc_response_free) struct cmc_response r = {0};

	if (!cmc_response_decode(der, &r, err))
		return false;
	printf(
	    "CMC full PKI response\nStatus: %d %s\n", (int)r.status, r.text != NULL ? r.text : "");
	if (r.status == CMC_STATUS_PENDING)
		printf("Request Id: %lld\n", (long long)r.pending_id);
	print_view("Issued certificate hash", r.issued_sha1);
	print_view("Encrypted key hash", r.key_hash);
	print_message(&r.message);
	return true;
}

static bool
dump_blob(struct view der, struct err *err)
{
	OWNED(recovery_free) struct recovery_blob b = {0};

	if (!recovery_decode(der, &b, err))
		return false;
	puts("Recovery BLOB of");
	print_cert(stdout, "  ", &b.certificate);
	if (b.has_retrieval) {
		puts("Retrieved by");
		print_retrieval(stdout, "  ", &b.retrieval);
	} else {
		puts("Who retrieved it, the CA did not sign");
	}
	print_enveloped(&b.archived);
	print_recipients(stdout, &b);
	print_message(&b.message);
	return true;
}

static bool
dump_pkcs10(struct view der, struct err *err)
{
	OWNED(pkix_request_free) struct pkix_request r = {0};

	if (!pkix_request_decode(der, &r, err))
		return false;
	print_request(&r);
	return true;
}

static bool
dump_certificate(struct view der, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert c = {0};

	if (!pkix_cert_decode(der, &c, err))
		return false;
	puts("Certificate");
	print_cert(stdout, "  ", &c);
	print_extensions(c.extensions, c.extension_count);
	return true;
}

static void
print_officer_rules(const struct sd *sd)
{
	OWNED(officer_rules_free) struct officer_rules rules = {0};
	struct err err;

	if (!officer_rules_decode(sd, &rules, &err))
		return;
	for (size_t i = 0; i < rules.count; i++) {
		char text[SID_TEXT_MAX];

		sid_to_text(&rules.list[i].officer, text);
		printf("Officer rule %zu: %s %s, template %s, requesters", i,
		    rules.list[i].deny ? "deny" : "allow", text,
		    rules.list[i].template_cn != NULL ? rules.list[i].template_cn : "(all)");
		for (size_t k = 0; k < rules.list[i].requesters.count; k++) {
			sid_to_text(&rules.list[i].requesters.list[k], text);
			printf(" %s", text);
		}
		putchar('\n');
	}
}

static bool
dump_sd(struct view der, struct err *err)
{
	OWNED(sd_free) struct sd sd = {0};

	if (!sd_decode(der, &sd, err))
		return false;
	OWNED(own_memory) char *sddl = sd_to_sddl(&sd);

	printf("Security descriptor, %zu ACE(s)\n%s\n", sd.count, sddl);
	if (sd.count > 0)
		print_officer_rules(&sd);
	return true;
}

static const struct {
	const char *name;
	bool (*run)(struct view der, struct err *err);
} types[] = {
    {"request", dump_request},
    {"response", dump_response},
    {"blob", dump_blob},
    {"pkcs10", dump_pkcs10},
    {"certificate", dump_certificate},
    {"sd", dump_sd},
};

/* ---- a template, from the directory ---- */

static void
print_list(const char *name, const struct texts *list)
{
	printf("  %s:", name);
	for (size_t i = 0; i < list->count; i++)
		printf(" %s", list->list[i]);
	puts(list->count > 0 ? "" : " -");
}

static void
print_template(const struct tmpl *t)
{
	OWNED(own_memory) char *sddl = t->has_sd ? sd_to_sddl(&t->sd) : NULL;

	printf("Template %s (%s)\n  DN: %s\n  Schema version: %d, version %d.%d, OID %s\n", t->cn,
	    t->display_name != NULL ? t->display_name : "-", t->dn, t->schema_version,
	    (int)t->major, (int)t->minor, t->oid != NULL ? t->oid : "-");
	printf("  flags: 0x%08x\n  msPKI-Enrollment-Flag: 0x%08x\n  msPKI-Certificate-Name-Flag: "
	       "0x%08x\n  msPKI-Private-Key-Flag: 0x%08x\n",
	    t->flags, t->enrollment_flag, t->name_flag, t->private_key_flag);
	printf("  Key archival: %s\n  Certificate manager approval: %s\n  Minimal key size: %d\n  "
	       "Validity: %lld days, renewal %lld days\n",
	    tmpl_requires_key_archival(t) ? "required" : "no", tmpl_pends(t) ? "required" : "no",
	    (int)t->min_key_size, (long long)(t->validity / 86400),
	    (long long)(t->overlap / 86400));
	printf("  Key usage: %02x%02x\n  RA signatures: %d\n", t->key_usage[0], t->key_usage[1],
	    (int)t->ra_signatures);
	print_list("Extended key usage", &t->eku);
	print_list("Application policies", &t->application_policies);
	print_list("Critical extensions", &t->critical);
	print_list("Supersedes", &t->supersedes);
	printf("  Security: %s\n", sddl != NULL ? sddl : "none readable (nobody may enroll)");
}

static bool
dump_template(struct work *w, struct err *err)
{
	const char *name = w->cli->args[0];
	OWNED(tmpl_free) struct tmpl t = {0};
	const struct dir_entry *e;

	if (!work_open(w, NEEDS_PKI, err))
		return false;
	if ((e = pki_snapshot_template(w->session.pki, name)) == NULL)
		return err_set(err, CRYPT_E_NOT_FOUND, "the directory has no template %s", name);
	if (!tmpl_decode(e, &t, err))
		return false;
	print_template(&t);
	return true;
}

static bool
read_der(const char *path, struct buf *out, struct err *err)
{
	OWNED(buf_free) struct buf raw = {0};

	return file_read(path, FILE_MAX, &raw, err) &&
	       (pem_any(buf_view(&raw), out, err) || err_prefix(err, "%s", path));
}

bool
cmd_dump(struct work *w, struct err *err)
{
	const char *name = w->cli->args[0],
		   *type = w->cli->opt.type != NULL ? w->cli->opt.type : "auto";
	bool automatic = strcmp(type, "auto") == 0, known = automatic;
	OWNED(buf_free) struct buf der = {0};

	if (strcmp(type, "template") == 0)
		return dump_template(w, err);
	if (!read_der(name, &der, err))
		return false;
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (!automatic && strcmp(types[i].name, type) != 0)
			continue;
		known = true;
		if (types[i].run(buf_view(&der), err))
			return true;
	}
	if (!known)
		return err_set(err, DIRCA_E_USAGE, "type %s is unknown", type);
	return automatic ? err_set(err, ERROR_INVALID_DATA,
			       "%s is nothing that dirca knows; --type says why not", name)
			 : false;
}
