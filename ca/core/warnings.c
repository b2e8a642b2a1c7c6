/* What an administrator should see to before it becomes somebody's trouble. */
#include "ca_priv.h"

#include "clock.h"
#include "own.h"
#include "publication.h"
#include "text.h"

#define DAY_S INT64_C(86400)
/* A CA certificate is renewed by people, and by a parent that may take its time. */
#define CA_NOTICE_S (60 * DAY_S)

static void
warn_of_ca_certificate(const struct ca *ca, int64_t now, struct texts *out)
{
	char until[21];

	clock_format(ca->issuer->cert.not_after, until);
	if (now > ca->issuer->cert.not_after)
		texts_take(
		    out, text_printf("the CA certificate ended on %s: nothing is issued", until));
	else if (now > ca->issuer->cert.not_after - CA_NOTICE_S)
		texts_take(out,
		    text_printf("the CA certificate ends on %s, in %lld days, and what is issued "
				"ends with it",
			until, (long long)((ca->issuer->cert.not_after - now) / DAY_S)));
}

static void
warn_of_chain(const struct ca_view *v, int64_t now, struct texts *out)
{
	struct err err;

	if (!ca_check_chain(v, now, &err))
		texts_take(out, text_printf("nothing is issued: %s", err.msg));
}

void
ca_warnings(struct ca *ca, int64_t now, struct texts *out)
{
	OWNED(ca_view_release) struct ca_view *view = ca_view_get(ca);
	struct err err;

	if (view->security_problem != NULL)
		texts_add(out, view->security_problem);
	warn_of_ca_certificate(ca, now, out);
	warn_of_chain(view, now, out);
	if (view->standalone && settings_issue_at_once(&view->settings))
		texts_take(out, text_printf("who may enroll gets what he asks for, and no "
					    "certificate manager looks at it: %s is REQDISP_ISSUE",
				    setting_name(SETTING_REQUEST_DISPOSITION)));
	if (!check_service(ca, now, &err))
		texts_add(out, err.msg);
	ca_publication_warnings(ca, out);
	pthread_mutex_lock(&ca->state->lock);
	for (size_t i = 0; i < ca->state->restored.count; i++)
		texts_add(out, ca->state->restored.list[i]);
	pthread_mutex_unlock(&ca->state->lock);
}
