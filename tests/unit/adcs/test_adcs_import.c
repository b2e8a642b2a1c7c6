/* Rows of an AD CS into the database: once, whole, and on after a run that was killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "adcs_import.h"
#include "clock.h"
#include "file.h"
#include "home_lab.h"
#include "init.h"
#include "own.h"
#include "store.h"
#include "text.h"

#define YEAR (INT64_C(365) * 86400)
#define MANY 105 /* more than a unit of work */

static struct config *config;
static char refusals[4096];

static void
refused(void *arg, int64_t line, int64_t request_id, const char *why)
{
	size_t len = strlen(refusals);

	(void)arg;
	snprintf(refusals + len, sizeof refusals - len, "%lld %lld %s\n", (long long)line,
	    (long long)request_id, why);
}

static int die_after; /* so many units of work; 0: it lives */

static void
progress(void *arg, int64_t rows)
{
	(void)arg;
	(void)rows;
	if (die_after > 0 && --die_after == 0)
		_exit(77);
}

static struct adcs_result
import(const char *name)
{
	OWNED(own_memory) char *path = text_printf("%s/%s", lab_dir, name);
	OWNED(own_file) FILE *file = fopen(path, "re");
	const struct adcs_import in = {.config = config,
	    .file = file,
	    .name = path,
	    .actor = "test",
	    .dates = ADCS_DATES_MDY,
	    .now = clock_now(),
	    .refused = refused,
	    .progress = progress};
	struct adcs_result out;
	struct err err;

	assert_non_null(file);
	refusals[0] = '\0';
	if (!adcs_import(&in, &out, &err))
		fail_msg("%s", err.msg);
	adcs_result_free(&out);
	return out;
}

static struct store *
open_store(void)
{
	OWNED(own_memory) char *path = config_path(config, "dirca.db");
	struct store *store;
	struct err err;

	if (!store_open(path, &store, &err))
		fail_msg("%s", err.msg);
	return store;
}

static int64_t
id_of(const char *serial)
{
	OWNED(store_close) struct store *store = open_store();
	OWNED(store_request_free) struct store_request row = {0};
	struct err err;

	assert_int_equal(store_get_by_serial(store, serial, &row, &err), STORE_FOUND);
	assert_non_null(strstr(row.disposition_message, "Imported from AD CS, request "));
	return row.request_id;
}

/* cert N: cN.crt with serial N; csv FILE ROW...: as certutil writes it. */
static const char tools[] =
    "cert() { openssl x509 -req -in $D/leaf.csr -CA $S/ca.crt -CAkey $S/vault/ca.key -set_serial "
    "$1 -days 9 -out $D/c$1.crt 2>/dev/null; }; "
    "csv() { python3 " SOURCE_DIR "/tests/support/certutil_csv.py $D/$@; }; "
    "issued() { echo \"id=$1;disposition=20;requester=N\\\\u$1;cert=$D/c$2.crt\"; }; ";

static void
run(const char *what)
{
	OWNED(own_memory) char *command = text_printf("%s%s", tools, what);

	if (sh(config, command) != 0)
		fail_msg("%s: %s/out", what, lab_dir);
}

static void
a_run_that_was_killed_goes_on(void **state)
{
	struct adcs_result r;
	int status;
	pid_t child;

	(void)state;
	run("set --; for i in $(seq 1001 1105); do cert $i; set -- \"$@\" \"$(issued $i $i)\"; "
	    "done; csv many.csv \"$@\"");
	if ((child = fork()) == 0) {
		die_after = 1;
		(void)import("many.csv");
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 77);
	r = import("many.csv");
	assert_int_equal(r.rows, MANY);
	assert_int_equal(r.there, 100);
	assert_int_equal(r.taken, MANY - 100);
	r = import("many.csv");
	assert_int_equal(r.there, MANY);
	assert_int_equal(r.taken, 0);
	assert_int_equal(id_of("03e9"), 1001);
}

/* AD CS writes down a name and no SID: whoever has that SID today is another, as far as the keys of
 * certificates go that have none in them (docs/FROM-ADCS.md). */
