/* dirca ca init, ca status, ca exchange renew, crl, getreg, setreg. */
#include <stdlib.h>
#include <string.h>

#include "adopt.h"
#include "ca_answer.h"
#include "ca_options.h"
#include "clock.h"
#include "daemon_run.h"
#include "file.h"
#include "given.h"
#include "init.h"
#include "mem.h"
#include "own_json.h"
#include "own_key.h"
#include "pfx.h"
#include "pkix.h"
#include "print.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

/* ---- ca init ---- */

static bool
install_certificate(
    const struct cli *cli, const struct config *config, const struct ca_options *o, struct err *err)
{
	OWNED(ca_answer_free) struct ca_answer answer = {0};

	return ca_answer_read(cli->opt.install, cli->opt.chain, &answer, err) &&
	       ca_init_install(config, buf_view(&answer.certificate), answer.parents,
		   answer.parent_count, ca_options_passphrase(o), clock_now(), err);
}

static bool
make_ca(
    const struct cli *cli, const struct config *config, const struct ca_options *o, struct err *err)
{
	const struct ca_init in = {.subject_dn = cli->opt.subject,
	    .key = o->key,
	    .key_uri = o->key_uri,
	    .passphrase = ca_options_passphrase(o),
	    .validity = o->validity,
	    .subordinate = cli->opt.subordinate};

	return ca_init(config, &in, clock_now(), err);
}

/* ---- ca init --import-pfx ---- */

/* Files that are read whole. */
struct files {
	struct buf list[CLI_LIST_MAX];
	size_t count;
};

static void
files_free(struct files *f)
{
	for (size_t i = 0; i < f->count; i++)
		buf_free(&f->list[i]);
}

static bool
read_crls(const struct cli_list *names, struct files *out, struct err *err)
{
	for (size_t i = 0; i < names->count; i++) {
		if (!given_crl(names->list[i], &out->list[out->count], err))
			return false;
		out->count++;
	}
	return true;
}

/* Without a number a new CRL could be older than the last one, for whoever has that. */
static bool
check_adoption(const struct cli_options *o, struct err *err)
{
	if (o->subject != NULL || o->key != NULL || o->years != 0 || o->subordinate ||
	    o->install != NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "--import-pfx brings subject, key and validity with it: no --subject, --key, "
		    "--years, --subordinate or --install");
	return o->crls.count > 0 || o->crl_number > 0 ||
	       err_set(err, DIRCA_E_USAGE,
		   "--crl or --crl-number is needed: the CA's last CRL, or its number");
}

static bool
adopt_ca(const struct cli *cli, const struct config *config, const struct ca_options *options,
    struct err *err)
{
	const struct cli_options *o = &cli->opt;
	OWNED(pem_certs_free) struct pem_certs chain = {0};
	OWNED(pfx_content_free) struct pfx_content content = {0};
	OWNED(own_memory) struct view *parents = NULL, *crls = NULL;
	OWNED(files_free) struct files files = {0};

	if (!check_adoption(o, err) || !read_crls(&o->crls, &files, err) ||
	    (o->chain != NULL && !given_certificates(o->chain, &chain, err)) ||
	    !own_key_content(o->import_pfx, o->pfx_password_file,
		"Password of the CA's PKCS#12: ", &content, err))
		return false;
	parents = buf_views(chain.list, chain.count);
	crls = buf_views(files.list, files.count);
	const struct ca_adopt in = {.from = &content,
	    .chain = parents,
	    .chain_count = chain.count,
	    .crls = crls,
	    .crl_count = files.count,
	    .crl_number = o->crl_number,
	    .passphrase = ca_options_passphrase(options)};
	return ca_adopt(config, &in, clock_now(), err);
}

/* ---- all of them ---- */

/* This program knows no database. */
static bool
make_database(const struct cli *cli, const struct config *config, struct err *err)
{
	static const char *const args[] = {"--create-database", NULL};
	int status;
	bool due;

	if (!ca_init_database_is_due(config, &due, err))
		return false;
	if (!due)
		return true;
	return daemon_run(cli, args, &status, err) &&
	       (status == 0 || err_set(err, DIRCA_E_DATABASE, "dircad did not make the database"));
}

static bool
make(const struct cli *cli, const struct config *config, const struct ca_options *options,
    struct err *err)
{
	const struct cli_options *o = &cli->opt;

