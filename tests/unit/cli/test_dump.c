/* dirca dump: all that the paper's listing of a request and a response shows (appendix A) is shown,
 * by name where it has one; what is damaged is shown as far as it goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../messages/messages_support.h"

#include "dump_listing.h"
#include "dump_types.h"
#include "file.h"
#include "mem.h"
#include "oids.h"
#include "own_openssl.h"
#include "text.h"

static int
setup(void **state)
{
	struct err err;

	(void)state;
	return secret_heap_init(1 << 18, true, &err) && oids_init(&err) ? 0 : -1;
}

static struct buf
fixture(const char *name)
{
	char *path = text_printf(FIXTURES "/cmc/%s", name);
	struct buf b;
	struct err err;

	if (!file_read(path, 1 << 20, &b, &err))
		fail_msg("%s", err.msg);
	free(path);
	return b;
}

static char *
listing_of(struct view der)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	assert_non_null(to);
	dump_listing(to, der);
	fclose(to);
	return text;
}

/* Without blanks and ends of lines, between which long octets are cut. */
static char *
squeezed(const char *text)
{
	char *out = mem_text(text), *to = out;

	for (const char *p = text; *p != '\0'; p++)
		if (*p != ' ' && *p != '\n')
			*to++ = *p;
	*to = '\0';
	return out;
}

/* "oid contentType 1.2.840...", "number 100", "text ...", "hex ..." */
static bool
shows(const char *listing, const char *octets, char *leaf)
{
	char *value = strchr(leaf, ' ') + 1, *wanted, *number;
	bool found;

	if (strncmp(leaf, "hex ", 4) == 0)
		return strstr(octets, value) != NULL;
	if (strncmp(leaf, "oid ", 4) != 0)
		wanted = text_printf(strncmp(leaf, "number ", 7) == 0 ? " : %s\n" : "'%s'", value);
	else if ((number = strchr(value, ' ')) == NULL)
		wanted = text_printf("[%s]", value);
	else
		wanted = text_printf("%.*s [%s]", (int)(number - value), value, number + 1);
	found = strstr(listing, wanted) != NULL;
	free(wanted);
	return found;
}

static void
every_leaf_of_the_paper_is_listed(void **state)
{
	static const char *const files[][2] = {
	    {"cmc-request.der", "request.leaves"}, {"cmc-response.der", "response.leaves"}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct buf der = fixture(files[i][0]), leaves = fixture(files[i][1]);
		char *listing = listing_of(buf_view(&der)), *octets = squeezed(listing);
		char *text = mem_text_n(leaves.ptr, leaves.len), *rest = text, *leaf;
		size_t count = 0;

		while ((leaf = strsep(&rest, "\n")) != NULL)
			if (*leaf != '\0') {
				count++;
				if (!shows(listing, octets, leaf))
					fail_msg("%s: %s", files[i][0], leaf);
			}
		assert_true(count > 60);
		free(text);
		free(octets);
		free(listing);
		buf_free(&leaves);
		buf_free(&der);
	}
}

static json_t *
dumped(const char *name, const char *type)
{
	static const struct key_passwords none;
	struct buf der = fixture(name);
	struct err err;
	json_t *out = dump_as(type, buf_view(&der), buf_view(&der), &none, &err);

	if (out == NULL)
		fail_msg("%s: %s", name, err.msg);
	buf_free(&der);
	return out;
}

/* The value of the attribute or extension of that name in a list of them. */
static const json_t *
named(const json_t *list, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one) if (strcmp(json_string_value(json_object_get(one, "name")),
						 name) == 0) return json_object_get(one, "value");
	fail_msg("no %s", name);
	return NULL;
}

static void
is(const json_t *object, const char *member, const char *wanted)
{
	const json_t *value = json_object_get(object, member);

	if (!json_is_string(value) || strcmp(json_string_value(value), wanted) != 0)
		fail_msg("%s: %s", member, json_is_string(value) ? json_string_value(value) : "?");
}

