#include "enroll_priv.h"

#include "log.h"

struct publication {
	const char *ca_name, *user_dn;
	struct view certificate;
	int64_t now;
};

static bool
publish_user(struct dir_conn *c, void *arg, struct err *err)
{
	const struct publication *p = arg;

	return pki_publish_user_certificate(c, p->user_dn, p->certificate, err);
}

static bool
publish_kra(struct dir_conn *c, void *arg, struct err *err)
{
	const struct publication *p = arg;

	return pki_publish_kra(c, p->ca_name, p->certificate, p->now, err);
}

void
enroll_publish(struct ca *ca, const struct issue_plan *plan, const struct principal *requester,
    struct view certificate, int64_t now)
{
	struct publication p = {ca->config->ca_name, requester->dn, certificate, now};
	struct err err;

	if (plan->publish_to_ds && !ca_directory_do(ca, publish_user, &p, &err))
		log_warn("certificate not published in the directory", LOG_STR("dn", requester->dn),
		    LOG_REASON(&err));
	if (plan->publish_to_kra && !ca_directory_do(ca, publish_kra, &p, &err))
		log_warn("KRA certificate not published in the directory",
		    LOG_STR("dn", requester->dn), LOG_REASON(&err));
}
