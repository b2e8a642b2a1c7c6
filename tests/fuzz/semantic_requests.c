/*
 * Whole requests, mutated with an eye for what they mean, against the enrollment core with a real
 * directory, database and vault. Decoders that do not crash may still certify the wrong key: after
 * each request it is held that
 *
 *   a certificate is for the key that signed the PKCS#10, and if its key was archived, what the
 * KRAs open is that key; no key is certified for two principals, and nobody is certified by
 * another's request; whatever of an archived key is wrong once it is decrypted is answered alike,
 * to the letter.
 *
 * usage: semantic_requests [RUNS [SEED]]     all that happens follows from the seed, but for the
 * keys
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ca_harness.h"
#include "cmc.h"
#include "enroll.h"

#define PEOPLE  2
#define HELD    32  /* messages that somebody caught */
#define KEYS    512 /* certified ones that are remembered */
#define RUNS    400
#define SEED    1
#define PAYLOAD 6 /* kinds of payload */

static unsigned long long runs = RUNS, seed = SEED, run;
static uint64_t state;
static struct principal people[PEOPLE];
static const char *const names[PEOPLE] = {"user1", "user2"};

static EVP_PKEY *fresh[PEOPLE]; /* of this run */
static struct {
	EVP_PKEY *key;
	bool can_sign; /* its private part is still known */
	size_t owner;
} certified[KEYS];
static size_t certified_count;
static struct buf held[HELD];
static char archive_refusal[sizeof((struct err *)0)->msg];
static unsigned issued, archived, refused, not_archived;

/* ---- What the seed decides ---- */

static uint64_t
draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static bool
one_in(uint64_t n)
{
	return draw(n) == 0;
}

static void
broken(const char *rule)
{
	fail_msg("%s (run %llu: semantic_requests %llu %llu)", rule, run, run + 1, seed);
}

/* ---- Requests ---- */

static EVP_PKEY *
some_key(void)
{
	size_t i = certified_count > 0 ? draw(certified_count) : 0;

	return one_in(6) && certified[i].can_sign ? certified[i].key : fresh[draw(PEOPLE)];
}

static void
seal_bytes(struct view plain, const struct pkix_cert *to, struct buf *out)
{
	EVP_PKEY *pub = NULL;
	struct err err;

	harness_must(pkix_public_key(to->spki, &pub, &err), &err);
	const struct cms_kra recipient = {.issuer = to->issuer, .serial = to->serial, .key = pub};
	harness_must(cms_enveloped_seal(plain, &recipient, 1, CMS_AES_256_CBC, out, &err), &err);
	EVP_PKEY_free(pub);
}

/* The right payload in half of the cases; the wrong ones are wrong in what is decrypted. */
static void
make_payload(EVP_PKEY *key, EVP_PKEY *other, struct buf *out)
{
	struct ca_view *view = ca_view_get(harness.ca);
	const struct pkix_cert *xchg = &view->xchgs[0].cert;
	struct secret blob = {0};
	struct err err;
	uint8_t noise[150];

	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)draw(256);
	harness_must(keyblob_encode(key, &blob, &err), &err);
	switch (draw(2 * PAYLOAD)) {
	case 0:
		harness_seal(other, xchg, out);
		break;
	case 1:
		seal_bytes(view_of(noise, 1 + draw(sizeof noise)), xchg, out);
		break;
	case 2: /* cut */
		seal_bytes(view_of(blob.ptr, 1 + draw(blob.len - 1)), xchg, out);
		break;
	case 3: /* one bit of the key or its header */
		blob.ptr[draw(blob.len)] ^= (uint8_t)(1 << draw(8));
		seal_bytes(secret_view(&blob), xchg, out);
		break;
	case 4: /* to whom the CA is not */
		harness_seal(key, &harness.kras[0].cert, out);
		break;
	default:
		harness_seal(key, xchg, out);
	}
	secret_free(&blob);
	ca_view_release(&view);
}

/* A request put together of what two people have: keys, payloads, signatures, names. */
static void
make_request(struct buf *out)
{
	static const char *const templates[] = {"EFSArchive", "UserArchive", "User", "EFS"};
	EVP_PKEY *key = some_key(), *signer = one_in(5) ? some_key() : key;
	EVP_PKEY *sealed = one_in(5) ? some_key() : key;
	struct buf pkcs10, payload = {0};
	struct cmc_make in = {.key = signer, .template_cn = templates[draw(one_in(3) ? 4 : 2)]};
	struct err err;

	harness_must(pkix_request_make(key, (struct view){0}, NULL, &pkcs10, &err), &err);
	if (!one_in(8) && strstr(in.template_cn, "Archive") != NULL)
		make_payload(sealed, some_key(), &payload);
	in.pkcs10 = buf_view(&pkcs10);
	in.archived_key = buf_view(&payload);
	if (one_in(12))
		in.requester_name = one_in(2) ? "NWTRADERS\\user1" : "NWTRADERS\\user2";
	if (!cmc_request_make(&in, out, &err))
		*out = (struct buf){0}; /* signer's and subject's keys do not go together */
	buf_free(&pkcs10);
	buf_free(&payload);
}