static void
fields_of_the_request_have_names(void **state)
{
	json_t *r = dumped("cmc-request.der", "auto");
	const json_t *signer = json_array_get(json_object_get(r, "signers"), 0),
		     *pkcs10 = json_object_get(r, "pkcs10"),
		     *attributes = json_object_get(pkcs10, "attributes"), *key, *info;

	(void)state;
	is(r, "type", "CMC full PKI request");
	is(r, "encrypted_key_hash", "9231e6c0b87445190ea2ca934b2807ff7993c59f");
	is(r, "signatures_and_hashes", "good");
	is(signer, "key_identifier", "8192563ac431f8820c54c9d0984fd8c534639ecc");
	is(signer, "digest_algorithm", "sha1 [1.3.14.3.2.26]");
	is(signer, "signature_algorithm", "rsaEncryption [1.2.840.113549.1.1.1]");
	info = named(json_object_get(signer, "signed_attributes"), "requestClientInfo");
	is(info, "machine", "dcross-stress.contoso.com");
	is(info, "user", "CONTOSO0\\avibm");
	is(info, "process", "certreq");
	key = named(json_object_get(signer, "unsigned_attributes"), "archivedKeyAttr");
	is(key, "content", "EnvelopedData, DES-EDE3-CBC");
	is(json_array_get(json_object_get(key, "recipients"), 0), "serial_number",
	    "18d0100d00000000005b");
	is(pkcs10, "subject", "CN=Test Subject");
	assert_string_equal(json_string_value(named(attributes, "osVersion")), "5.2.3790.2");
	is(named(attributes, "enrollmentCspProvider"), "provider",
	    "Microsoft Strong Cryptographic Provider");
	key = named(attributes, "extensionReq");
	assert_string_equal(json_string_value(named(key, "keyUsage")), "Key Encipherment");
	assert_int_equal(
	    json_integer_value(json_object_get(named(key, "certificateTemplate"), "major_version")),
	    100);
	assert_string_equal(json_string_value(json_array_get(json_object_get(r, "reg_info"), 0)),
	    "CertificateTemplate = ArchiveTestBasicEFS");
	json_decref(r);
}

static void
fields_of_the_response_have_names(void **state)
{
	json_t *r = dumped("cmc-response.der", "auto");
	const json_t *certificates = json_object_get(r, "certificates"),
		     *user = json_array_get(certificates, 1);

	(void)state;
	is(r, "status_text", "Issued");
	is(r, "issued_certificate_hash", "de73d68a50323310a01eeddf66188213dc9cd490");
	is(json_array_get(json_object_get(r, "signers"), 0), "serial_number",
	    "172b1fb96bbbf2ba49a64ebea41833ef");
	assert_int_equal(json_array_size(certificates), 2);
	is(user, "subject", "CN=Avi Ben-Menahem, CN=Users, DC=contoso, DC=com");
	is(user, "subject_alternative_name", "UPN:avibm@contoso.com");
	is(user, "signature_algorithm", "sha1withRSAEncryption [1.2.840.113549.1.1.5]");
	json_decref(r);
}

/* Who signed beside the requester, as `dirca request show` tells an officer before he approves. */
static void
each_signer_is_shown(void **state)
{
	static const struct key_passwords none;
	OWNED(buf_free) struct buf der = {0};
	char dir[64], *path;
	struct err err;
	json_t *r, *signers;

	(void)state;
	support_temp_dir(dir);
	assert_int_equal(
	    support_run(dir,
		"exec 2>err; openssl req -x509 -newkey rsa:2048 -nodes -keyout key "
		"-out agent -days 9 -subj /CN=Agent -set_serial 0x4711 && openssl cms -resign "
		"-inform DER -in " FIXTURES "/cmc/cmc-request.der -signer agent -inkey key "
		"-md sha1 -outform DER -out two"),
	    0);
	path = text_printf("%s/two", dir);
	assert_true(file_read(path, 1 << 20, &der, &err));
	r = dump_as("auto", buf_view(&der), buf_view(&der), &none, &err);
	signers = json_object_get(r, "signers");
	assert_int_equal(json_array_size(signers), 2);
	for (size_t i = 0; i < 2; i++) {
		json_t *signer = json_array_get(signers, i);

		if (json_object_get(signer, "key_identifier") != NULL)
			continue; /* the requester, by his new key */
		is(signer, "issuer", "CN=Agent");
		is(signer, "serial_number", "4711");
		json_object_del(r, "signers");
		break;
	}
	assert_null(json_object_get(r, "signers"));
	is(r, "signatures_and_hashes", "good");
	json_decref(r);
	free(path);
	support_remove(dir);
}

