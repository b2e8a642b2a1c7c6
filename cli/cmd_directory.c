/* dirca cas: what the directory says of certification authorities. */
#include <stdlib.h>

#include "own_json.h"
#include "print.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

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
	printf("\"%s\\%s\"\n  URL: %s\n", s->host != NULL ? s->host : "?", pki_service_title(s),
	    s->url);
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
	OWNED(own_memory) char *sha1 = hex_encode(view_of(cert->sha1, sizeof cert->sha1), '\0');
	OWNED(own_memory) char *subject = pkix_name_text(cert->subject);

	return json_pack("{s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:o}", "name", s->name,
	    "display_name", s->display_name, "host", s->host, "url", s->url, "site", s->site,
	    "subject", subject, "certificate_hash", sha1, "templates",
	    json_names(s->templates, s->template_count));
}

bool
cmd_cas(struct work *w, struct err *err)
{
	const struct session *s = &w->session;
	OWNED(own_json) json_t *list = json_array();

	(void)err;
	for (size_t i = 0; i < s->service_count; i++) {
		const struct pki_service *service = &s->services[i];
		OWNED(pkix_cert_free) struct pkix_cert cert = {0};
		struct err why;

		if (!pkix_cert_decode(buf_view(&service->certificate), &cert, &why))
			fprintf(stderr, "dirca cas: %s: %s\n", service->name, why.msg);
		else if (w->cli->opt.json)
			json_array_append_new(list, json_service(service, &cert));
		else
			print_service(service, &cert);
	}
	if (w->cli->opt.json)
		print_json(own_give(&list));
	else if (s->service_count == 0)
		puts("The directory names no certification authority.");
	return true;
}
