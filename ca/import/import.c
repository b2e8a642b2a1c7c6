#include "import.h"

#include <stdlib.h>

#include "audit.h"
#include "certificate.h"
#include "clock.h"
#include "import_priv.h"
#include "kra_flags.h"
#include "key_holder.h"
#include "mem.h"
#include "oids.h"
#include "own.h"
#include "own_request.h"
#include "person.h"
#include "sealing.h"
#include "space.h"
#include "text.h"

#define PAYLOAD_MAX 32768
#define USER_MAX    256
#define SOURCE_MAX  32

struct importing {
	struct ca *ca;
	struct vault *vault;
	const struct ca_view *view;
	const struct principal *officer;
	const struct import_item *item;
	int64_t now;
	struct pkix_cert cert;
	const struct ca_issuer *issuer; /* NULL: another CA's */
	struct import_owner owner;      /* of one that is not there */
	struct store_request there;     /* request_id 0: it is not there */
	struct store_request row;       /* to be added, or what the key is added with */
	struct sealing sealed;
	struct buf archived;
	struct import_result *out;
};

static void
importing_free(struct importing *m)
{
	pkix_cert_free(&m->cert);
	principal_free(&m->owner.principal);
	store_request_free(&m->there);
	store_request_free(&m->row);
	sealing_free(&m->sealed);
	buf_free(&m->archived);
}

void
import_result_free(struct import_result *r)
{
	free(r->owner);
	*r = (struct import_result){0};
}

/* ---- the certificate ---- */

/* Another CA's (paper, "Foreign Certificate Import"). */
static bool
check_foreign(const struct importing *m, struct err *err)
{
	if (!m->item->foreign)
		return err_set(err, CERT_E_ISSUERCHAINING,
		    "Invalid Signature. The certificate was not issued by this CA; -f takes it all "
		    "the same");
	return (m->ca->config->kra_flags & KRAF_ENABLEFOREIGN) != 0 ||
	       err_set(err, CERT_E_ISSUERCHAINING,
		   "Invalid Signature. The certificate was not issued by this CA, which takes no "
		   "others: KRAF_ENABLEFOREIGN is not among the kra_flags of dircad.conf");
}

/* Two certificates of one CA with one serial number are one. */
static bool
find_own(struct importing *m, struct err *err)
{
	OWNED(own_memory) char *serial = pkix_serial_text(m->cert.serial);
	OWNED(store_request_free) struct store_request row = {0};
	enum store_find found = store_get_by_serial(m->ca->store, serial, &row, err);

	if (found == STORE_FAILED)
		return err->code == TYPE_E_AMBIGUOUSNAME; /* others' only */
	if (found == STORE_NOT_FOUND || row.disposition == DISP_FOREIGN)
		return true;
	return view_eq(buf_view(&row.certificate_hash), view_of(m->cert.sha1, 20)) ||
	       err_set(err, ERROR_FILE_EXISTS,
		   "request %lld has another certificate with this serial number",
		   (long long)row.request_id);
}

static bool
find_there(struct importing *m, struct err *err)
{
	if (m->issuer != NULL && !find_own(m, err))
		return false;
	return store_get_by_hash(m->ca->store, view_of(m->cert.sha1, 20), &m->there, err) !=
	       STORE_FAILED;
}

static bool
read_certificate(struct importing *m, struct err *err)
{
	if (!pkix_cert_decode(m->item->certificate, &m->cert, err))
		return false;
	if (pkix_cert_says_ca(&m->cert))
		return err_set(err, E_INVALIDARG, "the certificate of a CA is not imported");
	m->issuer = ca_issuers_find_old(&m->ca->info.issuers, &m->cert);
	m->out->foreign = m->issuer == NULL;
	return (m->issuer != NULL || check_foreign(m, err)) && find_there(m, err);
}

/* ---- the row ---- */

static bool
fill_template(const struct importing *m, struct store_request *row, struct err *err)
{
	OWNED(pkix_template_id_free) struct pkix_template_id id = {0};

	/* Another CA may say what it likes: a template, by which officers are restricted. */
	if (m->issuer == NULL)
		return true;
	if (!pkix_template_id(m->cert.extensions, m->cert.extension_count, &id, err))
		return false;
	row->template_oid = own_give(&id.oid);
	row->template_name = own_give(&id.cn);
	return true;
}

