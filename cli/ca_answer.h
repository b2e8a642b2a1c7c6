/* What a parent CA answers to the request of a CA: its certificate, in whatever file. */
#ifndef CLI_CA_ANSWER_H
#define CLI_CA_ANSWER_H

#include "pem.h"

struct ca_answer {
	struct buf certificate;
	struct view *parents; /* of the chain's file, then what else the answer holds */
	size_t parent_count;
	struct pem_certs chain, others;
};
/* `chain` may be NULL. ca_answer_free. */
bool ca_answer_read(const char *path, const char *chain, struct ca_answer *out, struct err *err);
void ca_answer_free(struct ca_answer *a);

#endif
