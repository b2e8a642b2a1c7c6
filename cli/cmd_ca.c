/* dirca ca init, ca status, crl, getreg, setreg. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "daemon_config.h"
#include "init.h"
#include "pem.h"
#include "print.h"
#include "session.h"
#include "text.h"

#define YEAR_S (365LL * 86400)

/* ---- ca init ---- */

static bool
install(const struct cli *cli, const struct config *config, const struct secret *passphrase,
    struct err *err)
{
	struct buf *own = NULL, *chain = NULL;
	struct view views[CLI_LIST_MAX];
	size_t own_count = 0, chain_count = 0;
	bool ok = false;

	if (!pem_certificates_file(cli->opt.install, &own, &own_count, err) ||
	    (cli->opt.chain != NULL &&
		!pem_certificates_file(cli->opt.chain, &chain, &chain_count, err)))
		goto out;
	if (own_count != 1 || chain_count > CLI_LIST_MAX) {
		err_set(err, E_INVALIDARG, "%s: one certificate is expected", cli->opt.install);
		goto out;
	}
	for (size_t i = 0; i < chain_count; i++)
		views[i] = buf_view(&chain[i]);
	ok = ca_init_install(
	    config, buf_view(&own[0]), views, chain_count, passphrase, clock_now(), err);
out:
	pem_list_free(&own, own_count);
	pem_list_free(&chain, chain_count);
	return ok;
}

static bool
make(const struct cli *cli, const struct config *config, const struct secret *passphrase,
    struct err *err)
{
	const char *kind = cli->opt.key != NULL ? cli->opt.key : "rsa3072";
	struct ca_init in = {.subject_dn = cli->opt.subject,
	    .passphrase = passphrase,
	    .validity = (cli->opt.years != 0 ? cli->opt.years : 10) * YEAR_S,
	    .subordinate = cli->opt.subordinate};

	if (!ca_key_kind_by_name(kind, &in.key))
		return err_set(err, DIRCA_E_USAGE,
		    "key kind %s is unknown: rsa2048, rsa3072, rsa4096, p256 or p384", kind);
	return ca_init(config, &in, clock_now(), err);
}

enum cli_exit
cmd_ca_init(struct cli *cli)
{
	struct config *config = NULL;
	struct secret passphrase = {0};
	const char *passphrase_file;
	enum cli_exit status = CLI_OK;
	struct err err;

	if (!load_daemon_config(cli, &config, &err)) {
		status = cli_fail(cli, &err);
		goto out;
	}
	passphrase_file =
	    cli->opt.passphrase_file != NULL ? cli->opt.passphrase_file : config->passphrase_file;
	if ((passphrase_file != NULL && !secret_read_file(passphrase_file, &passphrase, &err)) ||
	    !(cli->opt.install != NULL ? install : make)(
		cli, config, passphrase.ptr != NULL ? &passphrase : NULL, &err)) {
		status = cli_fail(cli, &err);
		goto out;
	}
	if (cli->opt.subordinate && cli->opt.install == NULL)
		printf("%s/ca.csr written: let the parent CA issue it, then `dirca ca init "
		       "--install CERT --chain PARENTS`.\n",
		    config->state_dir);
	else
		printf("%s: the CA %s is made. Start dircad, then `dirca ca publish`.\n",
		    config->state_dir, config->ca_name);
out:
	secret_free(&passphrase);
	config_free(&config);
	return status;
}

/* ---- verbs that ask the CA ---- */

static enum cli_exit
call_ca(struct cli *cli, const char *method, const char *path, json_t *body, json_t **answer_out)
{
	struct session session = {0};
	struct http_client *http = NULL;
	enum cli_exit status = CLI_OK;
	struct err err;

	*answer_out = NULL;
	if (!session_open(cli, &session, &err) || !session_ca(&session, &http, &err) ||
	    !http_client_json(http, method, path, body, answer_out, &err))
		status = cli_fail(cli, &err);
	http_client_close(&http);
	session_close(&session);
	return status;
}

static void
print_kras(const json_t *kras)
{
	size_t i;
	json_t *k;

	json_array_foreach(kras, i, k) printf("  KRA %s  %s  until %s%s%s\n",
	    json_text(k, "serial_number"), json_text(k, "subject"), json_text(k, "not_after"),
	    json_is_true(json_object_get(k, "valid")) ? "" : "  NOT VALID: ",
	    json_is_true(json_object_get(k, "valid")) ? "" : json_text(k, "reason"));
}

