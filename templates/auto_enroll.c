#include "auto_enroll.h"

#include "escalation.h"

const char *
tmpl_auto_refusal(const struct tmpl *t, const struct sids *sids, bool with_kra)
{
	if ((t->enrollment_flag & CT_FLAG_AUTO_ENROLLMENT) == 0)
		return "it is not for clients that enroll by themselves";
	if (!t->has_sd || !sd_check_extended_right(&t->sd, sids, GUID_RIGHT_ENROLL).allowed ||
	    !sd_check_extended_right(&t->sd, sids, GUID_RIGHT_AUTOENROLL).allowed)
		return "the caller lacks Enroll or Autoenroll";
	if ((t->flags & (CT_FLAG_IS_CA | CT_FLAG_IS_CROSS_CA)) != 0)
		return "it makes CAs";
	if ((t->name_flag & (CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT |
				CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT_ALT_NAME)) != 0)
		return "the enrollee supplies the name";
	if (t->ra_signatures > 0)
		return "it demands a signature of a registration authority";
	if (!with_kra && tmpl_has_purpose(t, OID_KEY_RECOVERY_AGENT))
		return "it makes key recovery agents";
	return NULL;
}

enum tmpl_auto
tmpl_auto_act(const struct tmpl *t, const struct tmpl_held *held, int64_t now)
{
	int64_t period = t->overlap;

	if (held == NULL || now >= held->not_after)
		return TMPL_AUTO_ENROLL;
	if ((t->enrollment_flag & CT_FLAG_SKIP_AUTO_RENEWAL) != 0)
		return TMPL_AUTO_NOTHING;
	/* Else what lives shorter than the period would be renewed for ever. */
	if (period > (held->not_after - held->not_before) / 2)
		period = (held->not_after - held->not_before) / 2;
	if (now >= held->not_after - period || (held->has_version && held->major < t->major))
		return TMPL_AUTO_RENEW;
	return TMPL_AUTO_NOTHING;
}