/* What no signature covers: digestAlgorithms, and how the signer is named. */
#define SIGNED_FROM  63
#define SIGNER_FROM  1316
#define SIGNER_UNTIL 1363

/* A message in which an octet was changed is BAD, or none. */
static void
tampered_requests_are_bad(void **state)
{
	static const struct key_passwords none;
	struct buf der = fixture("cmc-request.der");
	size_t bad = 0;

	(void)state;
	for (size_t i = 63; i < der.len;
	     i += 7) { /* before: digestAlgorithms, which nobody signs */
		struct err err;
		json_t *out;

		if (i >= SIGNER_FROM && i < SIGNER_UNTIL)
			continue;
		der.ptr[i] ^= 1;
		out = dump_as("request", buf_view(&der), buf_view(&der), &none, &err);
		if (out != NULL) {
			const char *said =
			    json_string_value(json_object_get(out, "signatures_and_hashes"));

			assert_true(said == NULL || strncmp(said, "BAD", 3) == 0);
			bad++;
		}
		json_decref(out);
		der.ptr[i] ^= 1;
	}
	assert_true(bad > 50);
	buf_free(&der);
}

static void
listing_ends_where_the_der_does(void **state)
{
	struct buf der = fixture("cmc-response.der");
	uint8_t deep[600];

	(void)state;
	for (size_t len = 0; len < der.len; len += 3)
		free(listing_of(view_of(der.ptr, len)));
	for (size_t i = 0; i < der.len; i += 5) {
		der.ptr[i] ^= 0xff;
		free(listing_of(buf_view(&der)));
		der.ptr[i] ^= 0xff;
	}
	/* SEQUENCEs of indefinite length, and of more than there is */
	memset(deep, 0x30, sizeof deep);
	free(listing_of(view_of(deep, sizeof deep)));
	for (size_t i = 1; i < sizeof deep; i += 2)
		deep[i] = 0x80;
	free(listing_of(view_of(deep, sizeof deep)));
	buf_free(&der);
}

/* A request of openssl, and cut at every length it is none. */
static void
questions_of_ocsp_are_told(void **state)
{
	const struct key_passwords none = {0};
	struct buf b;
	struct err err;
	json_t *told;

	(void)state;
	assert_true(file_read(FIXTURES "/../fuzz/corpus/ocsp/sha256_nonce.der", 4096, &b, &err));
	told = dump_as("auto", buf_view(&b), buf_view(&b), &none, &err);
	assert_non_null(told);
	assert_string_equal(json_string_value(json_object_get(told, "type")), "OCSP request");
	assert_non_null(json_object_get(told, "nonce"));
	assert_int_equal(json_array_size(json_object_get(told, "questions")), 2);
	json_decref(told);
	for (size_t len = 0; len < b.len; len++) {
		assert_null(
		    dump_as("ocsp-request", view_of(b.ptr, len), view_of(b.ptr, len), &none, &err));
		assert_null(dump_as(
		    "ocsp-response", view_of(b.ptr, len), view_of(b.ptr, len), &none, &err));
	}
	assert_null(dump_as("ocsp-response", buf_view(&b), buf_view(&b), &none, &err));
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(questions_of_ocsp_are_told),
	    cmocka_unit_test(every_leaf_of_the_paper_is_listed),
	    cmocka_unit_test(fields_of_the_request_have_names),
	    cmocka_unit_test(fields_of_the_response_have_names),
	    cmocka_unit_test(each_signer_is_shown),
	    cmocka_unit_test(tampered_requests_are_bad),
	    cmocka_unit_test(listing_ends_where_the_der_does),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
