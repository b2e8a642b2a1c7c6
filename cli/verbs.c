#include "verbs.h"

#include "mem.h"

const struct verb verbs[] = {
#define X(name, arguments, least, most, group, who, needs, options, function, summary) \
	{name, arguments, summary, group, who, least, most, options, needs, function},
    CLI_VERBS(X)
#undef X
};
const size_t verb_count = COUNT_OF(verbs);
