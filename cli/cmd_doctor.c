/* dirca doctor directory */
#include <stdlib.h>
#include <string.h>

#include "daemon_config.h"
#include "doctor.h"
#include "print.h"
#include "session.h"

/* As whom the directory is examined: as dircad, if its configuration is named, else as the caller.
 */
struct patient {
	struct config *config;
	struct session session;
	struct dir_config directory;
};

static bool
patient_open(const struct cli *cli, struct patient *p, struct err *err)
{
	*p = (struct patient){0};
	if (cli->opt.daemon_config != NULL) {
		if (!load_daemon_config(cli, &p->config, err) ||
		    !config_read_password(p->config, err))
			return false;
		config_directory(p->config, &p->directory);
		return true;
	}
	if (!session_open(cli, &p->session, err))
		return false;
	if (p->session.uri == NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "no directory is named; use -H, `uri` in dirca.conf, or -c for that of dircad");
	p->directory = p->session.dir_config;
	return true;
}

static void
patient_close(struct patient *p)
{
	session_close(&p->session);
	config_free(&p->config);
}

static const char *
verdict_name(enum doctor_verdict v)
{
	switch (v) {
	case DOCTOR_GOOD:
		return "good";
	case DOCTOR_NOTE:
		return "note";
	case DOCTOR_MISSING:
		break;
	}
	return "missing";
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

		printf("  %-8s%s: %s\n", verdict_name(f->verdict), f->check, f->text);
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

		json_array_append_new(
		    findings, json_pack("{s:s, s:s, s:s, s:s?}", "check", f->check, "verdict",
				  verdict_name(f->verdict), "text", f->text, "cure", f->cure));
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
static bool
examine(const struct patient *p, const char *uri, json_t *list, size_t *missing, struct err *err)
{
	struct doctor_report report;

	if (!doctor_examine(&p->directory, uri, &report, err))
		return false;
	*missing += report.missing;
	if (list != NULL)
		json_array_append_new(list, json_report(&report));
	else
		print_report(&report);
	doctor_report_free(&report);
	return true;
}

enum cli_exit
cmd_doctor_directory(struct cli *cli)
{
	json_t *list = cli->opt.json ? json_array() : NULL;
	enum cli_exit status = CLI_OK;
	char *uris = NULL, *rest, *uri;
	struct patient patient;
	size_t missing = 0, examined = 0;
	struct err err;
	bool ok;

	ok = patient_open(cli, &patient, &err) &&
	     ((uris = strdup(patient.directory.uris)) != NULL || err_nomem(&err));
	rest = uris;
	while (ok && (uri = strsep(&rest, " \t\n")) != NULL)
		if (*uri != '\0') {
			ok = examine(&patient, uri, list, &missing, &err);
			examined++;
		}
	if (ok && examined == 0)
		ok = err_set(&err, DIRCA_E_USAGE, "the list of directory URIs is empty");
	if (!ok)
		status = cli_fail(cli, &err);
	else if (missing > 0)
		status = CLI_FAILED;
	if (ok && list != NULL)
		print_json(json_incref(list));
	json_decref(list);
	free(uris);
	patient_close(&patient);
	return status;
}