enum cli_exit
cmd_ca_status(struct cli *cli)
{
	static const char *const counts[] = {
	    "issued", "pending", "denied", "failed", "revoked", "archived_keys"};
	json_t *answer;
	enum cli_exit status = call_ca(cli, "GET", "/dirca/v1/ca", NULL, &answer);

	if (status != CLI_OK)
		return status;
	if (cli->opt.json) {
		print_json(answer);
		return CLI_OK;
	}
	printf("CA: %s (dirca %s)\n  Subject: %s\n  NotAfter: %s\n  Exchange certificate until: "
	       "%s\n  Directory: %s\n  KRAs used per key: %lld (at least %lld)\n  Signs: %s\n",
	    json_text(answer, "name"), json_text(answer, "version"), json_text(answer, "subject"),
	    json_text(answer, "not_after"), json_text(answer, "exchange_certificate_not_after"),
	    json_is_true(json_object_get(answer, "directory_fresh")) ? "read" : "NOT READ",
	    (long long)json_integer_value(json_object_get(answer, "kra_cert_count")),
	    (long long)json_integer_value(json_object_get(answer, "kra_minimum")),
	    json_text(answer, "sign_kinds"));
	if (json_integer_value(json_object_get(answer, "unpublished")) > 0)
		printf("  Not yet published in the directory: %lld\n",
		    (long long)json_integer_value(json_object_get(answer, "unpublished")));
	if (json_is_true(json_object_get(answer, "low_space")))
		printf("  LOW DISK SPACE: %lld MB free, new requests are refused\n",
		    (long long)json_integer_value(json_object_get(answer, "free_megabytes")));
	if (json_is_string(json_object_get(answer, "archival_excluded")))
		printf("  Key archival: EXCLUDED: %s\n", json_text(answer, "archival_excluded"));
	print_kras(json_object_get(answer, "kras"));
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		printf("  %s: %lld\n", counts[i],
		    (long long)json_integer_value(
			json_object_get(json_object_get(answer, "requests"), counts[i])));
	json_decref(answer);
	return CLI_OK;
}

enum cli_exit
cmd_crl(struct cli *cli)
{
	json_t *answer;
	enum cli_exit status = call_ca(cli, "POST", "/dirca/v1/crl", NULL, &answer);

	if (status == CLI_OK)
		puts("A new CRL is published.");
	json_decref(answer);
	return status;
}

enum cli_exit
cmd_getreg(struct cli *cli)
{
	json_t *answer, *value, *shown;
	const char *name;
	enum cli_exit status = call_ca(cli, "GET", "/dirca/v1/settings", NULL, &answer);
	bool found = cli->count == 0;

	if (status != CLI_OK)
		return status;
	shown = json_object();
	json_object_foreach(answer, name, value)
	{
		if (cli->count > 0 && !text_eq_nocase(name, cli->args[0]))
			continue;
		if (cli->opt.json)
			json_object_set(shown, name, value);
		else
			printf("%s = %s\n", name, json_text(answer, name));
		found = true;
	}
	json_decref(answer);
	if (cli->opt.json && found)
		print_json(json_incref(shown));
	json_decref(shown);
	if (!found) {
		struct err err;

		err_set(&err, CRYPT_E_NOT_FOUND, "the CA has no setting %s", cli->args[0]);
		return cli_fail(cli, &err);
	}
	return CLI_OK;
}

enum cli_exit
cmd_setreg(struct cli *cli)
{
	char *name = http_escape(cli->args[0]),
	     *path = name != NULL ? text_printf("/dirca/v1/settings/%s", name) : NULL;
	json_t *body = json_pack("{s:s}", "value", cli->args[1]), *answer = NULL;
	enum cli_exit status = CLI_FAILED;
	struct err err;

	if (path == NULL || body == NULL) {
		err_nomem(&err);
		status = cli_fail(cli, &err);
	} else if ((status = call_ca(cli, "PUT", path, body, &answer)) == CLI_OK) {
		printf("%s = %s\n", cli->args[0], cli->args[1]);
	}
	json_decref(body);
	json_decref(answer);
	free(name);
	free(path);
	return status;
}
