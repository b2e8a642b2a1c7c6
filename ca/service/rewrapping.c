#include "rewrapping.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/sha.h>

#include "kra_coverage.h"
#include "local_acts_priv.h"
#include "local_audit.h"
#include "mem.h"
#include "own.h"
#include "text.h"

void
rewrapping_free(struct rewrapping *r)
{
	enabled_kras_free(&r->kras);
	store_close(&r->store);
	free(r->actor);
}

bool
rewrapping_begin(struct rewrapping *r, struct err *err)
{
	r->actor = local_actor(getuid());
	return act_open_store(r->config, NULL, &r->store, err) &&
	       enabled_kras_living(&r->kras, r->store, err);
}

void
rewrapping_show(const struct rewrapping *r)
{
	if (r->shows_progress)
		fprintf(stderr, "\r%" PRId64 " keys ", r->done + r->there + r->refused);
}

void
rewrapping_end(const struct rewrapping *r)
{
	if (r->shows_progress)
		fputs("\r\033[K", stderr);
}

void
rewrapping_hash(struct view octets, uint8_t out[REWRAP_HASH])
{
	SHA256(octets.ptr, octets.len, out);
}

bool
rewrapping_check_agents(
    const struct rewrapping *r, const struct pkix_cert *const *kras, size_t count, struct err *err)
{
	OWNED(own_memory) const struct pkix_cert **agents = mem_zero(count, sizeof(*agents));
	size_t needed = r->kras.needed;

	if (needed < (size_t)r->config->kra_minimum)
		needed = (size_t)r->config->kra_minimum;
	if (count > 0)
		memcpy(agents, kras, count * sizeof(*agents));
	if (count > 0 && count >= needed &&
	    kra_agents(agents, count, !r->config->allow_same_holder) == count)
		return true;
	return err_set(err, CERTSRV_E_NO_VALID_KRA,
	    "each key is sealed to at least %zu different key recovery agents, and these are %zu",
	    needed, kra_agents(agents, count, !r->config->allow_same_holder));
}

char *
rewrapping_hashes(const struct pkix_cert *const *kras, size_t count, size_t threshold)
{
	char *text = mem_text("");

	for (size_t i = 0; i < count; i++) {
		OWNED(own_memory)
		char *sha1 = hex_encode(view_of(kras[i]->sha1, sizeof kras[i]->sha1), ' ');

		text_list_add(&text, "\n", sha1);
	}
	return kra_hashes_close(text, threshold);
}

char *
rewrapping_one_line(char *hashes)
{
	char *to = hashes;

	for (const char *p = hashes; *p != '\0'; p++)
		if (*p == '\n')
			*to++ = ',';
		else if (*p != ' ')
			*to++ = *p;
	*to = '\0';
	return hashes;
}
