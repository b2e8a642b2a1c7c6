#include "metrics.h"

#include <stdatomic.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "own.h"
#include "text.h"

/* Upper bounds of the histogram, in milliseconds; the one behind the last is +Inf. */
static const int64_t bounds_ms[] = {5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000};

static const enum err_code codes[] = {
#define METRIC_CODE(number, name, category, text) name,
    ERR_CODES(METRIC_CODE)
#undef METRIC_CODE
};

static const char *const lane_names[ROUTE_LANES] = {[ROUTE_WORK] = "work",
    [ROUTE_OPEN] = "open",
    [ROUTE_STATUS] = "status",
    [ROUTE_OCSP] = "ocsp",
    [ROUTE_METRICS] = "metrics"};

static const char *const ocsp_kinds[OCSP_KINDS] = {
    [OCSP_KIND_SIGNED] = "signed", [OCSP_KIND_KEPT] = "kept", [OCSP_KIND_FAILURE] = "failure"};

static const struct {
	const char *name, *type, *help;
} metrics[METRIC_COUNT] = {
#define METRIC_ROW(id, name, type, help) [id] = {name, type, help},
    METRICS(METRIC_ROW)
#undef METRIC_ROW
};

static struct {
	_Atomic int64_t started, recoveries, ocsp[OCSP_KINDS], notices[2];
	_Atomic int64_t refusals[COUNT_OF(codes)];
	_Atomic int64_t waiting[ROUTE_LANES];
	_Atomic int64_t answered[ROUTE_LANES][COUNT_OF(bounds_ms) + 1], ms[ROUTE_LANES];
} counted;

/* ---- counting ---- */

void
metrics_begin(void)
{
	atomic_store(&counted.started, clock_now());
}

void
metrics_queued(enum route_lane lane, int by)
{
	atomic_fetch_add(&counted.waiting[lane], by);
}

void
metrics_answered(enum route_lane lane, int64_t ms, enum err_code refusal)
{
	size_t bucket = 0;

	while (bucket < COUNT_OF(bounds_ms) && ms > bounds_ms[bucket])
		bucket++;
	atomic_fetch_add(&counted.answered[lane][bucket], 1);
	atomic_fetch_add(&counted.ms[lane], ms);
	for (size_t i = 0; refusal != ERR_OK && i < COUNT_OF(codes); i++)
		if (codes[i] == refusal)
			atomic_fetch_add(&counted.refusals[i], 1);
}

void
metrics_recovered(void)
{
	atomic_fetch_add(&counted.recoveries, 1);
}

void
metrics_ocsp(enum ocsp_kind kind)
{
	atomic_fetch_add(&counted.ocsp[kind], 1);
}

void
metrics_notice(bool told)
{
	atomic_fetch_add(&counted.notices[told], 1);
}

/* ---- telling ---- */

static bool
put(struct buf *to, const char *text, struct err *err)
{
	return buf_append(to, view_str(text), err);
}

/* A backslash, a quote and a newline have another meaning there. */
static bool
put_value(struct buf *to, const char *value, struct err *err)
{
	for (; *value != '\0'; value++) {
		const char *special = strchr("\\\"\n", *value);
		const char pair[] = {'\\', (char)(*value == '\n' ? 'n' : *value)};

		if (!buf_append(to, special != NULL ? view_of(pair, 2) : view_of(value, 1), err))
			return false;
	}
	return true;
}

static bool
put_label(struct buf *to, struct metric_label label, const char *before, struct err *err)
{
	return put(to, before, err) && put(to, label.name, err) && put(to, "=\"", err) &&
	       put_value(to, label.value, err) && put(to, "\"", err);
}

bool
metrics_head(struct buf *to, enum metric m, struct err *err)
{
	OWNED(own_memory)
	char *text = text_printf("# HELP %s %s\n# TYPE %s %s\n", metrics[m].name, metrics[m].help,
	    metrics[m].name, metrics[m].type);

	return put(to, text, err);
}

bool
metrics_sample_of(
    struct buf *to, enum metric m, struct metric_labels labels, int64_t value, struct err *err)
{
	OWNED(own_memory) char *number = text_printf(" %lld\n", (long long)value);

	if (!put(to, metrics[m].name, err))
		return false;
	for (size_t i = 0; i < labels.count; i++)
		if (!put_label(to, labels.list[i], i == 0 ? "{" : ",", err))
			return false;
	return (labels.count == 0 || put(to, "}", err)) && put(to, number, err);
}

bool
metrics_sample(
    struct buf *to, enum metric m, struct metric_label label, int64_t value, struct err *err)
{
	const struct metric_labels labels = {&label, label.name != NULL};

