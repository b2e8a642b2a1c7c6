#include "adcs_row.h"

#include <stdlib.h>
#include <string.h>

#include "adcs_request.h"
#include "certificate.h"
#include "cms.h"
#include "mem.h"
#include "oids.h"
#include "own_openssl.h"
#include "text.h"

/* Certificates of the CA, its parents and its key recovery agents, which AD CS keeps as rows too.
 */
#define ADCS_CA_CERT  15
#define ADCS_KRA_CERT 17

/* ---- agents ---- */

bool
adcs_agents_add(struct adcs_agents *a, struct view der, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert c = {0};

	/* Of all rows few are. */
	if (!oid_occurs(OID_KP_KEY_RECOVERY_AGENT, der))
		return true;
	if (!pkix_cert_decode(der, &c, err))
		return false;
	if (!pkix_cert_has_eku(&c, oid_dotted(OID_KP_KEY_RECOVERY_AGENT)))
		return true;
	for (size_t i = 0; i < a->count; i++)
		if (view_eq(buf_view(&a->list[i]->raw), der))
			return true;
	a->list = mem_grow_long(a->list, a->count, sizeof(*a->list));
	a->list[a->count] = mem_zero(1, sizeof c);
	*a->list[a->count++] = c;
	c = (struct pkix_cert){0};
	return true;
}

void
adcs_agents_free(struct adcs_agents *a)
{
	for (size_t i = 0; i < a->count; i++) {
		pkix_cert_free(a->list[i]);
		free(a->list[i]);
	}
	free(a->list);
	*a = (struct adcs_agents){0};
}

static bool
is_recipient(const struct pkix_cert *c, const struct cms_recipient *r)
{
	OWNED(buf_free) struct buf ski = {0};
	struct err ignored;

	return cms_recipient_is(r, c->issuer, c->serial) ||
	       (r->key_id.len > 0 && pkix_cert_ski(c, &ski, &ignored) &&
		   view_eq(buf_view(&ski), r->key_id));
}

static const struct pkix_cert *
find_agent(const struct adcs_agents *a, const struct cms_recipient *r)
{
	for (size_t i = 0; i < a->count; i++)
		if (is_recipient(a->list[i], r))
			return a->list[i];
	return NULL;
}

/* One that this CA certified before, and that came with an earlier file. */
static bool
look_up(const struct adcs_source *from, const struct cms_recipient *r, struct err *err)
{
	struct adcs_agents *a = from->agents;
	OWNED(buf_free) struct buf der = {0};

	if (a->look_up == NULL || r->serial.len == 0 || find_agent(a, r) != NULL)
		return true;
	return a->look_up(a->arg, r->serial, &der, err) &&
	       (der.len == 0 || adcs_agents_add(a, buf_view(&der), err));
}

static void
add_unknown(struct adcs_row *out, const struct cms_recipient *r)
{
	OWNED(own_memory) char *issuer = r->issuer.len > 0 ? pkix_name_text(r->issuer) : NULL;
	OWNED(own_memory)
	char *number = r->serial.len > 0   ? pkix_serial_text(r->serial)
		       : r->key_id.len > 0 ? hex_encode(r->key_id, '\0')
					   : mem_text("?");

	texts_take(
	    &out->unknown, text_printf("%s %s%s%s", r->serial.len > 0 ? "serial" : "key", number,
			       issuer != NULL ? " of " : "", issuer != NULL ? issuer : ""));
}

/* ---- the archived key ---- */

static bool
find_agents(const struct adcs_source *from, const struct cms_enveloped *e, struct adcs_row *out,
    struct err *err)
{
	for (size_t i = 0; i < e->count; i++) {
		const struct cms_recipient *r = &e->recipients[i];
		const struct pkix_cert *agent;

		if (!look_up(from, r, err))
			return false;
		if ((agent = find_agent(from->agents, r)) == NULL) {
			add_unknown(out, r);
			continue;
		}
		out->agents = mem_grow(out->agents, out->agent_count, sizeof(*out->agents));
		out->agents[out->agent_count++] = agent;
	}
	return e->count > 0 ||
	       err_set(err, ERROR_INVALID_DATA, "the archived key is sealed to nobody");
}

