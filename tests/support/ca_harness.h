/*
 * A whole CA for the tests of core, enroll and recover: private slapd from ldif/, state folder by
 * ca_init, forked real vault, three KRAs of which two seal each key, published in the directory.
 * Header only; everything fails the test that calls it.
 */
#ifndef SUPPORT_CA_HARNESS_H
#define SUPPORT_CA_HARNESS_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include "archive_pki.h"
#include "ca.h"
#include "clock.h"
#include "event.h"
#include "file.h"
#include "init.h"
#include "kra_store.h"
#include "log.h"
#include "oids.h"

#define HARNESS_KRAS   3
#define HARNESS_PEOPLE 8
#define HARNESS_VAULTS 8
#define HARNESS_DOMAIN "S-1-5-21-3330634377-1326264276-632209373"

struct harness {
	char dir[64];
	struct config *config;
	struct test_cert
	    ca_cert; /* with its private key, which only the harness keeps outside the vault */
	struct test_cert kras[HARNESS_KRAS];
	pid_t vault_pid;
	int control;
	struct vault vault;
	struct vault more[HARNESS_VAULTS - 1]; /* of further workers: harness_workers */
	struct ca *ca;
	struct principal *people[HARNESS_PEOPLE]; /* of harness_person */
	size_t people_count;
};

static struct harness harness;

static inline void
harness_must(bool ok, const struct err *err)
{
	if (!ok)
		fail_msg("%s: %s", err_name(err->code), err->msg);
}

