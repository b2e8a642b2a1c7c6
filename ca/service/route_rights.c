#include "mem.h"
#include "routes.h"

/* Read must be granted by itself here: that whoever may enroll can read ([MS-CSRA] 3.1.1.7) is
 * meant of the CA's certificates, not of everybody's requests. */
bool
route_may_view(const struct ca_view *view, const struct principal *p, struct err *err)
{
	static const uint32_t managing[] = {CA_RIGHT_AUDITOR, CA_RIGHT_OFFICER, CA_RIGHT_ADMIN};

	for (size_t i = 0; i < COUNT_OF(managing); i++)
		if (ca_check_right(view, p, managing[i], err))
			return true;
	return view->has_security &&
	       sd_check_mask(&view->security, &p->sids, CA_RIGHT_READ).allowed;
}

bool
route_may_watch(const struct ca_view *view, const struct principal *p, struct err *err)
{
	return ca_check_right(view, p, CA_RIGHT_AUDITOR, err) ||
	       ca_check_right(view, p, CA_RIGHT_ADMIN, err);
}
