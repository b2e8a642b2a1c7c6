/*
 * A second valid key pair for one purpose (paper, "Other Best Practices"): nothing is
 * refused for it, and everybody is told. Which of two keys something was encrypted to, people ask
 * when they look for it.
 */
#include "enroll_priv.h"

#include "clock.h"
#include "event.h"
#include "mem.h"
#include "own.h"
#include "person.h"
#include "text.h"

static bool
shares_usage(const struct tmpl *a, const struct tmpl *b)
{
	for (size_t i = 0; i < a->eku.count; i++)
		if (texts_has(&b->eku, a->eku.list[i]))
			return true;
	return a->eku.count == 0 && b->eku.count == 0;
}

/* That there may be one is no reason to fail. */
static bool
find_of(struct enrollment *e, const struct tmpl *t, struct store_valid_key *out)
{
	char sid[SID_TEXT_MAX];
	const struct store_valid_key_query q = {
	    .holder = person_of(e->requester, sid),
	    .template_name = t->cn,
	    .other_than = view_of(e->request.key_info_hash, sizeof e->request.key_info_hash),
	    .now = e->now,
	};
	struct err ignored;

	return store_find_valid_key(e->ca->store, &q, out, &ignored) == STORE_FOUND;
}

void
enroll_find_second_key(struct enrollment *e)
{
	struct store_valid_key found;
	char until[21];

	if (!tmpl_requires_key_archival(e->tmpl) || e->renewal != NULL)
		return;
	for (size_t i = 0; i < e->view->template_count; i++) {
		const struct tmpl *t = &e->view->templates[i];

		if (!tmpl_requires_key_archival(t) || !shares_usage(t, e->tmpl) ||
		    !find_of(e, t, &found))
			continue;
		clock_format(found.not_after, until);
		e->remark = text_printf(
		    "%s has another valid certificate with an archived key for the same purpose: "
		    "request %lld, template %s, until %s",
		    e->requester->downlevel, (long long)found.request_id, t->cn, until);
		return;
	}
}

char *
enroll_issued_text(const struct enrollment *e)
{
	return e->remark != NULL ? text_printf("Issued, but: %s", e->remark) : mem_text("Issued");
}

static struct ca_event
event_of(const struct enrollment *e, int64_t request_id, const char *number)
{
	return (struct ca_event){.id = EVENT_SECOND_KEY,
	    .when = e->now,
	    .request_id = request_id,
	    .values = {number, e->remark}};
}

bool
enroll_remark_keep(
    struct store_tx *tx, const struct enrollment *e, int64_t request_id, struct err *err)
{
	OWNED(own_memory) char *number = text_printf("%lld", (long long)request_id);
	const struct ca_event event = event_of(e, request_id, number);

	return e->remark == NULL || ca_event_keep(tx, e->ca, &event, err);
}

void
enroll_remark_tell(const struct enrollment *e, int64_t request_id)
{
	OWNED(own_memory) char *number = text_printf("%lld", (long long)request_id);
	const struct ca_event event = event_of(e, request_id, number);

	if (e->remark != NULL)
		ca_event_tell(e->ca, &event);
}
