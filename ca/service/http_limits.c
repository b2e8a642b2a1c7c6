#include "http_limits.h"

#include <string.h>
#include <netinet/in.h>

static size_t
least_one(size_t n)
{
	return n > 0 ? n : 1;
}

void
http_limits_set(
    struct http_limits *l, size_t most, size_t most_of_source, bool has_plain, bool has_metrics)
{
	size_t local = least_one(most / 8), plain = has_plain ? least_one(most / 4) : 0;
	size_t metrics = !has_metrics ? 0 : most < 32 ? 2 : most / 16;
	size_t others = local + plain + metrics;
	const size_t shares[HTTP_CHANNELS] = {
	    [HTTP_TLS] = most > others ? most - others : 1,
	    [HTTP_PLAIN] = plain,
	    [HTTP_LOCAL] = local,
	    [HTTP_METRICS] = metrics,
	};

	*l = (struct http_limits){0};
	for (size_t i = 0; i < HTTP_CHANNELS; i++) {
		size_t half = least_one(shares[i] / 2);

		l->of[i].most = shares[i];
		l->of[i].most_of_source = most_of_source < half ? most_of_source : half;
	}
}

struct http_source
http_source_of_address(const struct sockaddr *address)
{
	struct http_source s = {{0}};

	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)address;

		s.key[10] = s.key[11] = 0xff; /* as a mapped address */
		memcpy(s.key + 12, &in->sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)address;

		memcpy(s.key, &in6->sin6_addr, IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) ? 16 : 8);
	}
	return s;
}

struct http_source
http_source_of_uid(uid_t uid)
{
	struct http_source s = {{0}};

	memcpy(s.key, &uid, sizeof uid);
	return s;
}

static bool
same_source(const struct http_client *a, const struct http_client *b)
{
	return memcmp(&a->source, &b->source, sizeof a->source) == 0;
}

bool
http_limits_room(
    const struct http_limits *l, const struct http_client *c, struct http_client **gives_way_out)
{
	const struct http_share *share = &l->of[c->channel];
	struct http_client *of_source = NULL, *of_all = NULL;
	size_t count = 0;

	*gives_way_out = NULL;
	for (struct http_client *i = share->first; i != NULL; i = i->next) {
		bool same = same_source(i, c);

		count += same;
		if (i->busy)
			continue;
		if (of_all == NULL || i->rank < of_all->rank)
			of_all = i;
		if (same && (of_source == NULL || i->rank < of_source->rank))
			of_source = i;
	}
	if (count >= share->most_of_source)
		*gives_way_out = of_source;
	else if (share->open >= share->most)
		*gives_way_out = of_all;
	else
		return true;
	return *gives_way_out != NULL;
}

void
http_limits_add(struct http_limits *l, struct http_client *c)
{
	struct http_share *share = &l->of[c->channel];

	c->prev = share->last;
	c->next = NULL;
	if (share->last != NULL)
		share->last->next = c;
	else
		share->first = c;
	share->last = c;
	share->open++;
}

void
http_limits_remove(struct http_limits *l, struct http_client *c)
{
	struct http_share *share = &l->of[c->channel];

	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		share->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	else
		share->last = c->prev;
	c->prev = c->next = NULL;
	share->open--;
}

void
http_limits_idle(struct http_limits *l, struct http_client *c)
{
	c->busy = false;
	http_limits_remove(l, c);
	http_limits_add(l, c);
}