	if (o->import_pfx != NULL)
		return adopt_ca(cli, config, options, err);
	if (o->crls.count > 0 || o->crl_number > 0 || o->pfx_password_file != NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "--crl, --crl-number and --pfx-password-file are for --import-pfx");
	return (o->install != NULL ? install_certificate : make_ca)(cli, config, options, err);
}

bool
cmd_ca_init(struct work *w, struct err *err)
{
	const struct cli_options *o = &w->cli->opt;
	const struct config *config = w->config;
	OWNED(ca_options_free) struct ca_options options = {0};

	if (!ca_options_read(w, &options, err) || !make(w->cli, config, &options, err))
		return false;
	if (o->subordinate && o->install == NULL) {
		printf("%s/ca.csr written: let the parent CA issue it, then `dirca ca init "
		       "--install CERT --chain PARENTS`.\n",
		    config->state_dir);
		return true;
	}
	if (!make_database(w->cli, config, err))
		return false;
	printf("%s: the CA %s is %s. %sStart dircad%s.\n", config->state_dir, config->ca_name,
	    o->import_pfx != NULL ? "taken over" : "made",
	    o->import_pfx != NULL ? "`dirca import adcs` what it issued and revoked. " : "",
	    config->standalone ? "" : ", then `dirca ca publish`");
	return true;
}

/* ---- verbs that ask the CA ---- */

static void
print_kras(const json_t *kras)
{
	size_t i;
	json_t *k;

	json_array_foreach(kras, i, k)
	{
		OWNED(own_memory) char *until = json_when(k, "not_after");
		bool valid = json_is_true(json_object_get(k, "valid"));

		printf("  KRA %s  %s  until %s%s%s\n", json_text(k, "serial_number"),
		    json_text(k, "subject"), until,
		    valid ? "" : "  NOT VALID: ", valid ? "" : json_text(k, "reason"));
	}
}

static void
print_certificates(const json_t *list)
{
	size_t i;
	json_t *c;

	json_array_foreach(list, i, c)
	{
		OWNED(own_memory) char *until = json_when(c, "not_after");

		printf("  CA certificate %lld.%lld  %s  until %s  signs %s\n",
		    (long long)json_integer_value(json_object_get(c, "certificate_index")),
		    (long long)json_integer_value(json_object_get(c, "key_index")),
		    json_text(c, "serial_number"), until, json_text(c, "signs"));
	}
}

/* A time, and how many days it is away. */
static void
print_days(const char *what, const json_t *answer, const char *member)
{
	OWNED(own_memory) char *when = json_when(answer, member);
	int64_t then;

	if (clock_parse(json_text(answer, member), &then))
		printf("  %s: %s (%lld days)\n", what, when,
		    (long long)((then - clock_now()) / (24 * 3600)));
}

static const char *
directory_of(const json_t *answer)
{
	if (strcmp(json_text(answer, "ca_type"), "standalone") == 0)
		return "none, the CA is stand-alone";
	return json_is_true(json_object_get(answer, "directory_fresh")) ? "read" : "NOT READ";
}

static void
print_status(const json_t *answer)
{
	static const char *const counts[] = {
	    "issued", "pending", "denied", "error", "revoked", "archived_keys"};
	OWNED(own_memory) char *until = json_when(answer, "not_after");
	OWNED(own_memory) char *xchg_until = json_when(answer, "exchange_certificate_not_after");
	const json_t *problem, *warning;
	size_t i;

	printf("CA: %s (dirca %s)\n  Subject: %s\n  NotAfter: %s\n  Exchange certificate until: "
	       "%s\n  Directory: %s\n  KRAs used per key: %lld (at least %lld)\n  Signs: %s\n",
	    json_text(answer, "name"), json_text(answer, "version"), json_text(answer, "subject"),
	    until, xchg_until, directory_of(answer),
	    (long long)json_integer_value(json_object_get(answer, "kra_cert_count")),
	    (long long)json_integer_value(json_object_get(answer, "kra_minimum")),
	    json_text(answer, "sign_kinds"));
	print_certificates(json_object_get(answer, "certificates"));
	print_days("TLS certificate until", answer, "service_certificate_not_after");
	json_array_foreach(json_object_get(answer, "warnings"), i, warning)
	    printf("  WARNING: %s\n", json_string_value(warning));
	if (json_integer_value(json_object_get(answer, "unpublished")) > 0)
		printf("  Not yet published in the directory: %lld\n",
		    (long long)json_integer_value(json_object_get(answer, "unpublished")));
	if (json_is_true(json_object_get(answer, "low_space")))
		printf("  LOW DISK SPACE: %lld MB free, new requests are refused\n",
		    (long long)json_integer_value(json_object_get(answer, "free_megabytes")));
	if (json_is_string(json_object_get(answer, "archival_excluded")))
		printf("  Key archival: EXCLUDED: %s\n", json_text(answer, "archival_excluded"));
	print_kras(json_object_get(answer, "kras"));
	json_array_foreach(json_object_get(answer, "kra_problems"), i, problem)
	    printf("  KRA STORE: %s\n", json_string_value(problem));
	for (i = 0; i < COUNT_OF(counts); i++)
		printf("  %s: %lld\n", counts[i],
		    (long long)json_integer_value(
			json_object_get(json_object_get(answer, "requests"), counts[i])));
}

