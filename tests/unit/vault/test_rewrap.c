/* Archival over the vault's socket: once for each encrypted key, within a budget. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <poll.h>

#include "cms_asn1.h"
#include "vault_lab.h"

static void
assert_rewrapped(const struct vault_rewrap *in)
{
	struct buf archived;
	struct err err;

	ASSERT_DONE(vault_rewrap(&child.front[0], in, &archived, &err));
	assert_opens(&archived, &kra1);
	buf_free(&archived);
}

static void
sent_by(const char *requester, const struct xchg *x, struct rewrap *out)
{
	rewrap_init(out, x);
	out->in.requester = view_str(requester);
}

static void
restart(void **state)
{
	stop(&child);
	start_child(state);
}

static void
encrypted_key_belongs_to_one_request(void **state)
{
	static const int bits[] = {2048, 256, 384, 521};
	struct buf other_spki;
	struct err err;

	assert_true(pkix_key_spki(kra1.key, &other_spki, &err));
	for (int i = 0; i < 4; i++) {
		struct xchg x = make_xchg(bits[i]);
		struct rewrap r;

		sent_by("victim", &x, &r);
		assert_rewrapped(&r.in);
		for (int started = 0; started < 2; started++) {
			assert_rewrapped(&r.in); /* the same again */
			r.in.requester = view_str("attacker");
			assert_not_rewrapped(&r.in, DIRCA_E_KEY_NOT_ARCHIVED);
			r.in.requester = view_str("victim");
			r.in.spki = buf_view(&other_spki);
			assert_not_rewrapped(&r.in, DIRCA_E_KEY_NOT_ARCHIVED);
			r.in.spki = buf_view(&r.spki);
			r.payload.ptr[r.payload.len - 1] ^= 1;
			assert_not_rewrapped(&r.in, DIRCA_E_KEY_NOT_ARCHIVED);
			r.payload.ptr[r.payload.len - 1] ^= 1;
			restart(state);
		}
		rewrap_free(&r);
		test_cert_free(&x.cert);
	}
	buf_free(&other_spki);
}

/* Of a message to two, each other way to send the recipient that is opened. */
static void
other_recipients_do_not_make_another_key(void **state)
{
	struct xchg x = make_xchg(2048), y = make_xchg(2048);
	struct cms_kra to[] = {test_recipient(&x.cert), test_recipient(&y.cert)};
	struct rewrap r;
	struct secret blob;
	struct err err;
	CMSW_ENVELOPED *message;
	const unsigned char *p;
	unsigned char *der = NULL;
	int len;

	sent_by("user1", &x, &r);
	(void)state;
	assert_true(keyblob_encode(user_key, &blob, &err));
	buf_free(&r.payload);
	assert_true(
	    cms_enveloped_seal(secret_view(&blob), to, 2, CMS_AES_256_CBC, &r.payload, &err));
	r.in.payload = buf_view(&r.payload);
	assert_rewrapped(&r.in);
	p = r.payload.ptr;
	assert_non_null(message = d2i_CMSW_ENVELOPED(NULL, &p, (long)r.payload.len));
	ASN1_TYPE_free(sk_ASN1_TYPE_pop(message->data->recipients));
	assert_true((len = i2d_CMSW_ENVELOPED(message, &der)) > 0);
	r.in.payload = view_of(der, (size_t)len);
	assert_not_rewrapped(&r.in, DIRCA_E_KEY_NOT_ARCHIVED);
	OPENSSL_free(der);
	CMSW_ENVELOPED_free(message);
	secret_free(&blob);
	rewrap_free(&r);
	test_cert_free(&x.cert);
	test_cert_free(&y.cert);
}

static void
failed_key_is_not_opened_again(void **state)
{
	struct xchg x = make_xchg(256);
	struct rewrap r;
	char *hex = hex_encode(view_of(x.id, VAULT_ID_LEN), '\0'),
	     *path = text_printf("%s/xchg-%s.opened", vault_dir, hex);
	struct stat before, after;

	sent_by("user1", &x, &r);
	r.payload.ptr[r.payload.len - 1] ^= 1;
	assert_not_rewrapped(&r.in, DIRCA_E_KEY_NOT_ARCHIVED);
	assert_int_equal(stat(path, &before), 0);
	for (int started = 0; started < 2; started++) {
		assert_not_rewrapped(&r.in, DIRCA_E_KEY_NOT_ARCHIVED);
		r.payload.ptr[r.payload.len - 1] ^= 1; /* right now, and too late */
		assert_not_rewrapped(&r.in, DIRCA_E_KEY_NOT_ARCHIVED);
		r.payload.ptr[r.payload.len - 1] ^= 1;
		restart(state);
	}
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	rewrap_free(&r);
	test_cert_free(&x.cert);
	free(hex);
	free(path);
}

