/* The certificates of a PEM or DER file, as one thing to own. */
#ifndef CLI_PEM_FILE_H
#define CLI_PEM_FILE_H

#include "own.h"
#include "pem.h"

struct pem_file {
	struct buf *list;
	size_t count; /* at least one, once it is read */
};

static inline bool
pem_file_read(const char *path, struct pem_file *out, struct err *err)
{
	return pem_certificates_file(path, &out->list, &out->count, err);
}

static inline void
pem_file_free(struct pem_file *f)
{
	pem_list_free(&f->list, f->count);
}

#endif