bool
cmd_ca_status(struct work *w, struct err *err)
{
	OWNED(own_json) json_t *answer = NULL;

	if (!http_client_json(w->ca, "GET", "/dirca/v1/ca", NULL, &answer, err))
		return false;
	if (w->cli->opt.json)
		print_json(own_give(&answer));
	else
		print_status(answer);
	return true;
}

bool
cmd_crl(struct work *w, struct err *err)
{
	OWNED(own_json) json_t *answer = NULL;

	const char *path = w->cli->opt.delta ? "/dirca/v1/crl?delta=true" : "/dirca/v1/crl";

	if (!http_client_json(w->ca, "POST", path, NULL, &answer, err))
		return false;
	puts(w->cli->opt.delta ? "A new delta CRL is published." : "A new CRL is published.");
	return true;
}

bool
cmd_ca_exchange_renew(struct work *w, struct err *err)
{
	OWNED(own_json) json_t *answer = NULL;

	if (!http_client_json(w->ca, "POST", "/dirca/v1/exchange-certificate", NULL, &answer, err))
		return false;
	puts("A new CA exchange certificate is in use.");
	return true;
}

/* The setting of that name, or those below that key. */
static bool
is_asked_for(const char *name, const char *asked)
{
	size_t n = strlen(asked);

	return text_eq_nocase(name, asked) || (strncasecmp(name, asked, n) == 0 && name[n] == '\\');
}

bool
cmd_getreg(struct work *w, struct err *err)
{
	const struct cli *cli = w->cli;
	OWNED(own_json) json_t *answer = NULL, *shown = json_object();
	bool found = cli->count == 0;
	const char *name;
	json_t *value;

	if (!http_client_json(w->ca, "GET", "/dirca/v1/settings", NULL, &answer, err))
		return false;
	json_object_foreach(answer, name, value)
	{
		if (cli->count > 0 && !is_asked_for(name, cli->args[0]))
			continue;
		if (cli->opt.json)
			json_object_set(shown, name, value);
		else
			printf("%s = %s\n", name, json_text(answer, name));
		found = true;
	}
	if (!found)
		return err_set(err, CRYPT_E_NOT_FOUND,
		    "the CA has no setting %s; `dirca getreg` lists them", cli->args[0]);
	if (cli->opt.json)
		print_json(own_give(&shown));
	return true;
}

bool
cmd_setreg(struct work *w, struct err *err)
{
	char **args = w->cli->args;
	OWNED(own_memory) char *value = mem_text("");
	OWNED(own_memory) char *name = http_escape(args[0]);
	OWNED(own_memory) char *path = text_printf("/dirca/v1/settings/%s", name);
	OWNED(own_json) json_t *body = NULL, *answer = NULL;

	for (int i = 1; i < w->cli->count; i++)
		text_list_add(&value, " ", args[i]);
	body = json_pack("{s:s}", "value", value);
	if (body == NULL)
		return err_set(err, E_INVALIDARG, "the value of %s is not UTF-8", args[0]);
	if (!http_client_json(w->ca, "PUT", path, body, &answer, err))
		return false;
	printf("%s = %s\n", args[0], value);
	return true;
}