/* Of the agents, who must all be known. */
static bool
hashes_of_agents(struct adcs_row *out, struct err *err)
{
	OWNED(own_memory) char *list = mem_text("");

	if (out->unknown.count > 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "the archived key is sealed to an agent whose certificate is not known (%s), "
		    "and there are no KeyRecoveryHashes",
		    out->unknown.list[0]);
	for (size_t i = 0; i < out->agent_count; i++) {
		OWNED(own_memory)
		char *hash = hex_encode(view_of(out->agents[i]->sha1, 20), ' ');

		text_list_add(&list, "\n", hash);
	}
	out->row.key_recovery_hashes = own_give(&list);
	return true;
}

/* What the row says of who can open the key is what the key says. */
static bool
check_hashes(const struct adcs_row *out, size_t recipients, struct err *err)
{
	const char *hashes = out->row.key_recovery_hashes;
	size_t lines = 1;

	for (const char *p = hashes; *p != '\0'; p++)
		lines += *p == '\n';
	if (lines != recipients)
		return err_set(err, ERROR_INVALID_DATA,
		    "the archived key is sealed to %zu agents, and KeyRecoveryHashes has %zu",
		    recipients, lines);
	for (size_t i = 0; i < out->agent_count; i++) {
		OWNED(own_memory)
		char *hash = hex_encode(view_of(out->agents[i]->sha1, 20), ' ');

		if (strstr(hashes, hash) == NULL)
			return err_set(err, ERROR_INVALID_DATA,
			    "the archived key is sealed to an agent whom KeyRecoveryHashes does "
			    "not name");
	}
	return true;
}

static bool
read_key(const struct adcs_source *from, const struct csv_row *csv, struct adcs_row *out,
    struct err *err)
{
	const char *key = adcs_field(&from->columns, csv, ADCS_KEY);
	const char *hashes = adcs_field(&from->columns, csv, ADCS_HASHES);
	OWNED(cms_enveloped_free) struct cms_enveloped e = {0};

	if (key == NULL)
		return true;
	if (!adcs_octets(key, &out->row.raw_archived_key, err) ||
	    !cms_enveloped_decode(buf_view(&out->row.raw_archived_key), &e, err))
		return err_prefix(err, "RawArchivedKey");
	if (!find_agents(from, &e, out, err))
		return false;
	if (hashes == NULL)
		return hashes_of_agents(out, err);
	return (adcs_hashes(hashes, &out->row.key_recovery_hashes, err) ||
		   err_prefix(err, "KeyRecoveryHashes")) &&
	       check_hashes(out, e.count, err);
}

/* ---- the certificate ---- */

static bool
check_serial(const char *said, const struct store_request *row, struct err *err)
{
	OWNED(buf_free) struct buf bytes = {0};
	OWNED(own_memory) char *serial = NULL;

	if (said == NULL)
		return true;
	if (!hex_decode(said, &bytes, err))
		return err_prefix(err, "SerialNumber");
	serial = pkix_serial_text(buf_view(&bytes));
	return strcmp(serial, row->serial_number) == 0 ||
	       err_set(err, ERROR_INVALID_DATA,
		   "the certificate is another than the one of SerialNumber");
}

static bool
read_template(
    const struct pkix_cert *c, const char *said, struct store_request *row, struct err *err)
{
	OWNED(pkix_template_id_free) struct pkix_template_id id = {0};

	if (!pkix_template_id(c->extensions, c->extension_count, &id, err))
		return false;
	row->template_oid = own_give(&id.oid);
	if (id.cn != NULL)
		row->template_name = own_give(&id.cn);
	else if (said != NULL && strncmp(said, "1.", 2) != 0)
		row->template_name = mem_text(said);
	return true;
}