/* What root says, not the front, which has nothing to say it with. */
static void
pkcs8_is_taken_where_root_says_so(void **state)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(user_key);
	unsigned char *der = NULL;
	int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);

	for (int allowed = 0; allowed < 2; allowed++) {
		struct rewrap r;
		struct xchg x;

		stop(&child);
		lab_pkcs8 = allowed == 1;
		start_child(state);
		x = make_xchg(256);
		sent_by("user1", &x, &r);
		buf_free(&r.payload);
		test_payload(view_of(der, (size_t)len), &x.cert, CMS_AES_256_CBC, &r.payload);
		r.in.payload = buf_view(&r.payload);
		if (lab_pkcs8)
			assert_rewrapped(&r.in);
		else
			assert_not_rewrapped(&r.in, DIRCA_E_KEY_NOT_ARCHIVED);
		rewrap_free(&r);
		test_cert_free(&x.cert);
	}
	lab_pkcs8 = false;
	OPENSSL_free(der);
	PKCS8_PRIV_KEY_INFO_free(info);
}

static void
send_wrong(const char *requester, const struct xchg *x, enum err_code code)
{
	struct rewrap r;

	sent_by(requester, x, &r);
	r.payload.ptr[r.payload.len - 1] ^= 1;
	assert_not_rewrapped(&r.in, code);
	rewrap_free(&r);
}

static void
send_right(const char *requester, const struct xchg *x)
{
	struct rewrap r;

	sent_by(requester, x, &r);
	assert_rewrapped(&r.in);
	rewrap_free(&r);
}

/* The lab suspends for a second. */
static void
requester_of_many_wrong_keys_is_suspended(void **state)
{
	struct xchg x;
	struct rewrap r;

	(void)state;
	stop(&child);
	lab_failures_requester = 5;
	start_child(state);
	x = make_xchg(256);
	for (int i = 0; i < 5; i++)
		send_wrong("attacker", &x, DIRCA_E_KEY_NOT_ARCHIVED);
	send_wrong("attacker", &x, DIRCA_E_ARCHIVAL_SUSPENDED);
	sent_by("attacker", &x, &r);
	assert_not_rewrapped(&r.in, DIRCA_E_ARCHIVAL_SUSPENDED);
	send_right("user1", &x);
	poll(NULL, 0, 1100);
	assert_rewrapped(&r.in);
	rewrap_free(&r);
	test_cert_free(&x.cert);
	lab_failures_requester = 1000;
}

static size_t
listed(const struct xchg *x)
{
	struct buf list[VAULT_XCHG_MAX];
	size_t count, found = 0;
	struct err err;

	ASSERT_DONE(vault_xchg_list(&child.front[0], list, &count, &err));
	while (count > 0) {
		found += view_eq(buf_view(&list[count - 1]), buf_view(&x->cert.der));
		buf_free(&list[--count]);
	}
	return found;
}

/* Whoever a broken front says that sends them. */
static void
exchange_key_of_many_wrong_keys_is_retired(void **state)
{
	struct xchg x, other;
	struct rewrap r;
	char who[16];

	stop(&child);
	lab_failures_key = 7;
	start_child(state);
	x = make_xchg(256);
	other = make_xchg(256);
	for (int i = 0; i < 7; i++) {
		assert_int_equal(listed(&x), 1);
		snprintf(who, sizeof who, "S-%d", i);
		send_wrong(who, &x, DIRCA_E_KEY_NOT_ARCHIVED);
	}
	sent_by("user1", &x, &r);
	for (int started = 0; started < 2; started++) {
		assert_int_equal(listed(&x), 0);
		assert_not_rewrapped(&r.in, DIRCA_E_XCHG_CERT);
		send_right("user1", &other);
		restart(state);
	}
	rewrap_free(&r);
	test_cert_free(&x.cert);
	test_cert_free(&other.cert);
	lab_failures_key = 1000;
}

static void
overlong_requester_is_refused(void **state)
{
	static const char name[257];
	struct xchg x = make_xchg(256);
	struct rewrap r;

	sent_by("user1", &x, &r);
	(void)state;
	r.in.requester = view_of(name, sizeof name);
	assert_not_rewrapped(&r.in, E_INVALIDARG);
	r.in.requester = view_of(name, 256);
	assert_rewrapped(&r.in);
	rewrap_free(&r);
	test_cert_free(&x.cert);
}

int
main(void)
{
#define WITH_CHILD(test) cmocka_unit_test_setup_teardown(test, start_child, stop_child)
	const struct CMUnitTest tests[] = {
	    WITH_CHILD(encrypted_key_belongs_to_one_request),
	    WITH_CHILD(other_recipients_do_not_make_another_key),
	    WITH_CHILD(failed_key_is_not_opened_again),
	    WITH_CHILD(pkcs8_is_taken_where_root_says_so),
	    WITH_CHILD(requester_of_many_wrong_keys_is_suspended),
	    WITH_CHILD(exchange_key_of_many_wrong_keys_is_retired),
	    WITH_CHILD(overlong_requester_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
