/* Enrollment requests, made before the clock runs. */
#ifndef BENCH_LOAD_REQUEST_H
#define BENCH_LOAD_REQUEST_H

#include <openssl/evp.h>

#include "buf.h"

/* A CMC request for `template_cn` and this key, with `sealed` as its archived key; empty: none.
 * Each is another, also of one key without anything sealed: the same bytes again are answered from
 * their row. */
bool load_request_of(
    EVP_PKEY *key, struct view sealed, const char *template_cn, struct buf *out, struct err *err);
/* A CMC request for `template_cn` and `key`, which is sealed to the exchange certificate
 * `xchg_der`, as one of those of a person who uses a key again. */
bool load_request_for(
    EVP_PKEY *key, struct view xchg_der, const char *template_cn, struct buf *out, struct err *err);
/* A PKCS#10 in base64, as EST has it, or in JSON, as cfssl's `sign` has it, of CN=load `i`. */
bool load_pkcs10_est(EVP_PKEY *key, size_t i, struct buf *out, struct err *err);
bool load_pkcs10_cfssl(EVP_PKEY *key, size_t i, struct buf *out, struct err *err);
/* The answer to it holds a certificate. */
bool load_answer_est(struct view body, struct err *err);
bool load_answer_cfssl(struct view body, struct err *err);
/* The same as load_request_for with a fresh RSA-2048 key. */
bool load_request_make(
    struct view xchg_der, const char *template_cn, struct buf *out, struct err *err);

/* Serial number in hex of the certificate in a CMC response that says success and echoes an
 * archived key if there was one; free(). */
bool load_answer_serial(struct view der, bool is_archived, char **serial_out, struct err *err);

#endif