static bool
read_certificate(const struct adcs_source *from, const struct csv_row *csv, struct adcs_row *out,
    struct err *err)
{
	static const struct ca_issuer foreign = {0};
	const char *text = adcs_field(&from->columns, csv, ADCS_CERTIFICATE);
	const char *upn = adcs_field(&from->columns, csv, ADCS_UPN);
	struct store_request *row = &out->row;
	OWNED(pkix_cert_free) struct pkix_cert c = {0};
	OWNED(buf_free) struct buf der = {0};
	const struct ca_issuer *issuer = &foreign;

	if (text == NULL)
		return err_set(err, ERROR_INVALID_DATA, "there is no certificate");
	if (!adcs_octets(text, &der, err) || !pkix_cert_decode(buf_view(&der), &c, err))
		return err_prefix(err, "RawCertificate");
	if (row->disposition != DISP_FOREIGN &&
	    (issuer = ca_issuers_find_old(from->issuers, &c)) == NULL)
		return err_set(err, CERT_E_ISSUERCHAINING,
		    "no certificate of this CA has issued the certificate");
	if (!certificate_columns_of(issuer, &c, row, err) ||
	    !check_serial(adcs_field(&from->columns, csv, ADCS_SERIAL), row, err))
		return false;
	if (row->upn == NULL)
		row->upn = mem_text(upn);
	/* It may say what it likes: a template, by which officers are restricted, or a SID. */
	if (row->disposition == DISP_FOREIGN)
		return true;
	row->requester_sid = pkix_cert_sid(&c);
	return read_template(&c, adcs_field(&from->columns, csv, ADCS_TEMPLATE), row, err);
}

/* ---- the rest ---- */

static bool
read_date(const struct adcs_source *from, const struct csv_row *csv, enum adcs_column column,
    int64_t *out, struct err *err)
{
	const char *field = adcs_field(&from->columns, csv, column);

	*out = 0;
	return field == NULL || adcs_date(field, from->dates, out, err) ||
	       err_prefix(err, "%s", adcs_column_name(column));
}

static bool
read_number(const struct adcs_source *from, const struct csv_row *csv, enum adcs_column column,
    int64_t none, int64_t *out, struct err *err)
{
	const char *field = adcs_field(&from->columns, csv, column);

	*out = none;
	return field == NULL || adcs_number(field, out, err) ||
	       err_prefix(err, "%s", adcs_column_name(column));
}

static bool
read_revocation(const struct adcs_source *from, const struct csv_row *csv,
    struct store_request *row, struct err *err)
{
	int64_t reason;

	row->revoked_reason = -1;
	if (row->disposition != DISP_REVOKED)
		return true;
	if (!read_date(from, csv, ADCS_REVOKED, &row->revoked_when, err) ||
	    !read_date(from, csv, ADCS_EFFECTIVE, &row->revoked_effective_when, err) ||
	    !read_number(from, csv, ADCS_REASON, 0, &reason, err))
		return false;
	if (row->revoked_effective_when == 0)
		row->revoked_effective_when = row->revoked_when;
	if (row->revoked_when == 0)
		row->revoked_when = row->revoked_effective_when;
	if (row->revoked_when == 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "it is revoked, and there is neither RevokedWhen nor RevokedEffectiveWhen");
	if (row->revoked_effective_when > from->now)
		return err_set(err, ERROR_INVALID_DATA,
		    "its revocation is of a time to come: are the dates read as they are meant?");
	row->revoked_reason = (int)reason;
	return reason <= 6 || reason == 9 || reason == 10 ||
	       err_set(err, ERROR_INVALID_DATA, "RevokedReason is none of RFC 5280");
}

/* A row whose disposition cannot be told may be a revoked certificate's: it is not left out. */
static bool
is_disposition(int64_t n)
{
	return n == DISP_ACTIVE || n == DISP_PENDING || n == DISP_FOREIGN ||
	       (n >= ADCS_CA_CERT && n <= ADCS_KRA_CERT) || n == DISP_ISSUED || n == DISP_REVOKED ||
	       n == DISP_ERROR || n == DISP_DENIED;
}

static bool
read_head(const struct adcs_source *from, const struct csv_row *csv, struct store_request *row,
    struct err *err)
{
	int64_t disposition, status;