/* What says most of who he is. */
static char *
unknown_name(const struct importing *m)
{
	return person_unknown(m->item->user != NULL        ? m->item->user
			      : m->row.upn != NULL         ? m->row.upn
			      : m->row.email != NULL       ? m->row.email
			      : m->row.common_name != NULL ? m->row.common_name
							   : m->row.distinguished_name);
}

static bool
fill_people(struct importing *m, struct err *err)
{
	const struct principal *owner = &m->owner.principal;
	struct store_request *row = &m->row;

	row->caller_name = mem_text(m->officer->downlevel);
	row->caller_sid = person_sid(m->officer);
	if (m->owner.by == NULL) {
		row->requester_name = unknown_name(m);
		return true;
	}
	row->requester_name = mem_text(owner->downlevel);
	row->requester_sid = person_sid(owner);
	row->requester_dn = mem_text(owner->dn);
	if (row->upn == NULL)
		row->upn = mem_text(owner->upn);
	return sids_encode(&owner->sids, &row->requester_sids, err);
}

/* [MS-CSRA] 3.1.4.1.26 */
static bool
make_row(struct importing *m, struct err *err)
{
	static const struct ca_issuer foreign = {0};
	struct store_request *row = &m->row;

	*row = (struct store_request){.disposition = m->issuer != NULL ? DISP_ISSUED : DISP_FOREIGN,
	    .submitted_when = m->now,
	    .resolved_when = m->now,
	    .revoked_reason = -1};
	row->disposition_message = text_printf("Imported by %s%s%s", m->officer->downlevel,
	    m->item->source != NULL ? " from " : "",
	    m->item->source != NULL ? m->item->source : "");
	return import_find_owner(m->ca, &m->cert, m->item->user, &m->owner, err) &&
	       certificate_columns_of(
		   m->issuer != NULL ? m->issuer : &foreign, &m->cert, row, err) &&
	       fill_template(m, row, err) && fill_people(m, err);
}

/* ---- who may ---- */

static bool
check_names(const struct importing *m, struct err *err)
{
	const struct pkix_extension *san = pkix_cert_extension(&m->cert, NID_subject_alt_name);
	const struct pkix_extension *sid =
	    pkix_cert_extension(&m->cert, oid_nid(OID_NTDS_CA_SECURITY_EXT));
	const struct own_names names = {.subject = m->cert.subject,
	    .san = san != NULL ? san->value : (struct view){0},
	    .sid = sid != NULL ? sid->value : (struct view){0}};

	return own_check_names(m->ca, m->officer, &names, err);
}

/* For whom the officer acts: for the owner. Nobody brings his own key. */
static bool
check_officer(const struct importing *m, struct err *err)
{
	const struct store_request *row = m->there.request_id != 0 ? &m->there : &m->row;

	return ca_check_officer(m->ca, m->view, m->officer, row, err) &&
	       own_check_row(m->ca, m->officer, row, err) && check_names(m, err);
}

/* ---- the key ---- */

/* paper, "Configuring User Templates": a key that only signs is not archived. */
static bool
check_usage(const struct importing *m, struct err *err)
{
	return pkix_cert_may_encrypt(&m->cert) ||
	       err_set(err, DIRCA_E_SIGNATURE_KEY,
		   "the key usage of the certificate is for signatures only; such a key is not "
		   "archived");
}

static bool
seal(struct importing *m, struct err *err)
{
	size_t count;
	OWNED(own_memory) void *hashes = sealing_usable(m->view, m->now, &count);
	OWNED(own_memory) char *sid = person_sid(m->officer);
	struct vault_import in = {.payload = m->item->key,
	    .certificate = m->item->certificate,
	    .user = view_str(m->item->user != NULL ? m->item->user : ""),
	    .requester = view_str(sid != NULL ? sid : m->officer->dn),
	    .kra_count = count,
	    .cipher = m->view->settings.cipher};

	in.kra_sha256 = hashes;
	return vault_import(m->vault, &in, &m->archived, err) &&
	       sealing_note(m->view, buf_view(&m->archived), &m->sealed, err);
}

static bool
can_archive(const struct importing *m, struct err *err)
{
	return ca_check_archival(m->ca, err) && sealing_check(m->ca, m->view, m->now, err);
}

