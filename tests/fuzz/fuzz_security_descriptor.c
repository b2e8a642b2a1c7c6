/* Input: a self-relative security descriptor. What decodes survives encoding and SDDL, also as
 * officer rights. */
#include <stdint.h>
#include <stdlib.h>

#include "../support/sd_equal.h"
#include "officer.h"
#include "sd_effective.h"
#include "sd_review.h"
#include "sd_text.h"
#include "target.h"

static void
check_bytes(const struct sd *sd)
{
	struct buf raw;
	struct err err;
	struct sd again;

	require(sd_encode(sd, &raw, &err));
	require(sd_decode(buf_view(&raw), &again, &err));
	require(sd_equal(sd, &again));
	sd_free(&again);
	buf_free(&raw);
}

static void
check_text(const struct sd *sd)
{
	static const struct sid domain = {4, 5, {21, 1, 2, 3}};
	const struct sddl_domains domains = {&domain, NULL};
	char *texts[] = {sd_to_sddl(sd), sd_to_sddl_aliases(sd, &domains)};
	struct err err;
	struct sd again;

	for (size_t i = 0; i < 2; i++) {
		require(texts[i] != NULL);
		require(sd_from_sddl_in(texts[i], &domains, &again, &err));
		require(sd_equal_but_control(sd, &again));
		sd_free(&again);
		free(texts[i]);
	}
}

static void
check_sentences(const struct sd *sd)
{
	for (size_t i = 0; i < sd->count; i++) {
		char *text;

		require(sd_ace_text(&sd->aces[i], SD_RIGHTS_DS, &text));
		free(text);
	}
}

/* A descriptor has no differences from itself. */
static void
check_review(const struct sd *sd)
{
	struct sd_differences differences;
	struct sd_findings findings;

	sd_compare(sd, sd, &differences);
	require(differences.count == 0);
	sd_review(sd, &findings);
	for (size_t i = 0; i < findings.count; i++)
		require(findings.list[i].ace >= SD_NULL_DACL &&
			(findings.list[i].ace < 0 || (size_t)findings.list[i].ace < sd->count));
	sd_differences_free(&differences);
	sd_findings_free(&findings);
}

static void
require_sane(const struct sd *sd, struct sd_verdict v)
{
	require(v.ace >= SD_OWNER && (v.ace < 0 || (size_t)v.ace < sd->count));
}

static void
check_access(const struct sd *sd)
{
	struct sid list[] = {SID_EVERYONE, SID_AUTHENTICATED_USERS};
	const struct sids sids = {list, 2}, nobody = {NULL, 0};
	const struct sd_request most = {.mask = SD_MAXIMUM_ALLOWED};
	struct sd_verdict v = sd_check_extended_right(sd, &sids, GUID_RIGHT_ENROLL);
	struct sd_trustees trustees;
	struct err err;

	require_sane(sd, v);
	require(!v.allowed || v.ace != SD_NO_ACE);
	require(!sd_check_extended_right(sd, &nobody, GUID_RIGHT_ENROLL).allowed || !sd->has_dacl);
	require(!sd_check_mask(sd, &nobody, 1).allowed || !sd->has_dacl);
	/* Whatever is granted at most can be had by asking for it. */
	v = sd_check(sd, &sids, &most);
	require(!v.allowed || sd_check_mask(sd, &sids, v.granted).allowed);
	require(sd_effective_trustees(sd, &SD_ASKS_WRITE_DACL, &trustees, &err));
	sd_trustees_free(&trustees);
}

static void
check_officer(const struct sd *sd)
{
	struct officer_rules rules, again;
	const struct sids nobody = {NULL, 0};
	struct err err;
	struct buf raw;
	struct sd written;

	if (!officer_rules_decode(sd, &rules, &err))
		return;
	/* A NULL DACL restricts nobody. */
	require(rules.unrestricted == !sd->has_dacl);
	require(rules.unrestricted || !officer_may(&rules, &nobody, &nobody, "EFS", NULL));
	if (officer_rules_encode(&rules, &raw, &err)) {
		require(sd_decode(buf_view(&raw), &written, &err));
		require(officer_rules_decode(&written, &again, &err));
		require(rules.count == again.count && rules.unrestricted == again.unrestricted);
		for (size_t i = 0; i < rules.count; i++)
			require(rules.list[i].deny == again.list[i].deny &&
				rules.list[i].requesters.count == again.list[i].requesters.count &&
				(rules.list[i].template_cn == NULL) ==
				    (again.list[i].template_cn == NULL));
		officer_rules_free(&again);
		sd_free(&written);
		buf_free(&raw);
	} else {
		require(err.code == DIRCA_E_TOO_LARGE);
	}
	officer_rules_free(&rules);
}

int
target(const uint8_t *data, size_t size)
{
	struct err err;
	struct sd sd;

	if (!sd_decode(view_of(data, size), &sd, &err))
		return 0;
	check_bytes(&sd);
	check_text(&sd);
	check_sentences(&sd);
	check_review(&sd);
	check_access(&sd);
	check_officer(&sd);
	sd_free(&sd);
	return 0;
}
