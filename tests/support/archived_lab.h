/*
 * An archived key of user1 in the database of a whole CA (certify.h), made with the CA's own parts
 * (plan, vault, certificate, store), as an enrollment does. Header only; each test program has its
 * own.
 */
#ifndef SUPPORT_ARCHIVED_LAB_H
#define SUPPORT_ARCHIVED_LAB_H

#include "certify.h"
#include "mem.h"
#include "recover.h"

static struct principal user1, officer1, officer2, auditor, caadmin;

/* One certificate of user1 with an archived key. */
static struct {
	EVP_PKEY *key;
	char serial[64], hash[41];
	int64_t id;
} archived;

struct seed {
	struct store_request row;
	int64_t id;
};

static inline bool
store_seed(struct store_tx *tx, void *arg, struct err *err)
{
	struct seed *s = arg;

	return store_add_request(tx, &s->row, &s->id, err);
}

static inline char *
copy(const char *text)
{
	char *s = strdup(text);

	assert_non_null(s);
	return s;
}

static inline void
seal_to_kras(EVP_PKEY *key, struct view spki, struct store_request *row)
{
	struct ca_view *view = ca_view_get(harness.ca);
	struct vault_rewrap in = {.spki = spki, .kra_count = 2, .cipher = CMS_AES_256_CBC};
	uint8_t hashes[2][32];
	struct buf payload;
	struct err err;

	harness_seal(key, &view->xchgs[0].cert, &payload);
	in.payload = buf_view(&payload);
	in.xchg_issuer = view->xchgs[0].cert.issuer;
	in.xchg_serial = view->xchgs[0].cert.serial;
	memcpy(in.xchg_id, view->xchgs[0].id, sizeof in.xchg_id);
	memcpy(hashes[0], harness.kras[0].cert.sha256, 32);
	memcpy(hashes[1], harness.kras[2].cert.sha256, 32);
	in.kra_sha256 = (const uint8_t(*)[32])hashes;
	harness_must(vault_rewrap(&harness.vault, &in, &row->raw_archived_key, &err), &err);
	char *a = hex_encode(view_of(harness.kras[0].cert.sha1, 20), ' '),
	     *b = hex_encode(view_of(harness.kras[2].cert.sha1, 20), ' ');
	row->key_recovery_hashes = text_printf("%s\n%s", a, b);
	free(a);
	free(b);
	buf_free(&payload);
	ca_view_release(&view);
}

static inline void
make_archived(void)
{
	struct ca_view *view = ca_view_get(harness.ca);
	const struct issue_request request = {
	    .key_algorithm = "RSA", .key_bits = 2048, .has_archived_key = true};
	const struct issue_limits limits = {clock_now(), 600, harness.ca->issuer->cert.not_after};
	struct seed s = {.row = {.disposition = DISP_ISSUED, .revoked_reason = -1}};
	struct buf spki, certificate;
	struct issue_plan plan;
	char sid[SID_TEXT_MAX];
	struct err err;

	archived.key = test_key("rsa2048");
	harness_must(pkix_key_spki(archived.key, &spki, &err), &err);
	harness_must(issue_plan_make(ca_view_template(view, "EFSArchive"), &user1, &request,
			 &limits, &plan, &err),
	    &err);
	harness_must(certify(&plan, buf_view(&spki), &certificate, &err), &err);
	harness_must(
	    certificate_columns(harness.ca->issuer, buf_view(&certificate), &s.row, &err), &err);
	seal_to_kras(archived.key, buf_view(&spki), &s.row);
	sid_to_text(&user1.sid, sid);
	s.row.requester_sid = copy(sid);
	harness_must(sids_encode(&user1.sids, &s.row.requester_sids, &err), &err);
	s.row.requester_name = copy(user1.downlevel);
	s.row.requester_dn = copy(user1.dn);
	s.row.template_name = copy("EFSArchive");
	harness_must(store_do(harness.ca->store, store_seed, &s, &err), &err);
	archived.id = s.id;
	snprintf(archived.serial, sizeof archived.serial, "%s", s.row.serial_number);
	char *hash = hex_encode(buf_view(&s.row.certificate_hash), '\0');
	snprintf(archived.hash, sizeof archived.hash, "%s", hash);
	free(hash);
	issue_plan_free(&plan);
	store_request_free(&s.row);
	buf_free(&spki);
	buf_free(&certificate);
	ca_view_release(&view);
}

/* Anybody but the CA itself, with its database. */
static inline void
sqlite(const char *sql)
{
	char command[512];

	snprintf(command, sizeof command, "sqlite3 -cmd '.timeout 5000' '%s/state/dirca.db' \"%s\"",
	    harness.dir, sql);
	assert_int_equal(system(command), 0);
}

#endif
