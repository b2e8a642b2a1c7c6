#include "request_list.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "template_common.h"
#include "text.h"

/* `behind`: what the row `after` has in the column that is sorted by; NULL: the CA looks. */
static char *
order_query(const struct request_list *l, const char *behind)
{
	OWNED(own_memory) char *value = behind != NULL ? http_escape(behind) : NULL;

	return text_printf("%s%s%s%s%s", l->descending ? "&order=descending" : "",
	    l->sort != NULL ? "&sort=" : "", l->sort != NULL ? l->sort : "",
	    value != NULL ? "&after_value=" : "", value != NULL ? value : "");
}

static bool
fetch_page(
    struct work *w, const struct request_list *l, const char *behind, json_t **out, struct err *err)
{
	OWNED(own_memory) char *query = request_filter_query(l->filter);
	OWNED(own_memory) char *order = order_query(l, behind);
	bool short_page = l->filter->count == 0 && l->left < CLI_PAGE;
	OWNED(own_memory)
	char *path = text_printf("%safter=%lld&limit=%lld%s%s", l->path, l->after,
	    (long long)(short_page ? l->left : CLI_PAGE), order, query);

	return http_client_json(w->ca, "GET", path, NULL, out, err);
}

/* A page may hold nothing and not be the last: others' requests are left out of it. */
static bool
take_page(struct work *w, struct request_list *l, char **behind, struct err *err)
{
	OWNED(own_json) json_t *answer = NULL;
	const json_t *rows, *row, *value;
	long long next;
	size_t i;

	if (!fetch_page(w, l, *behind, &answer, err))
		return false;
	free(*behind);
	value = json_object_get(answer, "next_value");
	*behind = json_is_string(value) ? mem_text(json_string_value(value)) : NULL;
	rows = json_object_get(answer, "requests");
	next = json_integer_value(json_object_get(answer, "next"));
	json_array_foreach(rows, i, row)
	{
		if (l->last != 0 &&
		    json_integer_value(json_object_get(row, "request_id")) > l->last) {
			l->after = 0;
			return true;
		}
		if (!table_filter_holds(l->filter, row))
			continue;
		if (!l->each(row, l->arg, err))
			return false;
		if (--l->left == 0 && (next != 0 || i + 1 < json_array_size(rows))) {
			l->after = json_integer_value(json_object_get(row, "request_id"));
			return true;
		}
	}
	if (l->listing != NULL)
		listing_flush(l->listing);
	/* A CA that gives the same page again is not asked for ever. */
	l->after = next != l->after ? next : 0;
	return true;
}

/* Whichever of its names a template is asked for by. */
static bool
name_templates(struct session *s, struct table_filter *f, struct err *err)
{
	for (size_t i = 0; i < f->count; i++) {
		char **value = &f->list[i].value, *name;

		if (strcmp(f->list[i].column->name, "template") != 0 || **value == '\0')
			continue;
		if ((name = template_row_name(s, *value, err)) == NULL)
			return false;
		free(*value);
		*value = name;
	}
	return true;
}

bool
request_list_walk(struct work *w, struct request_list *l, struct err *err)
{
	OWNED(own_memory) char *behind = NULL;

	if (!name_templates(&w->session, l->filter, err))
		return false;
	do
		if (!take_page(w, l, &behind, err))
			return false;
	while (l->after > 0 && l->left > 0);
	return true;
}

bool
request_print(const json_t *row, void *arg, struct err *err)
{
	(void)err;
	listing_add(arg, row);
	return true;
}

char *
request_path(const struct cli *cli, const char *what, struct err *err)
{
	int64_t id;

	if (text_to_int(cli->args[0], 1, INT64_MAX, &id))
		return text_printf("/dirca/v1/requests/%lld%s", (long long)id, what);
	err_set(err, DIRCA_E_USAGE, "%s is not a request id", cli->args[0]);
	return NULL;
}

bool
request_change(struct work *w, const char *what, json_t *body, const char *how, struct err *err)
{
	OWNED(own_memory) char *path = request_path(w->cli, what, err);
	OWNED(own_json) json_t *answer = NULL;

	if (path == NULL || !work_open(w, NEEDS_CA, err) ||
	    !http_client_json(w->ca, "POST", path, body, &answer, err))
		return false;
	if (w->cli->opt.json)
		print_json(own_give(&answer));
	else
		printf("Request %lld: %s, %s\n",
		    (long long)json_integer_value(json_object_get(answer, "request_id")),
		    json_text(answer, "disposition"), how);
	return true;
}