/* lab.sh in a shell of its own; slapd outlives it. */
static inline void
harness_sh(const char *command)
{
	char script[1024];
	int status;
	pid_t pid;

	snprintf(script, sizeof script, ". '%s/tests/support/lab.sh'; %s '%s/lab'", SOURCE_DIR,
	    command, harness.dir);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execlp("bash", "bash", "-c", script, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static inline void
harness_write(const char *name, const char *text)
{
	char path[128];
	struct err err;

	snprintf(path, sizeof path, "%s/%s", harness.dir, name);
	harness_must(file_replace(path, view_str(text), 0600, &err), &err);
}

static inline void
harness_configure(const char *extra)
{
	char text[2048], path[128], uri[256] = "ldapi://";
	struct err err;

	for (const char *p = harness.dir; *p != '\0'; p++)
		snprintf(
		    uri + strlen(uri), sizeof uri - strlen(uri), *p == '/' ? "%%2F" : "%c", *p);
	snprintf(text, sizeof text,
	    "ca_name = Test CA\nhost = ca1.nwtraders.com\nstate_dir = %s/state\nlisten = "
	    "127.0.0.1:8443\n"
	    "http_url = http://ca1.nwtraders.com:8080\ndir_uris = %s%%2Flab%%2Fldapi\ndir_auth = "
	    "external\nworkers = 2\n%s",
	    harness.dir, uri, extra);
	harness_write("dircad.conf", text);
	snprintf(path, sizeof path, "%s/dircad.conf", harness.dir);
	harness_must(config_load(path, &harness.config, &err), &err);
}

/* Lines of an OpenSSL extension file that a parent CA puts into the CA's certificate; NULL: the CA
 * is a root. Set before harness_open. */
static const char *harness_parent;

/* The CA's request is answered by a parent that lives for this one certificate. */
static inline void
harness_init_subordinate(void)
{
	static const char script[] =
	    "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -keyout parent.key -out parent.crt "
	    "-subj /CN=Parent -days 4000 -addext basicConstraints=critical,CA:true -addext "
	    "keyUsage=critical,keyCertSign,cRLSign 2>/dev/null && openssl x509 -req -in "
	    "state/ca.csr -CA parent.crt -CAkey parent.key -CAcreateserial -days 3900 -extfile ext "
	    "-out sub.crt 2>/dev/null";
	const struct ca_init in = {.key = CA_KEY_EC_P256, .subordinate = true};
	char text[2048], path[128];
	struct buf own, parent;
	struct view chain;
	struct err err;

	harness_must(ca_init(harness.config, &in, clock_now(), &err), &err);
	snprintf(text, sizeof text,
	    "basicConstraints = critical,CA:true\nkeyUsage = "
	    "critical,digitalSignature,keyCertSign,cRLSign\nsubjectKeyIdentifier = hash\n%s",
	    harness_parent);
	harness_write("ext", text);
	snprintf(text, sizeof text, script, harness.dir);
	assert_int_equal(system(text), 0);
	snprintf(path, sizeof path, "%s/sub.crt", harness.dir);
	harness_must(file_read(path, 65536, &own, &err), &err);
	snprintf(path, sizeof path, "%s/parent.crt", harness.dir);
	harness_must(file_read(path, 65536, &parent, &err), &err);
	chain = buf_view(&parent);
	harness_must(
	    ca_init_install(harness.config, buf_view(&own), &chain, 1, NULL, clock_now(), &err),
	    &err);
	buf_free(&own);
	buf_free(&parent);
}

/* CA certificate and key, for what only an outsider would sign: KRA certificates of the tests. */
static inline void
harness_init_ca(void)
{
	struct ca_init in = {.key = CA_KEY_EC_P256, .validity = INT64_C(10) * 365 * 86400};
	char *folder = config_path(harness.config, "vault"),
	     *crt = config_path(harness.config, "ca.crt");
	struct buf pem;
	struct err err;
	BIO *bio;
	X509 *x;
	int len;

	if (harness_parent != NULL)
		harness_init_subordinate();
	else
		harness_must(ca_init(harness.config, &in, clock_now(), &err), &err);
	harness_must(ca_key_open(folder, 0, NULL, &harness.ca_cert.key, &err), &err);
	harness_must(file_read(crt, 65536, &pem, &err), &err);
	bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_non_null(x);
	len = i2d_X509(x, NULL);
	harness_must(buf_alloc((size_t)len, &harness.ca_cert.der, &err), &err);
	uint8_t *p = harness.ca_cert.der.ptr;
	i2d_X509(x, &p);
	harness_must(
	    pkix_cert_decode(buf_view(&harness.ca_cert.der), &harness.ca_cert.cert, &err), &err);
	X509_free(x);
	BIO_free(bio);
	buf_free(&pem);
	free(folder);
	free(crt);
}

/* As `dirca ca init` has dircad do it. */
static inline void
harness_make_database(void)
{
	char *path = config_path(harness.config, "dirca.db");
	struct store *store;
	struct err err;

	harness_must(store_create(path, &store, &err), &err);
	store_close(&store);
	free(path);
}

/* KRA `i` of the CA: RSA, RSA, P-256. */
static inline void
harness_add_kra(size_t i)
{
	static const char *const kinds[] = {"rsa2048", "rsa2048", "P-256"};
	char dn[64];
	struct err err;

	snprintf(dn, sizeof dn, "CN=kra%zu,CN=Users,DC=nwtraders,DC=com", i + 1);
	harness.kras[i] = test_issue(&(struct test_issue){.dn = dn,
	    .key = test_key(kinds[i]),
	    .issuer = &harness.ca_cert,
	    .usage = i < 2 ? "critical,keyEncipherment" : "critical,keyAgreement",
	    .eku = KRA_EKU,
	    .serial = (uint8_t)(i + 2),
	    .not_before = clock_now() - 86400,
	    .not_after = clock_now() + 86400});
	harness_must(kra_store_add(harness.config, buf_view(&harness.kras[i].der), &err), &err);
}

/* So many ask the vault at once. Set before harness_open. */
static size_t harness_workers = 1;

static inline void
harness_fork_vault(void)
{
	int work[HARNESS_VAULTS], control[2];

	for (size_t i = 0; i < harness_workers; i++) {
		int ends[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
		*(i == 0 ? &harness.vault.fd : &harness.more[i - 1].fd) = ends[0];
		work[i] = ends[1];
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control), 0);
	harness.vault_pid = fork();
	assert_true(harness.vault_pid >= 0);
	if (harness.vault_pid == 0) {
		char *folder = config_path(harness.config, "vault"),
		     *crt = config_path(harness.config, "ca.crt");
		const struct vault_config c = {.folder = folder,
		    .ca_certificate = crt,
		    .state_dir = harness.config->state_dir,
		    .fds = work,
		    .fd_count = harness_workers,
		    .control_fd = control[1],
		    .kinds = harness.config->kinds,
		    .extensions = {harness.config->officer_extensions,
			harness.config->officer_extension_count},
		    .kra_minimum = (size_t)harness.config->kra_minimum,
		    .allow_same_holder = harness.config->allow_same_holder,
		    .floor = archive_floor_of_root(harness.config),
		    .pkcs8 = harness.config->archive_pkcs8,
		    .failures_requester = 1000,
		    .failures_key = 1000,
		    .suspend_s = 3600};

		close(harness.vault.fd);
		for (size_t i = 1; i < harness_workers; i++)
			close(harness.more[i - 1].fd);
		close(control[0]);
		log_open("vault", false, LOG_LEVEL_ERROR);
		_exit(vault_run(&c));
	}
	for (size_t i = 0; i < harness_workers; i++)
		close(work[i]);
	close(control[1]);
	harness.control = control[0];
}

/* As the supervisor does: all of the KRA store, so many of them for each key. */
static size_t harness_needed;

static inline void
harness_give_kras(size_t expected)
{
	struct buf *list;
	struct view views[HARNESS_KRAS + 4];
	struct err err;
	size_t count, usable;

	harness_must(kra_store_list(harness.config, &list, &count, NULL, &err), &err);
	assert_in_range(count, 0, sizeof views / sizeof views[0]);
	for (size_t i = 0; i < count; i++)
		views[i] = buf_view(&list[i]);
	harness_must(
	    vault_set_kras(harness.control, harness_needed, 1, views, NULL, count, &usable, &err),
	    &err);
	assert_int_equal(usable, expected);
	kra_store_free(&list, count);
}

static inline struct ace
harness_allow(const char *sid, uint32_t mask)
{
	struct ace a = {.type = ACE_ALLOW, .mask = mask};

	assert_true(sid_from_text(sid, &a.sid));
	return a;
}

/* EFSArchive demands keys of 2048 bits, which is more than any EC key has. */
static inline bool
harness_allow_ec(struct dir_conn *c, struct err *err)
{
	const struct view bits = view_str("256");
	char dn[256];

	snprintf(dn, sizeof dn,
	    "CN=EFSArchive,CN=Certificate Templates,CN=Public Key Services,CN=Services,%s",
	    dir_conn_root(c)->config_nc);
	return dir_replace(c, dn, "msPKI-Minimal-Key-Size", &bits, 1, err);
}

static inline bool
harness_publish(struct dir_conn *c, void *arg, struct err *err)
{
	static const char *const templates[] = {
	    "User", "EFSArchive", "UserArchive", "KeyRecoveryAgent", NULL};
	struct ace aces[] = {harness_allow("S-1-5-11", CA_RIGHT_ENROLL),
	    harness_allow(HARNESS_DOMAIN "-1202", CA_RIGHT_OFFICER),
	    harness_allow(HARNESS_DOMAIN "-1201", CA_RIGHT_ADMIN)};
	const struct sd sd = {.has_dacl = true, .aces = aces, .count = 3};
	struct buf security = {0};
	bool ok;

	(void)arg;
	harness_must(sd_encode(&sd, &security, err), err);
	const struct pki_publication p = {
	    .ca_name = harness.config->ca_name,
	    .host = harness.config->host,
	    .url = harness.config->url,
	    .subject_dn = "CN=Test CA,DC=nwtraders,DC=com",
	    .certificate = buf_view(&harness.ca_cert.der),
	    .is_root = true,
	    .templates = templates,
	    .ca_security = buf_view(&security),
	};
	ok = pki_publish_ca(c, &p, err) && harness_allow_ec(c, err);
	buf_free(&security);
	return ok;
}

static inline void
harness_set(const char *name, const char *value)
{
	struct err err;

	harness_must(ca_set_setting(harness.ca, &harness.vault, "test", name, value, &err), &err);
}

static inline void
harness_refresh(void)
{
	struct err err;

	harness_must(ca_refresh(harness.ca, &harness.vault, &err), &err);
}

/* Each key is sealed to so many of the KRAs that the vault has. */
static inline void
harness_count_kras(size_t needed)
{
	struct vault_kra_set set;
	struct view views[HARNESS_KRAS + 4];
	struct err err;
	size_t usable;

	harness_needed = needed;
	harness_must(vault_get_kras(&harness.vault, &set, &err), &err);
	for (size_t i = 0; i < set.count; i++)
		views[i] = buf_view(&set.list[i]);
	harness_must(
	    vault_set_kras(harness.control, needed, 1, views, NULL, set.count, &usable, &err),
	    &err);
	vault_kra_set_free(&set);
	harness_refresh();
}

/* Writes an attribute of the CA's service object; no value deletes it. */
struct harness_attr {
	const char *name;
	struct view value;
};

static inline bool
harness_replace(struct dir_conn *c, void *arg, struct err *err)
{
	const struct harness_attr *a = arg;
	char *dn = pki_service_dn(c, harness.config->ca_name);
	bool ok = dir_replace(c, dn, a->name, &a->value, a->value.len > 0, err);

	free(dn);
	return ok;
}

static inline void
harness_set_attr(const char *name, struct view value)
{
	struct harness_attr a = {name, value};
	struct err err;

	harness_must(ca_directory_do(harness.ca, harness_replace, &a, &err), &err);
	harness_refresh();
}

/* Writes an attribute of an object below the configuration or domain naming context. */
struct harness_object {
	const char *dn, *attr;
	const struct view *values;
	size_t count;
};

static inline bool
harness_change_attr(struct dir_conn *c, void *arg, struct err *err)
{
	const struct harness_object *a = arg;
	const struct dir_root *root = dir_conn_root(c);
	char dn[256];

	snprintf(dn, sizeof dn, "%s,%s", a->dn,
	    strstr(a->dn, "CN=Services") != NULL ? root->config_nc : root->default_nc);
	return dir_replace(c, dn, a->attr, a->values, a->count, err);
}

static inline void
harness_change_list(const char *dn, const char *attr, const struct view *values, size_t count)
{
	struct harness_object a = {dn, attr, values, count};
	struct err err;

	harness_must(ca_directory_do(harness.ca, harness_change_attr, &a, &err), &err);
	harness_refresh();
}

/* An empty value deletes the attribute. */
static inline void
harness_change(const char *dn, const char *attr, struct view value)
{
	harness_change_list(dn, attr, &value, value.len > 0);
}

/* dircaOfficerRights from rules of the form officer RID, requester RID, template (NULL: all). */
struct harness_rule {
	bool deny;
	const char *officer, *requester, *template_cn;
};

static inline void
harness_restrict(const struct harness_rule *rules, size_t count)
{
	struct officer_rule list[4] = {0};
	struct sid requesters[4];
	struct officer_rules all = {.list = list, .count = count};
	struct buf sd = {0};
	char text[128], cn[4][64];
	struct err err;

	assert_true(count <= 4);
	for (size_t i = 0; i < count; i++) {
		list[i].deny = rules[i].deny;
		snprintf(text, sizeof text, "%s-%s", HARNESS_DOMAIN, rules[i].officer);
		assert_true(sid_from_text(text, &list[i].officer));
		snprintf(text, sizeof text, "%s-%s", HARNESS_DOMAIN, rules[i].requester);
		assert_true(sid_from_text(text, &requesters[i]));
		list[i].requesters = (struct sids){&requesters[i], 1};
		if (rules[i].template_cn != NULL) {
			snprintf(cn[i], sizeof cn[i], "%s", rules[i].template_cn);
			list[i].template_cn = cn[i];
		}
	}
	harness_must(officer_rules_encode(&all, &sd, &err), &err);
	harness_set_attr("dircaOfficerRights", buf_view(&sd));
	buf_free(&sd);
}

static inline void
harness_unrestrict(void)
{
	const struct officer_rules none = {.unrestricted = true};
	struct buf sd = {0};
	struct err err;

	harness_must(officer_rules_encode(&none, &sd, &err), &err);
	harness_set_attr("dircaOfficerRights", buf_view(&sd));
	buf_free(&sd);
}

static inline void
harness_begin(void)
{
	struct err err;

	signal(SIGPIPE, SIG_IGN);
	log_open("test", false, LOG_LEVEL_ERROR);
	if (!CRYPTO_secure_malloc_initialized())
		harness_must(secret_heap_init(262144, true, &err), &err);
	strcpy(harness.dir, "/tmp/dirca-ca-XXXXXX");
	assert_non_null(mkdtemp(harness.dir));
}

/* cmocka group setup of a CA that has no directory, and no KRAs. */
static inline int
harness_open_standalone(const char *extra)
{
	char text[1024], path[128];
	struct err err;

	harness_begin();
	snprintf(text, sizeof text,
	    "ca_name = Test CA\nca_type = standalone\nhost = ca1.nwtraders.com\nstate_dir = "
	    "%s/state\nlisten = 127.0.0.1:8443\nworkers = 2\n%s",
	    harness.dir, extra);
	harness_write("dircad.conf", text);
	snprintf(path, sizeof path, "%s/dircad.conf", harness.dir);
	harness_must(config_load(path, &harness.config, &err), &err);
	harness_init_ca();
	harness_make_database();
	harness_fork_vault();
	harness_must(ca_open(harness.config, &harness.vault, &harness.ca, &err), &err);
	return 0;
}

/* cmocka group setup. `extra`: further lines of dircad.conf. */
static inline int
harness_open(const char *extra)
{
	struct err err;

	harness_begin();
	harness_sh("lab_slapd_start");
	harness_configure(extra);
	harness_init_ca();
	harness_make_database();
	for (size_t i = 0; i < HARNESS_KRAS; i++)
		harness_add_kra(i);
	harness_fork_vault();
	harness_give_kras(HARNESS_KRAS);
	harness_must(ca_open(harness.config, &harness.vault, &harness.ca, &err), &err);
	harness_must(ca_directory_do(harness.ca, harness_publish, NULL, &err), &err);
	harness_count_kras(2);
	return 0;
}

static inline int
harness_close(void)
{
	char command[128];
	int status;

	ca_close(&harness.ca);
	close(harness.vault.fd);
	for (size_t i = 1; i < harness_workers; i++)
		close(harness.more[i - 1].fd);
	close(harness.control);
	assert_int_equal(waitpid(harness.vault_pid, &status, 0), harness.vault_pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	if (!harness.config->standalone)
		harness_sh("lab_slapd_stop");
	for (size_t i = 0; i < HARNESS_KRAS; i++)
		test_cert_free(&harness.kras[i]);
	test_cert_free(&harness.ca_cert);
	config_free(&harness.config);
	while (harness.people_count > 0)
		principal_free(harness.people[--harness.people_count]);
	snprintf(command, sizeof command, "rm -rf '%s'", harness.dir);
	return system(command);
}

/* cmocka group teardown of tests that opened nothing else. */
static inline int
harness_teardown(void **state)
{
	(void)state;
	return harness_close();
}

/* An identity as somebody who signed in by a password has it. */
#define NAMED(name) (&(struct identity){IDENTITY_NAME, (name)})

static inline void
harness_principal(const char *name, struct principal *out)
{
	struct err err;

	harness_must(ca_principal(harness.ca, NAMED(name), out, &err), &err);
}

/* The same for all tests of a group: harness_close frees it. */
static inline void
harness_person(const char *name, struct principal *out)
{
	assert_in_range(harness.people_count, 0, HARNESS_PEOPLE - 1);
	harness_principal(name, out);
	harness.people[harness.people_count++] = out;
}

/* Counts audit records of one event that tell of success or refusal. */
struct harness_audit {
	enum audit_event event;
	bool success;
	int count;
};

static inline bool
harness_audit_each(const struct audit_record *a, void *arg)
{
	struct harness_audit *q = arg;

	q->count += a->event == q->event && a->success == q->success;
	return true;
}

static inline int
harness_audited(enum audit_event event, bool success)
{
	struct harness_audit q = {event, success, 0};
	struct err err;
	int64_t rows;

	harness_must(
	    store_audit_walk(harness.ca->store, 0, harness_audit_each, &q, &rows, &err), &err);
	return q.count;
}

/* Counts events of one number that the CA has kept. */
struct harness_events {
	enum event_id id;
	int count;
};

static inline bool
harness_event_each(const struct event_record *e, void *arg)
{
	struct harness_events *q = arg;

	q->count += e->number == (int64_t)q->id;
	return true;
}

static inline int
harness_events(enum event_id id)
{
	struct harness_events q = {id, 0};
	struct event_reading reading;
	struct err err;

	harness_must(
	    store_read_events(harness.ca->store, 0, 100000, harness_event_each, &q, &reading, &err),
	    &err);
	return q.count;
}

/* The client's side of an archived key: blob of `key`, sealed to the newest exchange certificate.
 */
static inline void
harness_seal(const EVP_PKEY *key, const struct pkix_cert *xchg, struct buf *out)
{
	EVP_PKEY *pub = NULL;
	struct secret blob = {0};
	struct err err;

	harness_must(pkix_public_key(xchg->spki, &pub, &err), &err);
	const struct cms_kra to = {.issuer = xchg->issuer, .serial = xchg->serial, .key = pub};
	harness_must(keyblob_encode(key, &blob, &err), &err);
	harness_must(
	    cms_enveloped_seal(secret_view(&blob), &to, 1, CMS_AES_256_CBC, out, &err), &err);
	secret_free(&blob);
	EVP_PKEY_free(pub);
}

/* Opens an EnvelopedData for KRAs with the key of the first KRA that it names; the plain key. */
static inline EVP_PKEY *
harness_unseal(struct view archived)
{
	struct cms_enveloped env = {0};
	struct secret blob = {0};
	EVP_PKEY *key = NULL;
	struct err err;

	harness_must(cms_sealed_decode(archived, &env, &err), &err);
	for (size_t i = 0; i < env.count && key == NULL; i++)
		for (size_t k = 0; k < HARNESS_KRAS && key == NULL; k++)
			if (cms_recipient_is(&env.recipients[i], harness.kras[k].cert.issuer,
				harness.kras[k].cert.serial)) {
				harness_must(
				    cms_enveloped_open(&env, i, harness.kras[k].key, &blob, &err),
				    &err);
				harness_must(keyblob_decode(secret_view(&blob), &key, &err), &err);
			}
	secret_free(&blob);
	cms_enveloped_free(&env);
	return key;
}

#endif
