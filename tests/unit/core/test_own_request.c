/*
 * Nobody decides about himself: who counts as oneself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "oids.h"
#include "own_request.h"

#define OWN_SID   "S-1-5-21-1-2-3-1111"
#define OLD_SID   "S-1-5-21-9-9-9-500"
#define OTHER_SID "S-1-5-21-1-2-3-1112"

static struct config config;
static const struct ca ca = {.config = &config};

static char name[] = "NWTRADERS\\officer1", upn[] = "officer1@nwtraders.com",
	    dn[] = "CN=officer1,CN=Users,DC=nwtraders,DC=com", cn[] = "officer1",
	    mail[] = "officer1@mail.nwtraders.com", second[] = "officer1@second.example",
	    *mails[] = {mail, second}, other_name[] = "NWTRADERS\\user1", own_sid[] = OWN_SID,
	    old_sid[] = OLD_SID, other_sid[] = OTHER_SID;

static char imported_names[][64] = {"imported: NWTRADERS\\OFFICER1",
    "imported: officer1@nwtraders.com", "imported: officer1@mail.nwtraders.com",
    "imported: Officer1", "imported: NWTRADERS\\user1",
    "officer1 imported: ", "imported: officer1@nwtraders.co\uff4d", "imported: \uff4fFFICER1",
    "imported: offi\u00adcer1"};

/* What a directory takes for the same, and the eye does. */
static char wide_name[] = "NWTRADERS\\\uff4f\uff46ficer1",
	    wide_upn[] = "officer1@nwtraders.co\uff4d",
	    label_upn[] = "officer1@xn--mller-kva.example", kelvin_upn[] = "\u212aim@nwtraders.com";

static struct principal
officer(void)
{
	struct principal p = {.downlevel = name,
	    .upn = upn,
	    .dn = dn,
	    .cn = cn,
	    .mails = {mails, 2},
	    .has_sid = true};
	struct sid old;
	struct err err;

	assert_true(sid_from_text(OWN_SID, &p.sid));
	assert_true(sid_from_text(OLD_SID, &old));
	assert_true(sids_add(&p.sids, &p.sid, &err) && sids_add(&p.sids, &old, &err));
	return p;
}

static void
assert_verdict(bool ok, bool own, const struct err *err)
{
	assert_int_equal(ok, !own);
	if (own)
		assert_int_equal(err->code, DIRCA_E_OWN_REQUEST);
}

static void
row_is_own_by_sid_and_without_one_by_name(void **state)
{
	static const struct {
		char *sid, *requester, *caller, *upn;
		uint32_t flags;
		bool own;
	} rows[] = {
	    {own_sid, other_name, NULL, NULL, 0, true}, /* renamed since */
	    {old_sid, other_name, NULL, NULL, 0, true}, /* sIDHistory */
	    {other_sid, name, NULL, NULL, 0, false},    /* the name was another's */
	    {NULL, name, NULL, NULL, 0, true},
	    {NULL, other_name, NULL, NULL, 0, false},
	    {other_sid, other_name, name, NULL, CR_FLG_ENROLLONBEHALFOF, true},
	    {other_sid, other_name, name, NULL, 0, false}, /* the name that a client gives */
	    {other_sid, other_name, other_name, upn, 0, true},
	    {other_sid, other_name, other_name, mail, 0, false},
	    {other_sid, other_name, other_name, NULL, CR_FLG_ENROLLONBEHALFOF, false},
	    /* imported, of somebody whom the directory did not know */
	    {NULL, imported_names[0], other_name, NULL, 0, true},
	    {NULL, imported_names[1], other_name, NULL, 0, true},
	    {NULL, imported_names[2], other_name, NULL, 0, true},
	    {NULL, imported_names[3], other_name, NULL, 0, true},
	    {NULL, imported_names[4], name, NULL, 0, false},
	    {NULL, imported_names[5], name, NULL, 0, false},
	    {other_sid, imported_names[0], other_name, NULL, 0, false},
	    /* other spellings of a name are no way round */
	    {NULL, wide_name, NULL, NULL, 0, true},
	    {other_sid, wide_name, NULL, NULL, 0, false},
	    {other_sid, other_name, other_name, wide_upn, 0, true},
	    {other_sid, other_name, other_name, kelvin_upn, 0, false},
	    {NULL, imported_names[6], other_name, NULL, 0, true},
	    {NULL, imported_names[7], other_name, NULL, 0, true},
	    {NULL, imported_names[8], other_name, NULL, 0, true},
	};
	struct principal p = officer();
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct store_request row = {.requester_sid = rows[i].sid,
		    .requester_name = rows[i].requester,
		    .caller_name = rows[i].caller,
		    .upn = rows[i].upn,
		    .request_flags = rows[i].flags};

		config.allow_own_requests = false;
		assert_verdict(own_check_row(&ca, &p, &row, &err), rows[i].own, &err);
		config.allow_own_requests = true;
		assert_true(own_check_row(&ca, &p, &row, &err));
	}
	config.allow_own_requests = false;
	p.has_sid = false;
	const struct store_request with_sid = {.requester_sid = other_sid, .requester_name = name};
	assert_verdict(own_check_row(&ca, &p, &with_sid, &err), true, &err);
	sids_free(&p.sids);
}