	return metrics_sample_of(to, m, labels, value, err);
}

/* "2.500" of 2500. */
static char *
seconds_text(int64_t ms)
{
	return text_printf("%lld.%03lld", (long long)(ms / 1000), (long long)(ms % 1000));
}

/* The name with that end, the lane, "le" if there is one, and the value. */
static bool
put_part(struct buf *to, const char *end, enum route_lane lane, const char *le, const char *value,
    struct err *err)
{
	struct metric_label lane_label = {"lane", lane_names[lane]}, le_label = {"le", le};

	return put(to, metrics[METRIC_REQUEST_SECONDS].name, err) && put(to, end, err) &&
	       put_label(to, lane_label, "{", err) &&
	       (le == NULL || put_label(to, le_label, ",", err)) && put(to, "} ", err) &&
	       put(to, value, err) && put(to, "\n", err);
}

static bool
put_durations(struct buf *to, enum route_lane lane, struct err *err)
{
	OWNED(own_memory) char *sum = seconds_text(atomic_load(&counted.ms[lane]));
	OWNED(own_memory) char *all = NULL;
	long long count = 0;

	for (size_t i = 0; i <= COUNT_OF(bounds_ms); i++) {
		bool last = i == COUNT_OF(bounds_ms);
		OWNED(own_memory) char *le = last ? mem_text("+Inf") : seconds_text(bounds_ms[i]);
		OWNED(own_memory) char *value = NULL;

		count += atomic_load(&counted.answered[lane][i]);
		value = text_printf("%lld", count);
		if (!put_part(to, "_bucket", lane, le, value, err))
			return false;
	}
	all = text_printf("%lld", count);
	return put_part(to, "_sum", lane, NULL, sum, err) &&
	       put_part(to, "_count", lane, NULL, all, err);
}

static bool
put_refusals(struct buf *to, struct err *err)
{
	if (!metrics_head(to, METRIC_REFUSALS, err))
		return false;
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		struct metric_label cause = {"cause", err_name(codes[i])};
		int64_t n = atomic_load(&counted.refusals[i]);

		if (n > 0 && !metrics_sample(to, METRIC_REFUSALS, cause, n, err))
			return false;
	}
	return true;
}

static bool
put_lanes(struct buf *to, struct err *err)
{
	if (!metrics_head(to, METRIC_QUEUE_LENGTH, err))
		return false;
	for (int lane = 0; lane < ROUTE_LANES; lane++) {
		struct metric_label label = {"lane", lane_names[lane]};

		if (!metrics_sample(
			to, METRIC_QUEUE_LENGTH, label, atomic_load(&counted.waiting[lane]), err))
			return false;
	}
	if (!metrics_head(to, METRIC_REQUEST_SECONDS, err))
		return false;
	for (int lane = 0; lane < ROUTE_LANES; lane++)
		if (!put_durations(to, (enum route_lane)lane, err))
			return false;
	return true;
}

static bool
put_ocsp(struct buf *to, struct err *err)
{
	if (!metrics_head(to, METRIC_OCSP_ANSWERS, err))
		return false;
	for (int kind = 0; kind < OCSP_KINDS; kind++) {
		const struct metric_label label = {"answer", ocsp_kinds[kind]};

		if (!metrics_sample(
			to, METRIC_OCSP_ANSWERS, label, atomic_load(&counted.ocsp[kind]), err))
			return false;
	}
	return true;
}

static bool
put_notices(struct buf *to, struct err *err)
{
	static const char *const outcomes[] = {"failed", "told"};
	bool ok = metrics_head(to, METRIC_NOTICES, err);

	for (size_t i = 0; ok && i < COUNT_OF(outcomes); i++)
		ok = metrics_sample(to, METRIC_NOTICES,
		    (struct metric_label){"outcome", outcomes[i]}, atomic_load(&counted.notices[i]),
		    err);
	return ok;
}

bool
metrics_counted(struct buf *to, struct err *err)
{
	const struct metric_label none = {NULL, NULL};

	return metrics_head(to, METRIC_START_TIME, err) &&
	       metrics_sample(to, METRIC_START_TIME, none, atomic_load(&counted.started), err) &&
	       metrics_head(to, METRIC_RECOVERIES, err) &&
	       metrics_sample(to, METRIC_RECOVERIES, none, atomic_load(&counted.recoveries), err) &&
	       put_ocsp(to, err) && put_notices(to, err) && put_refusals(to, err) &&
	       put_lanes(to, err);
}
