/* Answers questions about security descriptors, one a line on standard input with tabs between its
 * fields, one line each on standard output; for tests/support/sd_oracle.py.
 *   recode HEX           the descriptor decoded and encoded
 *   sddl HEX             as SDDL
 *   aliases DOMAIN HEX   as SDDL with aliases
 *   parse DOMAIN SDDL    the bytes that SDDL means
 *   mask HEX SIDS MASK   "1" or "0", and the rights granted; SIDS with ',' between them
 *   right HEX SIDS GUID  the same for an extended right
 *   property HEX SIDS MASK ATTRIBUTE SET   the same for an attribute; SET may be empty
 * Whatever fails is "error" and a sentence. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sd.h"

#define FIELDS_MAX 6

static bool
decode(const char *hex, struct sd *out, struct err *err)
{
	struct buf raw;
	bool ok;

	if (!hex_decode(hex, &raw, err))
		return false;
	ok = sd_decode(buf_view(&raw), out, err);
	buf_free(&raw);
	return ok;
}

static bool
print_bytes(const struct sd *sd, struct err *err)
{
	struct buf raw;
	char *hex;

	if (!sd_encode(sd, &raw, err))
		return false;
	if ((hex = hex_encode(buf_view(&raw), '\0')) != NULL)
		puts(hex);
	free(hex);
	buf_free(&raw);
	return hex != NULL || err_nomem(err);
}

static bool
print_text(char *text, struct err *err)
{
	if (text == NULL)
		return err_nomem(err);
	puts(text);
	free(text);
	return true;
}

static bool
sids_of(char *list, struct sids *out, struct err *err)
{
	char *one;

	while ((one = strsep(&list, ",")) != NULL) {
		struct sid sid;

		if (*one == '\0')
			continue;
		if (!sid_from_text(one, &sid))
			return err_set(err, E_INVALIDARG, "%s is no SID", one);
		if (!sids_add(out, &sid, err))
			return false;
	}
	return true;
}

static bool
check(const char *what, char *fields[FIELDS_MAX], const struct sd *sd, struct err *err)
{
	uint8_t guid[GUID_LEN], set[GUID_LEN];
	struct sd_verdict v = {0};
	struct sids sids = {0};
	bool ok = sids_of(fields[2], &sids, err);

	if (ok && strcmp(what, "mask") == 0)
		v = sd_check_mask(sd, &sids, (uint32_t)strtoul(fields[3], NULL, 0));
	else if (ok && strcmp(what, "right") == 0 && guid_from_text(fields[3], guid))
		v = sd_check_extended_right(sd, &sids, guid);
	else if (ok && strcmp(what, "property") == 0 && guid_from_text(fields[4], guid))
		v = sd_check_property(sd, &sids, (uint32_t)strtoul(fields[3], NULL, 0), guid,
		    guid_from_text(fields[5], set) ? set : NULL);
	else if (ok)
		ok = err_set(err, E_INVALIDARG, "what is %s?", what);
	if (ok)
		printf("%d %" PRIu32 "\n", v.allowed, v.granted);
	sids_free(&sids);
	return ok;
}

static bool
answer(char *fields[FIELDS_MAX], struct err *err)
{
	const char *what = fields[0];
	struct sid domain;
	struct sddl_domains domains = {&domain, NULL};
	struct sd sd = {0};
	bool ok;

	if (strcmp(what, "aliases") == 0 || strcmp(what, "parse") == 0)
		if (!sid_from_text(fields[1], &domain))
			return err_set(err, E_INVALIDARG, "%s is no SID", fields[1]);
	if (strcmp(what, "parse") == 0)
		ok = sd_from_sddl_in(fields[2], &domains, &sd, err) && print_bytes(&sd, err);
	else if (strcmp(what, "aliases") == 0)
		ok = decode(fields[2], &sd, err) &&
		     print_text(sd_to_sddl_aliases(&sd, &domains), err);
	else if (!decode(fields[1], &sd, err))
		ok = false;
	else if (strcmp(what, "recode") == 0)
		ok = print_bytes(&sd, err);
	else if (strcmp(what, "sddl") == 0)
		ok = print_text(sd_to_sddl(&sd), err);
	else
		ok = check(what, fields, &sd, err);
	sd_free(&sd);
	return ok;
}

int
main(void)
{
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, stdin) > 0) {
		char empty[] = "", *rest = line;
		char *fields[FIELDS_MAX] = {empty, empty, empty, empty, empty, empty};
		struct err err;

		line[strcspn(line, "\n")] = '\0';
		for (size_t i = 0; i < FIELDS_MAX && rest != NULL; i++)
			fields[i] = strsep(&rest, "\t");
		if (!answer(fields, &err))
			printf("error %s\n", err.msg);
		fflush(stdout);
	}
	free(line);
	return 0;
}