static void
a_row_without_a_sid_holds_its_key_by_name(void **state)
{
	OWNED(store_close) struct store *store = open_store();
	OWNED(store_request_free) struct store_request row = {0};
	struct store_key_claim claim = {.holder = {NULL, "n\\U1001"}};
	int64_t id;
	struct err err;

	(void)state;
	assert_int_equal(store_get_by_serial(store, "03e9", &row, &err), STORE_FOUND);
	assert_null(row.requester_sid);
	claim.public_key_hash = buf_view(&row.public_key_hash);
	claim.holder.sid = "S-1-5-21-1-2-3-1001";
	assert_int_equal(store_find_other_holder(store, &claim, &id, &err), STORE_FOUND);
}

static void
an_id_that_is_taken_is_another(void **state)
{
	struct adcs_result r;

	(void)state;
	run("cert 1; cert 2; csv ids.csv \"$(issued 1001 1)\" \"$(issued 77 2)\" \"$(issued 0 2)\" "
	    "\"id=0x80000000;disposition=20;requester=x;cert=$D/c2.crt\"");
	r = import("ids.csv");
	assert_int_equal(r.taken, 2);
	assert_int_equal(r.refused, 2);
	assert_int_equal(id_of("02"), 77);
	assert_int_equal(id_of("01"), 1106);
}

/* One certificate twice in a file, one serial number for two certificates. */
static void
a_certificate_is_taken_once(void **state)
{
	struct adcs_result r;

	(void)state;
	run("cert 3; csv twice.csv \"$(issued 301 3)\" \"$(issued 302 3)\"");
	r = import("twice.csv");
	assert_int_equal(r.taken, 1);
	assert_int_equal(r.there, 1);
	run("sleep 1; cert 3; csv again.csv \"$(issued 303 3)\"");
	r = import("again.csv");
	assert_int_equal(r.refused, 1);
	assert_non_null(strstr(refusals, "2 303 request 301 has another certificate"));
}

/* What was signed before SHA-256 is this CA's as well. */
static void
an_old_signature_counts(void **state)
{
	struct adcs_result r;

	(void)state;
	run("openssl x509 -req -in $D/leaf.csr -CA $S/ca.crt -CAkey $S/vault/ca.key -sha1 "
	    "-set_serial 1400 -days 9 -out $D/c1400.crt && "
	    "openssl x509 -in $D/c1400.crt -noout -text | grep -q ecdsa-with-SHA1 && "
	    "csv sha1.csv \"$(issued 1400 1400)\"");
	r = import("sha1.csv");
	assert_string_equal(refusals, "");
	assert_int_equal(r.taken, 1);
}

static const char make_agent[] =
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout $D/kra.key -out $D/kra.crt -days 9 -subj "
    "/CN=kra -addext extendedKeyUsage=1.3.6.1.4.1.311.21.6 2>/dev/null && "
    "openssl cms -encrypt -binary -aes256 -outform DER -in $D/leaf.key -out $D/leaf.p7 $D/kra.crt "
    "&& cert 4 && csv bare.csv \"$(issued 401 4)\" && "
    "csv key.csv \"$(issued 401 4);key=$D/leaf.p7\" && "
    "csv hashed.csv \"$(issued 401 4);key=$D/leaf.p7;hashes=$(openssl x509 -in $D/kra.crt "
    "-outform DER | sha1sum | cut -c1-40)\" && "
    "csv foreign.csv \"id=402;disposition=12;requester=N;cert=$D/kra.crt;key=$D/leaf.p7;hashes="
    "$(openssl x509 -in $D/kra.crt -outform DER | sha1sum | cut -c1-40)\" "
    "\"id=403;disposition=12;requester=N;cert=$D/c4.crt\"";

static void
a_key_may_come_later(void **state)
{
	OWNED(store_request_free) struct store_request row = {0};
	struct adcs_result r;
	struct store *store;
	struct err err;

	(void)state;
	run(make_agent);
	r = import("bare.csv");
	assert_int_equal(r.taken, 1);
	assert_int_equal(r.keys, 0);
	r = import("key.csv"); /* nobody knows who can open it */
	assert_int_equal(r.refused, 1);
	r = import("hashed.csv");
	assert_int_equal(r.refused, 0);
	assert_int_equal(r.keys_there, 1);
	r = import("hashed.csv");
	assert_int_equal(r.keys_there, 0);
	assert_int_equal(r.there, 1);
	store = open_store();
	assert_int_equal(store_get_request(store, 401, &row, &err), STORE_FOUND);
	assert_true(row.raw_archived_key.len > 0);
	assert_int_equal(strlen(row.key_recovery_hashes), 59);
	store_close(&store);
}