/* [MS-CSRA] 3.1.4.2.16. A key that is there is the same: it is the certificate's. */
static bool
take_key(struct importing *m, struct err *err)
{
	bool has_key = m->there.raw_archived_key.len > 0;

	if (m->item->key.len == 0)
		return true;
	if (m->item->key.len > PAYLOAD_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE,
		    "the encrypted private key has %zu bytes; no key needs more than %d",
		    m->item->key.len, PAYLOAD_MAX);
	if (!check_usage(m, err))
		return false;
	if (has_key && !m->item->replace) {
		m->out->key = IMPORT_KEY_THERE;
		return true;
	}
	if (!can_archive(m, &m->out->key_refusal))
		return true;
	if (!seal(m, err))
		return false;
	m->out->key = has_key ? IMPORT_KEY_REPLACED : IMPORT_KEY_ARCHIVED;
	m->row.key_recovery_hashes = mem_text(m->sealed.hashes);
	return buf_dup(buf_view(&m->archived), &m->row.raw_archived_key, err);
}

/* ---- the unit of work ---- */

static bool
check_holder(const struct importing *m, struct store_tx *tx, struct err *err)
{
	const struct store_request *row = &m->row;
	const struct key_holder h = {.public_key_hash = buf_view(&row->public_key_hash),
	    .holder = {row->requester_sid, row->requester_name},
	    .archives = m->item->key.len > 0,
	    .may_share = m->view->settings.num[SETTING_ALLOW_SHARED_KEYS] != 0};
	int64_t ignored;

	return key_holder_check(m->ca, tx, &h, &ignored, err);
}

/* Nobody brought it meanwhile? */
static bool
check_first(const struct importing *m, struct store_tx *tx, struct err *err)
{
	int64_t id;
	enum store_find found = store_certificate_there(tx, view_of(m->cert.sha1, 20), &id, err);

	if (found == STORE_FOUND)
		return err_set(err, DIRCA_E_CHANGED,
		    "the certificate was imported meanwhile, as request %lld; import it again",
		    (long long)id);
	return found == STORE_NOT_FOUND;
}

static bool
write_row(struct importing *m, struct store_tx *tx, struct err *err)
{
	int64_t id = m->there.request_id;

	m->out->request_id = id;
	if (id == 0)
		return check_first(m, tx, err) && check_holder(m, tx, err) &&
		       store_add_request(tx, &m->row, &m->out->request_id, err);
	return m->out->key == IMPORT_KEY_REPLACED ? store_replace_key(tx, id, &m->row, err)
						  : store_import_key(tx, id, &m->row, err);
}

static char *
imported_text(const struct importing *m)
{
	const struct store_request *row = m->there.request_id != 0 ? &m->there : &m->row;
	OWNED(own_memory) char *certificate = ca_audit_certificate(row);

	return text_printf("source=%s foreign=%s owner-by=%s %s",
	    m->item->source != NULL ? m->item->source : "-", m->issuer == NULL ? "yes" : "no",
	    m->there.request_id != 0 ? "request"
	    : m->owner.by != NULL    ? m->owner.by
				     : "nothing",
	    certificate);
}

static char *
archived_text(const struct importing *m)
{
	char *text = text_printf("imported%s kras=%s",
	    m->out->key == IMPORT_KEY_REPLACED ? " replaces=yes" : "", m->sealed.hashes);

	for (char *p = text; *p != '\0'; p++)
		if (*p == '\n')
			*p = ',';
	return text;
}

static bool
write_records(const struct importing *m, struct store_tx *tx, struct err *err)
{
	OWNED(own_memory) char *serial = pkix_serial_text(m->cert.serial);
	OWNED(own_memory) char *imported = imported_text(m), *archived = archived_text(m);
	struct ca_audit a = {.when = m->now,
	    .event = AUDIT_IMPORTED,
	    .actor = m->officer->downlevel,
	    .request_id = m->out->request_id,
	    .object = serial,
	    .detail = imported};

	if (!ca_audit(tx, &a, err))
		return false;
	if (m->archived.len == 0)
		return true;
	a.event = AUDIT_KEY_ARCHIVED;
	a.detail = archived;
	return sealing_keep(tx, &m->sealed, err) && ca_audit(tx, &a, err);
}

static bool
write_unit(struct store_tx *tx, void *arg, struct err *err)
{
	struct importing *m = arg;

	return write_row(m, tx, err) && write_records(m, tx, err);
}

