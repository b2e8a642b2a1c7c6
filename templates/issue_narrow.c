/* What a certificate manager takes from a plan before the approval. */
#include "issue.h"

#include <stdlib.h>

#include "mem.h"
#include "tmpl_priv.h"

/* Keeps of `list` what is in `kept`; the array is *own_out, the texts stay whose they are. */
static void
keep(struct texts *list, const struct texts *kept, char ***own_out)
{
	char **own = mem_zero(list->count + 1, sizeof *own);
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		if (texts_has(kept, list->list[i]))
			own[count++] = list->list[i];
	free(*own_out);
	*own_out = own;
	*list = (struct texts){own, count};
}

static bool
check_subset(const struct issue_plan *p, const struct texts *wanted, const struct texts *given,
    const char *what, struct err *err)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (!texts_has(given, wanted->list[i]))
			return err_set(err, CERTSRV_E_TEMPLATE_CONFLICT,
			    "template %s: a certificate manager set %s %s, which the template does "
			    "not give",
			    p->template_cn, what, wanted->list[i]);
	return wanted->count > 0 ||
	       err_set(err, CERTSRV_E_TEMPLATE_CONFLICT,
		   "template %s: a certificate manager left no %s", p->template_cn, what);
}

bool
issue_narrow_usages(
    struct issue_plan *p, const struct texts *usages, bool critical, struct err *err)
{
	if (!check_subset(p, usages, &p->eku, "extended key usage", err))
		return false;
	keep(&p->eku, usages, &p->chosen_usages);
	if (p->application_policies.count > 0)
		keep(&p->application_policies, usages, &p->chosen_application);
	p->eku_critical = p->eku_critical || critical;
	return true;
}

bool
issue_narrow_policies(struct issue_plan *p, const struct texts *policies, struct err *err)
{
	if (!check_subset(p, policies, &p->policies, "issuance policy", err))
		return false;
	keep(&p->policies, policies, &p->chosen_policies);
	return true;
}

/* An archived key is one that something can be encrypted to. */
bool
issue_narrow_key_usage(struct issue_plan *p, const uint8_t usage[2], bool critical, struct err *err)
{
	if ((usage[0] & ~p->key_usage[0]) != 0 || (usage[1] & ~p->key_usage[1]) != 0 ||
	    (usage[0] == 0 && usage[1] == 0))
		return err_set(err, CERTSRV_E_TEMPLATE_CONFLICT,
		    "template %s: a certificate manager set key usage %02x%02x, and the template "
		    "gives %02x%02x",
		    p->template_cn, usage[0], usage[1], p->key_usage[0], p->key_usage[1]);
	if (p->archive && (usage[0] & KU_ENCRYPTS) == 0)
		return err_set(err, DIRCA_E_SIGNATURE_KEY,
		    "template %s archives the key, and a certificate manager left a key usage that "
		    "only signs",
		    p->template_cn);
	p->key_usage[0] = usage[0];
	p->key_usage[1] = usage[1];
	p->key_usage_critical = p->key_usage_critical || critical;
	return true;
}

bool
issue_shorten(struct issue_plan *p, int64_t not_after, int64_t now, struct err *err)
{
	if (not_after <= now)
		return err_set(err, ERROR_INVALID_DATA,
		    "template %s: the end that a certificate manager set is over", p->template_cn);
	if (not_after < p->not_after)
		p->not_after = not_after;
	return true;
}
