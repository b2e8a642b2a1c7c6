/*
 * Nobody is certified for the host of a CA's service: clients would speak to whoever holds such a
 * certificate as to the CA. The names are those that the certificate would hold, so that it does
 * not matter whether the request or the directory supplied them. (The service's own certificate is
 * made by `dirca ca init`, not here.)
 */
#include "enroll_priv.h"

#include "own.h"

static bool
check_name(const struct enrollment *e, const char *name, struct err *err)
{
	const struct texts *hosts = &e->view->service_hosts;

	for (size_t i = 0; i < hosts->count; i++)
		if (pkix_host_matches(name, hosts->list[i]))
			return err_set(err, DIRCA_E_SERVICE_NAME,
			    "the certificate would be for '%s', but %s is the host of a CA's "
			    "enrollment service, for which nobody else may be taken",
			    name, hosts->list[i]);
	return true;
}

bool
enroll_check_service_names(struct enrollment *e, struct err *err)
{
	OWNED(texts_free) struct texts names = {0};

	if (!pkix_host_names(buf_view(&e->names.subject), buf_view(&e->names.san), &names, err))
		return false;
	for (size_t i = 0; i < names.count; i++)
		if (!check_name(e, names.list[i], err))
			return false;
	return true;
}