/* ---- all of it ---- */

/* Two words in the trail, among others. */
static bool
check_source(const char *source, struct err *err)
{
	return source == NULL || (strlen(source) <= SOURCE_MAX && strchr(source, '=') == NULL) ||
	       err_set(err, E_INVALIDARG, "what a key comes from has at most %d octets, and no '='",
		   SOURCE_MAX);
}

static bool
check_item(const struct importing *m, struct err *err)
{
	const char *user = m->item->user;

	if (!check_source(m->item->source, err))
		return false;

	if (!ca_view_is_fresh(m->view, clock_boot_ms()))
		return err_set(err, DIRCA_E_DIRECTORY_UNAVAILABLE,
		    "the directory could not be read for over a minute; nothing is imported");
	return user == NULL || strlen(user) <= USER_MAX ||
	       err_set(err, E_INVALIDARG, "a user's name of over %d octets", USER_MAX);
}

/* What is there already takes no room. */
static bool
adds_something(const struct importing *m)
{
	return m->there.request_id == 0 ||
	       (m->item->key.len > 0 && (m->item->replace || m->there.raw_archived_key.len == 0));
}

static bool
import(struct importing *m, struct err *err)
{
	/* The right first: without it nothing is said about what there is. */
	if (!check_item(m, err) || !ca_check_right(m->view, m->officer, CA_RIGHT_OFFICER, err) ||
	    !read_certificate(m, err))
		return false;
	m->out->was_there = m->there.request_id != 0;
	m->out->request_id = m->there.request_id;
	if (adds_something(m) && !ca_check_space(m->ca, err))
		return false;
	if (!m->out->was_there && !make_row(m, err))
		return false;
	if (!check_officer(m, err))
		return false;
	/* As much as can be known, before the key is opened. */
	if (!m->out->was_there && !check_holder(m, NULL, err))
		return false;
	if (!take_key(m, err))
		return false;
	if (m->out->was_there && m->archived.len == 0)
		return true;
	return store_do(m->ca->store, write_unit, m, err);
}

static bool
import_item(struct ca *ca, struct vault *v, const struct principal *officer,
    const struct import_item *item, int64_t now, struct import_result *out, struct err *err)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);
	OWNED(importing_free)
	struct importing m = {.ca = ca,
	    .vault = v,
	    .view = view,
	    .officer = officer,
	    .item = item,
	    .now = now,
	    .out = out};
	OWNED(own_memory) char *serial = NULL;
	const struct store_request *row = &m.row;

	*out = (struct import_result){0};
	if (!import(&m, err)) {
		const struct ca_audit refused = {.when = now,
		    .event = AUDIT_IMPORTED,
		    .actor = officer->downlevel,
		    .request_id = m.there.request_id,
		    .object = serial = m.cert.raw.len > 0 ? pkix_serial_text(m.cert.serial) : NULL};

		ca_audit_refusal(ca, &refused, err);
		return false;
	}
	if (m.there.request_id != 0)
		row = &m.there;
	if (m.there.request_id != 0 || m.owner.by != NULL)
		out->owner = mem_text(row->requester_name);
	return true;
}

/* An entry that is refused names nothing that could be recorded but who brought it. */
static bool
refuse_entry(struct ca *ca, const struct principal *officer, int64_t now, struct err *err)
{
	const struct ca_audit refused = {
	    .when = now, .event = AUDIT_IMPORTED, .actor = officer->downlevel};

	ca_audit_refusal(ca, &refused, err);
	return false;
}

bool
import_one(struct ca *ca, struct vault *v, const struct principal *officer,
    const struct import_item *item, int64_t now, struct import_result *out, struct err *err)
{
	OWNED(import_entry_free) struct import_entry signed_entry = {0};
	struct import_item inside = *item;

	*out = (struct import_result){0};
	if (item->entry.len == 0)
		return import_item(ca, v, officer, item, now, out, err);
	if (!import_entry_open(ca, item->entry, &signed_entry, err))
		return refuse_entry(ca, officer, now, err);
	inside.certificate = signed_entry.entry.certificate;
	inside.key = signed_entry.entry.key;
	inside.user = signed_entry.entry.user;
	return import_item(ca, v, officer, &inside, now, out, err);
}
