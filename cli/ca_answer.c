#include "ca_answer.h"

#include <stdlib.h>

#include "given.h"
#include "mem.h"

bool
ca_answer_read(const char *path, const char *chain, struct ca_answer *out, struct err *err)
{
	*out = (struct ca_answer){0};
	if (!given_certificate(path, &out->certificate, &out->others, err) ||
	    (chain != NULL && !given_certificates(chain, &out->chain, err))) {
		ca_answer_free(out);
		return false;
	}
	out->parents = mem_zero(out->chain.count + out->others.count + 1, sizeof *out->parents);
	for (size_t i = 0; i < out->chain.count; i++)
		out->parents[out->parent_count++] = buf_view(&out->chain.list[i]);
	for (size_t i = 0; i < out->others.count; i++)
		out->parents[out->parent_count++] = buf_view(&out->others.list[i]);
	return true;
}

void
ca_answer_free(struct ca_answer *a)
{
	buf_free(&a->certificate);
	free(a->parents);
	pem_certs_free(&a->chain);
	pem_certs_free(&a->others);
	*a = (struct ca_answer){0};
}