/* Of another CA; what counts is its key. */
static void
a_foreign_certificate_comes_with_its_key(void **state)
{
	struct adcs_result r;

	(void)state;
	r = import("foreign.csv");
	assert_int_equal(r.taken, 1);
	assert_int_equal(r.keys, 1);
	assert_int_equal(r.refused, 1);
	r = import("foreign.csv");
	assert_int_equal(r.there, 1);
	assert_int_equal(r.taken, 0);
}

static struct store_request
row_of(const char *serial)
{
	OWNED(store_close) struct store *store = open_store();
	struct store_request row;
	struct err err;

	assert_int_equal(store_get_by_serial(store, serial, &row, &err), STORE_FOUND);
	return row;
}

/* Who was put on hold at AD CS and revoked for good there afterwards is not set free here. */
static void
a_hold_that_became_final_is_final(void **state)
{
	struct store_request row;
	struct adcs_result r;

	(void)state;
	run("cert 5; revoked() { echo \"id=501;disposition=21;requester=N;cert=$D/c5.crt;"
	    "revoked=$1;reason=$2\"; }; csv held.csv \"$(revoked 1700000000 6)\"; "
	    "csv final.csv \"$(revoked 1700000060 1)\"");
	assert_int_equal(import("held.csv").taken, 1);
	assert_int_equal(import("held.csv").revoked, 0);
	r = import("final.csv");
	assert_int_equal(r.there, 1);
	assert_int_equal(r.revoked, 1);
	row = row_of("05");
	assert_int_equal(row.revoked_reason, 1);
	assert_int_equal(row.revoked_effective_when, 1700000040); /* the file has no seconds */
	store_request_free(&row);
	/* An older file does not make it a hold again. */
	assert_int_equal(import("held.csv").revoked, 0);
	row = row_of("05");
	assert_int_equal(row.revoked_reason, 1);
	store_request_free(&row);
}

/* It may be a revoked certificate's. */
static void
a_row_whose_disposition_is_unknown_is_refused(void **state)
{
	struct adcs_result r;

	(void)state;
	run("cert 6; csv none.csv \"id=601;requester=N;cert=$D/c6.crt\" "
	    "\"id=602;disposition=22;requester=N;cert=$D/c6.crt\" "
	    "\"id=603;disposition=15;requester=N;cert=$D/c6.crt\" "
	    "\"id=604;disposition=31;requester=N\"");
	r = import("none.csv");
	assert_int_equal(r.refused, 2);
	assert_int_equal(r.left, 2);
	assert_non_null(strstr(refusals, " 602 Disposition is none"));
}

/* Other CAs write what they like. */
static void
a_foreign_certificate_says_nothing_of_a_sid(void **state)
{
	static const char sid[] = "1.3.6.1.4.1.311.25.2=ASN1:SEQUENCE:n\n[n]\n"
				  "o=IMPLICIT:0,SEQUENCE:v\n[v]\nt=OID:1.3.6.1.4.1.311.25.2.1\n"
				  "v=EXPLICIT:0,OCTETSTRING:S-1-5-21-1-2-3-500\n";
	OWNED(own_memory)
	char *make = text_printf(
	    "printf '%s' >$D/sid.cnf; "
	    "openssl x509 -req -in $D/leaf.csr -CA $S/ca.crt -CAkey $S/vault/ca.key -set_serial 7 "
	    "-days 9 -extfile $D/sid.cnf -out $D/c7.crt; "
	    "openssl x509 -req -in $D/leaf.csr -signkey $D/leaf.key -set_serial 8 -days 9 "
	    "-extfile $D/sid.cnf -out $D/c8.crt; "
	    "csv sid.csv \"$(issued 701 7)\" \"id=702;disposition=12;requester=N;cert=$D/c8.crt;"
	    "key=$D/leaf.p7;hashes=$(openssl x509 -in $D/kra.crt -outform DER | sha1sum | "
	    "cut -c1-40)\"",
	    sid);
	struct store_request row;

	(void)state;
	run(make);
	assert_int_equal(import("sid.csv").taken, 2);
	row = row_of("07");
	assert_string_equal(row.requester_sid, "S-1-5-21-1-2-3-500");
	store_request_free(&row);
	row = row_of("08");
	assert_int_equal(row.disposition, DISP_FOREIGN);
	assert_null(row.requester_sid);
	store_request_free(&row);
}