/* A host has two spellings, and a certificate may hold either. */
static void
a_label_of_a_host_is_no_way_round(void **state)
{
	static char own_upn[] = "officer1@M\u00fcller.example";
	const struct store_request row = {
	    .requester_sid = other_sid, .requester_name = other_name, .upn = label_upn};
	struct principal p = officer();
	struct err err;

	(void)state;
	assert_verdict(own_check_row(&ca, &p, &row, &err), false, &err);
	p.upn = own_upn;
	assert_verdict(own_check_row(&ca, &p, &row, &err), true, &err);
	sids_free(&p.sids);
}

static void
person_is_the_same_by_sid_and_without_one_by_dn(void **state)
{
	static char upper[] = "cn=OFFICER1,cn=users,dc=nwtraders,dc=com", other_dn[] = "CN=user1";
	struct principal p = officer(), other = {.dn = dn, .has_sid = true};
	struct err err;

	(void)state;
	assert_true(sid_from_text(OTHER_SID, &other.sid));
	assert_verdict(own_check_person(&ca, &p, &other, &err), false, &err);
	other.sid = p.sid;
	other.dn = other_dn;
	assert_verdict(own_check_person(&ca, &p, &other, &err), true, &err);
	other.has_sid = false;
	assert_verdict(own_check_person(&ca, &p, &other, &err), false, &err);
	other.dn = upper;
	assert_verdict(own_check_person(&ca, &p, &other, &err), true, &err);
	config.allow_own_requests = true;
	assert_true(own_check_person(&ca, &p, &other, &err));
	config.allow_own_requests = false;
	sids_free(&p.sids);
}

/* GeneralNames of one otherName (UPN), one rfc822Name, and the value of extension 25.2, each as a
 * short form. */
static struct view
san_upn(const char *text, uint8_t *out)
{
	static const uint8_t oid[] = {
	    0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02, 0x03};
	size_t len = strlen(text), at = 0;

	out[at++] = 0x30;
	out[at++] = (uint8_t)(len + sizeof oid + 6);
	out[at++] = 0xa0;
	out[at++] = (uint8_t)(len + sizeof oid + 4);
	memcpy(out + at, oid, sizeof oid);
	at += sizeof oid;
	out[at++] = 0xa0;
	out[at++] = (uint8_t)(len + 2);
	out[at++] = 0x0c;
	out[at++] = (uint8_t)len;
	memcpy(out + at, text, len);
	return view_of(out, at + len);
}

static struct view
san_email(const char *text, uint8_t *out)
{
	size_t len = strlen(text);

	out[0] = 0x30;
	out[1] = (uint8_t)(len + 2);
	out[2] = 0x81;
	out[3] = (uint8_t)len;
	memcpy(out + 4, text, len);
	return view_of(out, len + 4);
}

static struct view
sid_extension(const char *text, uint8_t *out)
{
	static const uint8_t oid[] = {
	    0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x19, 0x02, 0x01};
	struct view v = san_upn(text, out);

	memcpy(out + 4, oid, sizeof oid);
	out[4 + sizeof oid + 2] = 0x04;
	return v;
}

static void
chosen_names_are_the_officers(void **state)
{
	static const char *const upns[] = {"OFFICER1@nwtraders.com", "officer2@nwtraders.com"};
	static const char *const emails[] = {"Officer1@SECOND.example", "o@nwtraders.com"};
	static const char *const sids[] = {OWN_SID, OTHER_SID};
	static const char *const subjects[] = {"CN=officer1,OU=Printers", "CN=printer"};
	struct principal p = officer();
	uint8_t bytes[256];
	struct err err;

	(void)state;
	assert_true(oids_init(&err));
	for (size_t i = 0; i < 2; i++) {
		struct own_names names = {.san = san_upn(upns[i], bytes)};
		struct buf subject;

		assert_verdict(own_check_names(&ca, &p, &names, &err), i == 0, &err);
		names.san = san_email(emails[i], bytes);
		assert_verdict(own_check_names(&ca, &p, &names, &err), i == 0, &err);
		names = (struct own_names){.sid = sid_extension(sids[i], bytes)};
		assert_verdict(own_check_names(&ca, &p, &names, &err), i == 0, &err);
		assert_true(pkix_name_from_dn(subjects[i], NULL, &subject, &err));
		names = (struct own_names){.subject = buf_view(&subject)};
		assert_verdict(own_check_names(&ca, &p, &names, &err), i == 0, &err);
		config.allow_own_requests = true;
		assert_true(own_check_names(&ca, &p, &names, &err));
		config.allow_own_requests = false;
		buf_free(&subject);
	}
	const struct own_names none = {{0}, {0}, {0}};
	assert_true(own_check_names(&ca, &p, &none, &err));
	sids_free(&p.sids);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(row_is_own_by_sid_and_without_one_by_name),
	    cmocka_unit_test(a_label_of_a_host_is_no_way_round),
	    cmocka_unit_test(person_is_the_same_by_sid_and_without_one_by_dn),
	    cmocka_unit_test(chosen_names_are_the_officers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
