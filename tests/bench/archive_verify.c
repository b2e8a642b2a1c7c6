/*
 * archive_verify DATABASE PASSWORD_FILE KRA.pfx...: every archived key of a stopped CA is opened by
 * every key recovery agent that it is sealed to, and is the one of the row's certificate. Prints
 * how many keys there are and how often one was opened.
 */
#include <stdio.h>
#include <stdlib.h>

#include "archive.h"
#include "file.h"
#include "mem.h"
#include "oids.h"
#include "own_openssl.h"
#include "pfx.h"
#include "plain.h"
#include "store.h"

#define PAGE    1000
#define PFX_MAX (1 << 20)

struct agent {
	struct pfx pfx;
	struct pkix_cert cert;
};

struct verify {
	struct store *store;
	struct agent *agents;
	size_t agent_count, keys, opened;
};

static bool
read_agent(const char *path, const struct secret *password, struct agent *out, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};

	return (file_read(path, PFX_MAX, &der, err) &&
		   pfx_decode(buf_view(&der), password, &out->pfx, err) &&
		   pkix_cert_decode(buf_view(&out->pfx.certificate), &out->cert, err)) ||
	       err_prefix(err, "%s", path);
}

static const struct agent *
agent_of(const struct verify *v, const struct cms_recipient *r)
{
	for (size_t i = 0; i < v->agent_count; i++)
		if (cms_recipient_is(r, v->agents[i].cert.issuer, v->agents[i].cert.serial))
			return &v->agents[i];
	return NULL;
}

static bool
open_by(const struct cms_enveloped *e, size_t i, EVP_PKEY *agent, EVP_PKEY *public, struct err *err)
{
	OWNED(secret_free) struct secret blob = {0};
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	return cms_enveloped_open(e, i, agent, &blob, err) &&
	       keyblob_decode(secret_view(&blob), &key, err) &&
	       archive_key_matches(key, public, err);
}

static bool
verify_key(struct verify *v, const struct store_request *row, struct err *err)
{
	OWNED(cms_enveloped_free) struct cms_enveloped e = {0};
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(own_pkey) EVP_PKEY *public = NULL;

	if (!cms_sealed_decode(buf_view(&row->raw_archived_key), &e, err) ||
	    !pkix_cert_decode(buf_view(&row->raw_certificate), &cert, err) ||
	    !pkix_public_key(cert.spki, &public, err))
		return false;
	for (size_t i = 0; i < e.count; i++) {
		const struct agent *a = agent_of(v, &e.recipients[i]);

		if (a == NULL)
			return err_set(err, CRYPT_E_NOT_FOUND, "sealed to somebody else");
		if (!open_by(&e, i, a->pfx.key, public, err))
			return false;
		v->opened++;
	}
	v->keys++;
	return e.count > 0 || err_set(err, CRYPT_E_NOT_FOUND, "sealed to nobody");
}

static bool
verify_row(struct verify *v, int64_t id, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};

	return (store_get_request(v->store, id, &row, err) == STORE_FOUND &&
		   verify_key(v, &row, err)) ||
	       err_prefix(err, "request %lld", (long long)id);
}

static bool
verify_all(struct verify *v, struct err *err)
{
	struct store_filter f = {.limit = PAGE};

	for (bool more = true; more;) {
		OWNED(store_requests_free) struct store_requests rows = {0};

		if (!store_list_requests(v->store, &f, &rows, err))
			return false;
		for (size_t i = 0; i < rows.count; i++) {
			f.after_id = rows.list[i].request_id;
			if (rows.list[i].has_archived_key && !verify_row(v, f.after_id, err))
				return false;
		}
		more = rows.count == PAGE;
	}
	return true;
}

static bool
run(struct verify *v, char **argv, struct err *err)
{
	OWNED(secret_free) struct secret password = {0};

	if (!oids_init(err) || !secret_read_file(argv[2], &password, err))
		return false;
	for (size_t i = 0; i < v->agent_count; i++)
		if (!read_agent(argv[3 + i], &password, &v->agents[i], err))
			return false;
	return store_open(argv[1], &v->store, err) && verify_all(v, err);
}

int
main(int argc, char **argv)
{
	struct verify v = {0};
	struct err err;
	bool ok;

	if (argc < 4) {
		fprintf(stderr, "usage: archive_verify DATABASE PASSWORD_FILE KRA.pfx...\n");
		return 2;
	}
	v.agent_count = (size_t)argc - 3;
	v.agents = mem_zero(v.agent_count, sizeof *v.agents);
	ok = secret_heap_init(1 << 20, true, &err) && run(&v, argv, &err);
	if (v.store != NULL)
		store_close(&v.store);
	for (size_t i = 0; i < v.agent_count; i++) {
		pkix_cert_free(&v.agents[i].cert);
		pfx_free(&v.agents[i].pfx);
	}
	free(v.agents);
	if (!ok) {
		fprintf(stderr, "archive_verify: %s\n", err.msg);
		return 1;
	}
	printf("%zu archived keys, opened %zu times\n", v.keys, v.opened);
	return 0;
}
