/* Files that people give: what they are, their certificates, requests and CRLs, and keys of every
 * kind but PKCS#12, which fuzz_pfx reads. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "given.h"
#include "target.h"

/* Each reader gives what it promises, or nothing with a reason; and whatever it is called, the
 * sentence about it is whole. */
static void
read_public(struct view v)
{
	typedef bool one_reader(struct view file, struct buf * out, struct err * err);
	static one_reader *const readers[] = {pem_certificate, pem_any, pem_request, pem_crl};
	enum material m = material_inside(v);
	struct pem_certs certs = {0};
	struct err err;

	require(m != MATERIAL_PEM && m != MATERIAL_BASE64 && material_told(m) != NULL);
	if (pem_certificates(v, &certs.list, &certs.count, &err)) {
		require(certs.count > 0);
		pem_certs_free(&certs);
	} else {
		require(certs.list == NULL && err.code != ERR_OK);
	}
	for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
		struct buf out = {0};

		require(readers[i](v, &out, &err) || (out.ptr == NULL && err.code != ERR_OK));
		buf_free(&out);
	}
	for (int want = GIVEN_CERTIFICATE; want <= GIVEN_DESCRIPTOR; want++) {
		err_set(&err, ERROR_INVALID_DATA, "why");
		require(!given_failed("file", v, (enum given)want, &err) &&
			strncmp(err.msg, "file: ", 6) == 0);
	}
}

int
target(const uint8_t *data, size_t size)
{
	static bool ready;
	struct view v = view_of(data, size);
	struct secret password = {0};
	struct pfx_content c;
	struct err err;

	if (!ready)
		require(secret_heap_init(1 << 18, true, &err));
	ready = true;
	if (size > 65536)
		return 0;
	read_public(v);
	if (material_of(v) == MATERIAL_PFX)
		return 0;
	require(secret_dup(view_str("right"), &password, &err));
	if (material_read(v, &password, 1, &c, &err))
		pfx_content_free(&c);
	else
		require(c.keys == NULL && c.others == NULL && err.code != ERR_OK);
	secret_free(&password);
	return 0;
}