	if (!read_number(from, csv, ADCS_REQUEST_ID, 0, &row->request_id, err) ||
	    !read_number(from, csv, ADCS_DISPOSITION, 0, &disposition, err) ||
	    !read_number(from, csv, ADCS_STATUS, 0, &status, err) ||
	    !read_date(from, csv, ADCS_SUBMITTED, &row->submitted_when, err) ||
	    !read_date(from, csv, ADCS_RESOLVED, &row->resolved_when, err))
		return false;
	row->disposition = (enum disposition)disposition;
	row->status_code = (int32_t)(uint32_t)status;
	if (!is_disposition(disposition))
		return err_set(err, ERROR_INVALID_DATA, "Disposition is none");
	return (row->request_id > 0 && row->request_id <= INT32_MAX) ||
	       err_set(err, ERROR_INVALID_DATA, "RequestID is none");
}

/* Shown with the request: where it came from, and under which number. */
static char *
message_of(const char *said, int64_t request_id)
{
	return text_printf("Imported from AD CS, request %lld%s%s", (long long)request_id,
	    said != NULL ? ": " : "", said != NULL ? said : "");
}

static void
read_texts(const struct adcs_source *from, const struct csv_row *csv, struct store_request *row)
{
	const char *caller = adcs_field(&from->columns, csv, ADCS_CALLER);
	const char *requester = adcs_field(&from->columns, csv, ADCS_REQUESTER);

	row->requester_name = mem_text(requester);
	row->caller_name = mem_text(caller != NULL ? caller : requester);
	row->request_attributes = mem_text(adcs_field(&from->columns, csv, ADCS_ATTRIBUTES));
	row->disposition_message =
	    message_of(adcs_field(&from->columns, csv, ADCS_MESSAGE), row->request_id);
}

/* Its type stays unknown, so that no answer is made of it. */
static bool
read_request(const struct adcs_source *from, const struct csv_row *csv, struct store_request *row,
    struct err *err)
{
	const char *text = adcs_field(&from->columns, csv, ADCS_REQUEST);
	OWNED(buf_free) struct buf der = {0};

	if (text == NULL)
		return true;
	if (!adcs_octets(text, &der, err))
		return err_prefix(err, "RawRequest");
	adcs_request(buf_view(&der), buf_view(&row->public_key_hash), &row->raw_request);
	return true;
}

static bool
is_certificate(const struct store_request *row)
{
	return row->disposition == DISP_ISSUED || row->disposition == DISP_REVOKED ||
	       row->disposition == DISP_FOREIGN;
}

bool
adcs_row_read(const struct adcs_source *from, const struct csv_row *csv, enum adcs_kind *kind_out,
    struct adcs_row *out, struct err *err)
{
	struct store_request *row = &out->row;

	*kind_out = ADCS_TAKE;
	*out = (struct adcs_row){.line = csv->line};
	if (csv->broken != NULL)
		return err_set(err, ERROR_INVALID_DATA, "%s", csv->broken);
	if (csv->count != from->columns.fields)
		return err_set(err, ERROR_INVALID_DATA, "it has %zu fields, and the first row %zu",
		    csv->count, from->columns.fields);
	if (!read_head(from, csv, row, err))
		return false;
	if (!is_certificate(row)) {
		*kind_out = ADCS_LEAVE;
		return true;
	}
	read_texts(from, csv, row);
	if (row->requester_name == NULL)
		return err_set(err, ERROR_INVALID_DATA, "there is no RequesterName");
	if (!read_revocation(from, csv, row, err) || !read_certificate(from, csv, out, err) ||
	    !read_request(from, csv, row, err) || !read_key(from, csv, out, err))
		return false;
	return row->disposition != DISP_FOREIGN || row->raw_archived_key.len > 0 ||
	       err_set(err, ERROR_INVALID_DATA,
		   "it is another CA's certificate, and there is no archived key with it");
}

void
adcs_row_free(struct adcs_row *r)
{
	store_request_free(&r->row);
	free(r->agents);
	texts_free(&r->unknown);
}