/* ---- Mutations of the bytes ---- */

static void
flip(struct buf *m)
{
	m->ptr[draw(m->len)] ^= (uint8_t)(1 << draw(8));
}

/* A region of one message in the place of one of the same size in another: the structure stays
 * where both have the same, which two requests of one kind do. */
static void
graft(struct buf *m)
{
	const struct buf *from = &held[draw(HELD)];
	size_t most = from->len < m->len ? from->len : m->len, at, len;

	if (most < 2)
		return;
	at = draw(most);
	len = 1 + draw(most - at);
	memcpy(m->ptr + at, from->ptr + at, len);
}

/* The same with the part of a message that is right behind a header of DER. */
static void
graft_element(struct buf *m)
{
	const struct buf *from = &held[draw(HELD)];

	for (size_t tries = 0; tries < 200 && from->len > 300; tries++) {
		size_t at = draw(from->len - 4), len;
		const uint8_t *p = from->ptr + at, *there;

		if ((p[0] != 0x30 && p[0] != 0x04) || p[1] != 0x81)
			continue;
		len = 3 + (size_t)p[2];
		if (at + len > from->len || (there = memmem(m->ptr, m->len, p, 3)) == NULL ||
		    (size_t)(there - m->ptr) + len > m->len)
			continue;
		memcpy(m->ptr + (there - m->ptr), p, len);
		return;
	}
}

static void
cut_or_grow(struct buf *m)
{
	unsigned char first[4];
	struct err err;

	if (one_in(2)) {
		m->len = 1 + draw(m->len);
		return;
	}
	/* Apart: growing moves what would be appended. */
	memset(first, 0, sizeof first);
	memcpy(first, m->ptr, m->len < sizeof first ? m->len : sizeof first);
	harness_must(buf_append(m, view_of(first, 1 + draw(4)), &err), &err);
}

/* BER that is no DER: the outermost length in more bytes than it needs. */
static void
write_length_long(struct buf *m)
{
	struct buf longer = {0};
	struct err err;

	if (m->len < 5 || m->ptr[1] != 0x82)
		return;
	harness_must(buf_append(&longer, view_of("\x30\x83\0", 3), &err) &&
			 buf_append(&longer, view_of(m->ptr + 2, m->len - 2), &err),
	    &err);
	buf_free(m);
	*m = longer;
}

static void
mutate(struct buf *m)
{
	static void (*const ways[])(struct buf *) = {
	    flip, flip, graft, graft, graft_element, graft_element, cut_or_grow, write_length_long};

	for (uint64_t n = 1 + draw(2); n > 0 && m->len > 1; n--)
		ways[draw(sizeof ways / sizeof ways[0])](m);
}

/* ---- What must hold ---- */

static void
check_owner(EVP_PKEY *key, size_t owner)
{
	for (size_t i = 0; i < certified_count; i++)
		if (EVP_PKEY_eq(certified[i].key, key) == 1) {
			if (certified[i].owner != owner)
				broken("one key is certified for two principals");
			return;
		}
	if (certified_count == KEYS)
		return;
	for (size_t i = 0; i < PEOPLE; i++)
		if (EVP_PKEY_eq(fresh[i], key) == 1) {
			key = fresh[i];
			certified[certified_count].can_sign = true;
		}
	EVP_PKEY_up_ref(key);
	certified[certified_count].key = key;
	certified[certified_count++].owner = owner;
}

/* By OpenSSL's own reading of the request, not by ours. */
static void
check_proof(struct view message, EVP_PKEY *key)
{
	struct cmc_request r;
	X509_REQ *req;
	const uint8_t *p;
	struct err err;

	if (!cmc_request_decode(message, &r, &err))
		broken("a certificate came of what cannot be read");
	p = r.request.raw.ptr;
	req = d2i_X509_REQ(NULL, &p, (long)r.request.raw.len);
	if (req == NULL || X509_REQ_verify(req, key) != 1 ||
	    EVP_PKEY_eq(X509_REQ_get0_pubkey(req), key) != 1)
		broken("a certificate is for a key that did not sign the request");
	X509_REQ_free(req);
	cmc_request_free(&r);
}