static int
setup(void **state)
{
	const struct ca_init in = {.key = CA_KEY_EC_P256, .validity = YEAR};
	OWNED(own_memory) char *path = NULL;
	struct store *store;
	struct err err;

	if (lab_setup(state) != 0)
		return -1;
	config = lab_config("ca", "Test", "");
	path = config_path(config, "dirca.db");
	if (!ca_init(config, &in, clock_now(), &err) || !store_create(path, &store, &err))
		return -1;
	store_close(&store);
	return sh(config,
	    "openssl req -new -newkey rsa:2048 -nodes -keyout $D/leaf.key -subj /CN=leaf "
	    "-out $D/leaf.csr");
}

static int
teardown(void **state)
{
	config_free(&config);
	return lab_teardown(state);
}

/* What `serial` has as its request, against a file; NULL: nothing. */
static void
expect_request(const char *serial, const char *der_file)
{
	OWNED(store_close) struct store *store = open_store();
	OWNED(store_request_free) struct store_request row = {0};
	OWNED(own_memory)
	char *path = der_file != NULL ? text_printf("%s/%s", lab_dir, der_file) : NULL;
	OWNED(buf_free) struct buf der = {0};
	struct err err;

	assert_int_equal(store_get_by_serial(store, serial, &row, &err), STORE_FOUND);
	assert_true(path == NULL || file_read(path, 65536, &der, &err));
	assert_true(view_eq(buf_view(&row.raw_request), buf_view(&der)));
	assert_int_equal(row.request_type, 0);
}

/* A request is for the key of the certificate, and holds no encrypted key, or is not kept. */
static void
requests_are_kept_to_be_looked_at(void **state)
{
	(void)state;
	run("cert 901; cert 902; cert 903; cert 904; openssl req -in $D/leaf.csr -outform DER -out "
	    "$D/leaf.der; "
	    "openssl req -new -newkey rsa:2048 -nodes -keyout $D/o.key -subj /CN=x -out $D/o.csr "
	    "2>/dev/null; "
	    "openssl req -new -key $D/leaf.key -subj /CN=x -addext "
	    "1.2.3.4=DER:06092b060104018237150d -out $D/k.csr 2>/dev/null; "
	    "csv requests.csv \"$(issued 901 901);request=$D/leaf.csr\" \"$(issued 902 "
	    "902);request=$D/o.csr\" \"$(issued 903 903);request=$D/k.csr\" \"$(issued 904 "
	    "904);request=$S/ca.crt\"");
	assert_int_equal(import("requests.csv").taken, 4);
	assert_string_equal(refusals, "");
	expect_request("0385", "leaf.der");
	expect_request("0386", NULL);
	expect_request("0387", NULL);
	expect_request("0388", NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_run_that_was_killed_goes_on),
	    cmocka_unit_test(a_row_without_a_sid_holds_its_key_by_name),
	    cmocka_unit_test(an_id_that_is_taken_is_another),
	    cmocka_unit_test(a_certificate_is_taken_once),
	    cmocka_unit_test(an_old_signature_counts),
	    cmocka_unit_test(a_key_may_come_later),
	    cmocka_unit_test(a_foreign_certificate_comes_with_its_key),
	    cmocka_unit_test(a_hold_that_became_final_is_final),
	    cmocka_unit_test(a_row_whose_disposition_is_unknown_is_refused),
	    cmocka_unit_test(a_foreign_certificate_says_nothing_of_a_sid),
	    cmocka_unit_test(requests_are_kept_to_be_looked_at),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
