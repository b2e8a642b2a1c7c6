/* What the tests of security descriptors share: a domain, descriptors from SDDL or a fixture, and
 * tokens written as "1105 AU": relative identifiers of the domain, or aliases of SDDL. */
#ifndef SUPPORT_SD_ROWS_H
#define SUPPORT_SD_ROWS_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "sd.h"
#include "sid_alias.h"

#define DOMAIN   "S-1-5-21-3330634377-1326264276-632209373"
#define ENROLL   "0e10c968-78fb-11d2-90d4-00c04f79dc55"
#define AUTO     "a05b8cc2-17bc-4802-a710-e7c15ab866a2"
#define FULL     "CCDCLCSWRPWPDTLOSDRCWDWO" /* 0xF00FF, "full control" of the template snap-in */
#define OG       "O:" DOMAIN "-519G:" DOMAIN "-519"
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static inline const struct sid *
test_domain(void)
{
	static const struct sid domain = {4, 5, {21, 3330634377, 1326264276, 632209373}};

	return &domain;
}

static inline struct buf
fixture(const char *name)
{
	struct buf raw;
	struct err err;
	char path[512];

	snprintf(path, sizeof path, FIXTURES "/sd/%s.bin", name);
	assert_true(file_read(path, 65536, &raw, &err));
	return raw;
}

static inline struct sd
from_sddl(const char *sddl)
{
	struct err err;
	struct sd sd;

	if (!sd_from_sddl(sddl, test_domain(), &sd, &err))
		fail_msg("%s: %s", sddl, err.msg);
	return sd;
}

static inline struct sid
sid_of(const char *name)
{
	const struct sddl_domains domains = {test_domain(), NULL};
	struct sid sid;

	if (isdigit((unsigned char)*name))
		assert_true(sid_with_rid(test_domain(), (uint32_t)strtoul(name, NULL, 10), &sid));
	else
		assert_int_equal(sid_of_alias(name, &domains, &sid), SID_ALIAS_OK);
	return sid;
}

static inline struct sids
sids_of(const char *names)
{
	char *copy = strdup(names), *rest = copy, *one;
	struct sids set = {0};
	struct err err;

	assert_non_null(copy);
	while ((one = strsep(&rest, " ")) != NULL) {
		struct sid sid;

		if (*one == '\0')
			continue;
		sid = sid_of(one);
		assert_true(sids_add(&set, &sid, &err));
	}
	free(copy);
	return set;
}

#endif
