/* dirca cas: what the directory says of certification authorities. */
#include <stdlib.h>

#include "listing.h"
#include "mem.h"
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

static const struct table_column columns[] = {
    {"name", TABLE_KEPT, false, NULL},
    {"display_name", TABLE_TEXT, false, NULL},
    {"host", TABLE_KEPT, false, NULL},
    {"url", TABLE_KEPT, false, NULL},
    {"site", TABLE_TEXT, false, NULL},
    {"subject", TABLE_TEXT, false, NULL},
    {"certificate_hash", TABLE_HEX, false, NULL},
    {"templates", TABLE_TEXT, false, NULL},
};
static const struct table table = {columns, COUNT_OF(columns), "name,url,templates", NULL};

static void
show_service(struct listing *l, const struct pki_service *service)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(own_json) json_t *row = NULL;
	struct err why;

	if (!pkix_cert_decode(buf_view(&service->certificate), &cert, &why)) {
		fprintf(stderr, "dirca cas: %s: %s\n", service->name, why.msg);
		return;
	}
	row = json_service(service, &cert);
	if (listing_add(l, row))
		print_service(service, &cert);
}

bool
cmd_cas(struct work *w, struct err *err)
{
	const struct session *s = &w->session;
	OWNED(listing_free) struct listing l = {0};

	if (!listing_open(&l, &table, &w->cli->opt, err))
		return false;
	listing_in_own_way(&l, &w->cli->opt);
	for (size_t i = 0; i < s->service_count; i++)
		show_service(&l, &s->services[i]);
	if (l.format == LISTING_OWN && s->service_count == 0)
		puts("The directory names no certification authority.");
	listing_end(&l);
	return true;
}
