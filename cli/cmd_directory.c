/* dirca cas, dirca templates: what the directory says. */
#include <stdlib.h>
#include <string.h>

#include "print.h"
#include "session.h"
#include "text.h"
#include "tmpl.h"

static json_t *
json_names(char *const *names, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(names[i]));
	return list;
}

static void
print_service(const struct pki_service *s, const struct pkix_cert *cert)
{
	printf("\"%s\\%s\"\n  URL: %s\n", s->host != NULL ? s->host : "?", s->name, s->url);
	if (s->site != NULL)
		printf("  Site: %s\n", s->site);
	print_cert(stdout, "  CA ", cert);
	printf("  Templates:");
	for (size_t i = 0; i < s->template_count; i++)
		printf("%s %s", i > 0 ? "," : "", s->templates[i]);
	puts("\n");
}

static json_t *
json_service(const struct pki_service *s, const struct pkix_cert *cert)
{
	char *sha1 = hex_encode(view_of(cert->sha1, sizeof cert->sha1), '\0'),
	     *subject = pkix_name_text(cert->subject);
	json_t *value = json_pack("{s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:o}", "name", s->name,
	    "display_name", s->display_name, "host", s->host, "url", s->url, "site", s->site,
	    "subject", subject, "certificate_hash", sha1, "templates",
	    json_names(s->templates, s->template_count));

	free(sha1);
	free(subject);
	return value;
}

enum cli_exit
cmd_cas(struct cli *cli)
{
	struct session session = {0};
	json_t *list = json_array();
	enum cli_exit status = CLI_OK;
	struct err err;

	if (!session_open(cli, &session, &err) || !session_pki(&session, &err)) {
		status = cli_fail(cli, &err);
		goto out;
	}
	for (size_t i = 0; i < session.service_count; i++) {
		struct pkix_cert cert = {0};

		if (!pkix_cert_decode(buf_view(&session.services[i].certificate), &cert, &err)) {
			fprintf(stderr, "dirca cas: %s: %s\n", session.services[i].name, err.msg);
			continue;
		}
		if (cli->opt.json)
			json_array_append_new(list, json_service(&session.services[i], &cert));
		else
			print_service(&session.services[i], &cert);
		pkix_cert_free(&cert);
	}
	if (cli->opt.json)
		print_json(json_incref(list));
	else if (session.service_count == 0)
		puts("The directory names no certification authority.");
out:
	json_decref(list);
	session_close(&session);
	return status;
}

/* ---- templates ---- */

/* CAs that issue a template, comma-separated; free(). */
static char *
issuers(const struct session *s, const char *cn)
{
	char *list = strdup("");

	for (size_t i = 0; list != NULL && i < s->service_count; i++)
		for (size_t k = 0; k < s->services[i].template_count; k++)
			if (text_eq_nocase(s->services[i].templates[k], cn)) {
				char *longer = text_printf(
				    "%s%s%s", list, *list != '\0' ? "," : "", s->services[i].name);

				free(list);
				list = longer;
				break;
			}
	return list;
}

static void
print_template_row(const struct tmpl *t, const char *cas)
{
	printf("%-32s v%d %-8s %-6s %s\n", t->cn, t->schema_version,
	    tmpl_requires_key_archival(t) ? "archive" : "-", tmpl_pends(t) ? "pends" : "-",
	    *cas != '\0' ? cas : "-");
}

static json_t *
json_template(const struct tmpl *t, const char *cas)
{
	return json_pack("{s:s, s:s?, s:s?, s:i, s:i, s:i, s:b, s:b, s:i, s:I, s:s}", "name", t->cn,
	    "display_name", t->display_name, "oid", t->oid, "schema_version", t->schema_version,
	    "major_version", (int)t->major, "minor_version", (int)t->minor, "archival",
	    (int)tmpl_requires_key_archival(t), "pends", (int)tmpl_pends(t), "minimal_key_size",
	    (int)t->min_key_size, "validity_seconds", (json_int_t)t->validity, "cas", cas);
}

static bool
show_template(const struct session *s, const struct dir_entry *e, json_t *list, bool as_json)
{
	struct tmpl t = {0};
	char *cas = NULL;
	struct err err;

	if (!tmpl_decode(e, &t, &err)) {
		fprintf(stderr, "dirca templates: %s\n", err.msg);
		return false;
	}
	if ((cas = issuers(s, t.cn)) != NULL) {
		if (as_json)
			json_array_append_new(list, json_template(&t, cas));
		else
			print_template_row(&t, cas);
	}
	free(cas);
	tmpl_free(&t);
	return true;
}

enum cli_exit
cmd_templates(struct cli *cli)
{
	struct session session = {0};
	json_t *list = json_array();
	enum cli_exit status = CLI_OK;
	size_t shown = 0;
	struct err err;

	if (!session_open(cli, &session, &err) || !session_pki(&session, &err)) {
		status = cli_fail(cli, &err);
		goto out;
	}
	if (!cli->opt.json)
		printf(
		    "%-32s %-2s %-8s %-6s %s\n", "TEMPLATE", "", "ARCHIVAL", "QUEUE", "ISSUED BY");
	for (size_t i = 0; i < session.pki->templates.count; i++) {
		const struct dir_entry *e = &session.pki->templates.list[i];

		if (cli->count > 0 && !dir_entry_has_value_nocase(e, "cn", cli->args[0]))
			continue;
		if (show_template(&session, e, list, cli->opt.json))
			shown++;
	}
	if (cli->count > 0 && shown == 0) {
		err_set(&err, CRYPT_E_NOT_FOUND, "the directory has no template %s", cli->args[0]);
		status = cli_fail(cli, &err);
	} else if (cli->opt.json) {
		print_json(json_incref(list));
	}
out:
	json_decref(list);
	session_close(&session);
	return status;
}