static void
check_row(const struct enroll_result *r, EVP_PKEY *key, size_t owner)
{
	struct store_request row;
	struct err err;
	EVP_PKEY *opened;

	assert_int_equal(
	    store_get_request(harness.ca->store, r->request_id, &row, &err), STORE_FOUND);
	if (!enroll_is_requester(&people[owner], &row))
		broken("a certificate is another's than the caller's");
	if (strstr(row.template_name, "Archive") != NULL && row.raw_archived_key.len == 0)
		broken("a key that must be archived is not");
	if (row.raw_archived_key.len > 0) {
		opened = harness_unseal(buf_view(&row.raw_archived_key));
		if (opened == NULL || EVP_PKEY_eq(opened, key) != 1)
			broken("what is archived is not the key of the certificate");
		EVP_PKEY_free(opened);
		archived++;
	}
	store_request_free(&row);
}

static void
check_issued(struct view message, const struct enroll_result *r, size_t owner)
{
	const uint8_t *p = r->certificate.ptr;
	X509 *cert = d2i_X509(NULL, &p, (long)r->certificate.len);
	EVP_PKEY *key = cert != NULL ? X509_get0_pubkey(cert) : NULL;

	if (key == NULL)
		broken("a certificate without a key");
	check_proof(message, key);
	check_row(r, key, owner);
	check_owner(key, owner);
	X509_free(cert);
	issued++;
}

static void
check_refused(const struct err *why)
{
	refused++;
	if (why->code == DIRCA_E_KEY_MISMATCH || why->code == DIRCA_E_SIGNATURE_KEY)
		broken("an answer tells what is wrong inside an encrypted key");
	if (why->code == DIRCA_E_ARCHIVAL_SUSPENDED)
		broken("the budget of this test is used up");
	if (why->code != DIRCA_E_KEY_NOT_ARCHIVED)
		return;
	if (not_archived++ == 0)
		memcpy(archive_refusal, why->msg, sizeof archive_refusal);
	if (strcmp(archive_refusal, why->msg) != 0)
		broken("keys that are wrong in two ways are refused in two ways");
}

static void
submit(struct view message, size_t who)
{
	const struct enroll_input in = {.format = ENROLL_CMC,
	    .body = message,
	    .caller = &people[who],
	    .caller_name = people[who].downlevel,
	    .now = clock_now()};
	struct enroll_result r;
	struct err err;

	if (!enroll_submit(harness.ca, &harness.vault, &in, &r, &err))
		check_refused(&err);
	else if (r.disposition == DISP_ISSUED)
		check_issued(message, &r, who);
	else
		check_refused(&r.reason);
	enroll_result_free(&r);
}

/* ---- Runs ---- */

static void
one_run(void)
{
	struct buf m = {0}, *place = &held[draw(HELD)];
	struct err err;

	for (size_t i = 0; i < PEOPLE; i++)
		fresh[i] = test_key("P-256");
	if (one_in(8) && place->len > 0) { /* caught, and sent again by whoever */
		harness_must(buf_dup(buf_view(place), &m, &err), &err);
	} else {
		make_request(&m);
		if (m.len > 0) {
			buf_free(place);
			harness_must(buf_dup(buf_view(&m), place, &err), &err);
		}
	}
	if (one_in(2) && m.len > 1)
		mutate(&m);
	if (m.len > 0)
		submit(buf_view(&m), draw(PEOPLE));
	if (m.len > 0 && one_in(10)) /* the same bytes by the other */
		submit(buf_view(&m), draw(PEOPLE));
	buf_free(&m);
	for (size_t i = 0; i < PEOPLE; i++)
		EVP_PKEY_free(fresh[i]);
}

static void
no_mutated_request_gets_what_its_sender_has_not(void **unused)
{
	(void)unused;
	state = seed * 0x9e3779b97f4a7c15u + 1;
	for (run = 0; run < runs; run++)
		one_run();
	print_message("seed %llu, %llu runs: %u issued, %u of them archived, %u refused, %u for "
		      "their archived key\n",
	    seed, runs, issued, archived, refused, not_archived);
	/* Nothing is shown by a CA that refuses everything, nor by keys that are never wrong. */
	assert_true(
	    runs < RUNS || (issued > runs / 20 && archived > runs / 40 && not_archived > 0));
}

static int
start(void **unused)
{
	(void)unused;
	if (harness_open(
		"archive_failures_requester = 1000000\narchive_failures_key = 1000000\n") != 0)
		return -1;
	for (size_t i = 0; i < PEOPLE; i++)
		harness_person(names[i], &people[i]);
	return 0;
}

static int
end(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < certified_count; i++)
		EVP_PKEY_free(certified[i].key);
	for (size_t i = 0; i < HELD; i++)
		buf_free(&held[i]);
	return harness_close();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_mutated_request_gets_what_its_sender_has_not),
	};

	if (argc > 1)
		runs = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, start, end);
}
