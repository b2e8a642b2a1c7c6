/* dirca cas: what the directory says of certification authorities. */
#include <stdlib.h>

#include "print.h"
#include "session.h"
#include "text.h"

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
