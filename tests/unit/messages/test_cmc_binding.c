/* The control RequestBinding: the vector of docs/PROTOCOL.md, requests that hold one, and what is
 * none. */
#include "cms_support.h"

#include "cmc_control.h"
#include "der.h"
#include "file.h"
#include "text.h"

#define SENDER "S-1-5-21-1004336348-1177238915-682003330-1105"
#define MADE   1795953600 /* 2026-11-29 12:00:00 UTC */

static uint8_t hashes[2][CMC_BINDING_HASH_LEN];

static struct cmc_binding
sample(void)
{
	for (uint8_t i = 0; i < CMC_BINDING_HASH_LEN; i++) {
		hashes[0][i] = i;
		hashes[1][i] = (uint8_t)(CMC_BINDING_HASH_LEN + i);
	}
	return (struct cmc_binding){.time = MADE,
	    .ca = view_of(hashes[0], CMC_BINDING_HASH_LEN),
	    .exchange = view_of(hashes[1], CMC_BINDING_HASH_LEN),
	    .sender = view_str(SENDER)};
}

static bool
same(const struct cmc_binding *a, const struct cmc_binding *b)
{
	return a->time == b->time && view_eq(a->ca, b->ca) && view_eq(a->exchange, b->exchange) &&
	       view_eq(a->sender, b->sender);
}

/* The hex block of the page. */
static struct buf
vector(void)
{
	static const char begin[] = "```hex\n";
	struct buf page, out;
	struct err err;
	char *from, *to;

	must(file_read(SOURCE_DIR "/docs/PROTOCOL.md", 65536, &page, &err), &err);
	must(buf_append(&page, view_of("", 1), &err), &err);
	from = strstr((char *)page.ptr, begin);
	assert_non_null(from);
	from += strlen(begin);
	to = strstr(from, "```");
	assert_non_null(to);
	*to = '\0';
	for (char *p = from; *p != '\0'; p++)
		if (*p == '\n')
			*p = p[1] == '\0' ? '\0' : ' ';
	must(hex_decode(from, &out, &err), &err);
	buf_free(&page);
	return out;
}

static void
encode(const struct cmc_binding *in, struct buf *out)
{
	CMCW_BINDING *b;
	struct err err;

	must(cmc_binding_make(in, &b, &err), &err);
	must(der_encode(ASN1_ITEM_rptr(CMCW_BINDING), b, "RequestBinding", out, &err), &err);
	CMCW_BINDING_free(b);
}

/* NULL: without the control. */
static struct buf
request_with(const struct cmc_binding *binding, EVP_PKEY *key)
{
	struct buf pkcs10, out;
	struct err err;

	must(pkix_request_make(key, (struct view){0}, NULL, &pkcs10, &err), &err);
	const struct cmc_make in = {
	    .pkcs10 = buf_view(&pkcs10), .key = key, .template_cn = "User", .binding = binding};
	must(cmc_request_make(&in, &out, &err), &err);
	buf_free(&pkcs10);
	return out;
}

static void
the_vector_is_read_and_written(void **state)
{
	struct cmc_binding b = sample();
	struct buf want = vector(), have;

	(void)state;
	encode(&b, &have);
	if (!view_eq(buf_view(&have), buf_view(&want))) {
		char *hex = hex_encode(buf_view(&have), ' ');

		fail_msg("the page should say %s", hex);
	}
	buf_free(&have);
	buf_free(&want);
}

static void
a_request_holds_it_under_its_signature(void **state)
{
	struct cmc_binding b = sample();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct buf der, want = vector();
	struct cmc_request r;
	struct err err;
	uint8_t *at;

	(void)state;
	der = request_with(&b, key);
	at = memmem(der.ptr, der.len, want.ptr, want.len);
	assert_non_null(at);
	must(cmc_request_decode(buf_view(&der), &r, &err), &err);
	assert_true(r.has_binding);
	assert_true(same(&r.binding, &b));
	must(cmc_request_verify(&r, key, false, &err), &err);
	cmc_request_free(&r);
	/* The last digit of the SID. */
	at[want.len - 1] ^= 1;
	must(cmc_request_decode(buf_view(&der), &r, &err), &err);
	assert_false(cmc_request_verify(&r, key, false, &err));
	cmc_request_free(&r);
	buf_free(&der);

	b = (struct cmc_binding){.time = MADE, .ca = b.ca};
	der = request_with(&b, key);
	must(cmc_request_decode(buf_view(&der), &r, &err), &err);
	assert_true(r.has_binding);
	assert_true(same(&r.binding, &b));
	cmc_request_free(&r);
	buf_free(&der);
	der = request_with(NULL, key);
	must(cmc_request_decode(buf_view(&der), &r, &err), &err);
	assert_false(r.has_binding);
	cmc_request_free(&r);
	buf_free(&der);
	buf_free(&want);
	EVP_PKEY_free(key);
}

/* What a control with this value, `times` times, is read as. */
static bool
reads(struct view value, int times, struct err *err)
{
	STACK_OF(CMCW_CONTROL) *controls = sk_CMCW_CONTROL_new_null();
	struct cmc_request r = {0};
	CMCW_BINDING *wire = NULL;
	bool ok;

	for (int i = 0; i < times; i++) {
		CMCW_CONTROL *c = CMCW_CONTROL_new();

		ASN1_STRING_free(c->values);
		c->values = NULL;
		ASN1_OBJECT_free(c->type);
		c->type = OBJ_txt2obj(oid_dotted(OID_DIRCA_REQUEST_BINDING), 1);
		must(der_set_wrap(value, &c->values, err), err);
		assert_true(sk_CMCW_CONTROL_push(controls, c) > 0);
	}
	ok = cmc_binding_read(controls, &wire, &r, err);
	assert_int_equal(ok && times > 0, r.has_binding);
	CMCW_BINDING_free(wire);
	sk_CMCW_CONTROL_pop_free(controls, CMCW_CONTROL_free);
	return ok;
}

static void
refused(struct buf *value, int times)
{
	struct err err;

	assert_false(reads(buf_view(value), times, &err));
	assert_int_equal(err.code, ERROR_INVALID_DATA);
}

static void
what_is_not_as_the_page_says_is_refused(void **state)
{
	struct buf v = vector(), odd;
	struct cmc_binding b = sample();
	struct err err;

	(void)state;
	must(reads(buf_view(&v), 1, &err), &err);
	refused(&v, 2);
	for (size_t len = 1; len < v.len; len++) {
		struct buf cut = {.ptr = v.ptr, .len = len};

		refused(&cut, 1);
	}
	v.ptr[5] = 'x'; /* of the year */
	refused(&v, 1);
	buf_free(&v);
	v = vector();
	v.ptr[5 + 14] = '0'; /* Z */
	refused(&v, 1);
	buf_free(&v);
	b.ca.len--;
	encode(&b, &odd);
	refused(&odd, 1);
	buf_free(&odd);
	b = sample();
	b.exchange.len--;
	encode(&b, &odd);
	refused(&odd, 1);
	buf_free(&odd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_vector_is_read_and_written),
	    cmocka_unit_test(a_request_holds_it_under_its_signature),
	    cmocka_unit_test(what_is_not_as_the_page_says_is_refused),
	};
	struct err err;

	must(oids_init(&err), &err);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
