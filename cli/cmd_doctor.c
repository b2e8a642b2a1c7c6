/* dirca doctor directory */
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "verbs.h"
#include "work.h"

/* As whom the directory is examined: as dircad, if its configuration is named, else as the caller.
 */
static bool
patient_of(struct work *w, struct dir_config *out, struct err *err)
{
	if (w->cli->opt.daemon_config != NULL) {
		return work_open(w, NEEDS_CONFIG, err) && config_directory(w->config, out, err) &&
		       config_read_password(w->config, err);
	}
	if (!work_open(w, NEEDS_SESSION, err) || !session_has_directory(&w->session, err))
		return false;
	*out = w->session.dir_config;
	return true;
}

static void
print_report(const struct doctor_report *r)
{
	printf("%s\n", r->uri);
	if (r->connected) {
		printf("  Server: %s\n  Configuration: %s\n  Principals: %s\n", r->vendor,
		    r->config_nc, r->default_nc);
		printf("  SASL: %s\n", *r->sasl_mechs != '\0' ? r->sasl_mechs : "-");
		printf("  Groups by: %s\n  Security descriptors by: %s\n  Changes by: %s\n",
		    r->groups, r->descriptors, r->watching != NULL ? r->watching : "-");
	}
	for (size_t i = 0; i < r->count; i++) {
		const struct doctor_finding *f = &r->findings[i];

		printf("  %-8s%s: %s\n", doctor_verdict_name(f->verdict), f->check, f->text);
		if (f->cure != NULL)
			printf("          cure: %s\n", f->cure);
	}
	puts("");
}

static json_t *
json_report(const struct doctor_report *r)
{
	json_t *findings = json_array();

	for (size_t i = 0; i < r->count; i++) {
		const struct doctor_finding *f = &r->findings[i];

		json_array_append_new(findings,
		    json_pack("{s:s, s:s, s:s, s:s?}", "check", f->check, "verdict",
			doctor_verdict_name(f->verdict), "text", f->text, "cure", f->cure));
	}
	return json_pack("{s:s, s:b, s:s?, s:s?, s:s?, s:s?, s:b, s:b, s:b, s:b, s:b, s:b, s:s?, "
			 "s:s?, s:s?, s:I, s:o}",
	    "uri", r->uri, "connected", (int)r->connected, "vendor", r->vendor, "sasl_mechanisms",
	    r->sasl_mechs, "configuration", r->config_nc, "principals", r->default_nc,
	    "active_directory", (int)r->is_ad, "sd_flags_control", (int)r->has_sd_flags,
	    "paging_control", (int)r->has_paging, "sync_control", (int)r->has_sync,
	    "notification_control", (int)r->has_notification, "dirsync_control",
	    (int)r->has_dirsync, "groups", r->groups, "descriptors", r->descriptors, "watching",
	    r->watching, "missing", (json_int_t)r->missing, "findings", findings);
}

/* Examines one server; `list` NULL: prints text. */
static void
examine_server(
    const struct dir_config *patient, const char *uri, bool tries, json_t *list, size_t *missing)
{
	OWNED(doctor_report_free) struct doctor_report report = {0};

	doctor_examine(patient, uri, tries, &report);
	*missing += report.missing;
	if (list != NULL)
		json_array_append_new(list, json_report(&report));
	else
		print_report(&report);
}

bool
cmd_doctor_directory(struct work *w, struct err *err)
{
	OWNED(own_json) json_t *list = w->cli->opt.json ? json_array() : NULL;
	OWNED(own_memory) char *uris = NULL;
	struct dir_config patient = {0};
	size_t missing = 0, examined = 0;
	char *rest, *uri;

	if (!patient_of(w, &patient, err))
		return false;
	rest = uris = mem_text(patient.uris);
	while ((uri = strsep(&rest, " \t\n")) != NULL) {
		if (*uri == '\0')
			continue;
		examine_server(&patient, uri, w->cli->opt.daemon_config != NULL, list, &missing);
		examined++;
	}
	if (examined == 0)
		return err_set(err, DIRCA_E_USAGE, "the list of directory URIs is empty");
	if (missing > 0)
		w->status = CLI_FAILED;
	if (list != NULL)
		print_json(own_give(&list));
	return true;
}
