#include "token_random.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include "key_uri.h"
#include "mem.h"
#include "own.h"
#include "text.h"

/* As the engine of Debian has it; the loader looks for it beside the libraries. */
#define DEFAULT_MODULE "p11-kit-proxy.so"
#define HASH_LEN       32

struct token_random {
	void *library;
	CK_FUNCTION_LIST *module;
	bool initialized; /* by us */
	CK_SLOT_ID slot;
	pthread_mutex_t lock;
	CK_SESSION_HANDLE session; /* under the lock, as what follows */
	bool in_session;
	uint8_t last[HASH_LEN]; /* SHA-256 of what it gave last */
};

OWN_POINTER(own_p11_uri, P11KitUri, p11_kit_uri_free)
OWN_POINTER(own_token_random, struct token_random, token_random_close)

static bool
refuse(struct err *err, const char *what, CK_RV rv)
{
	return err_set(err, NTE_PROVIDER_DLL_FAIL, "%s: PKCS#11 error 0x%lx", what, rv);
}

/* ---- the module ---- */

/* free() */
static char *
module_name(const char *uri)
{
	OWNED(own_memory) char *named = key_uri_module(uri);
	const char *of_all = getenv("PKCS11_MODULE_PATH"); /* which the engine reads */

	if (*named != '\0')
		return own_give(&named);
	return mem_text(of_all != NULL ? of_all : DEFAULT_MODULE);
}

static bool
load_module(struct token_random *r, const char *name, struct err *err)
{
	CK_RV (*get)(CK_FUNCTION_LIST **) = NULL;
	void *symbol = NULL;

	if ((r->library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) != NULL)
		symbol = dlsym(r->library, "C_GetFunctionList");
	if (symbol != NULL)
		memcpy(&get, &symbol, sizeof get);
	return (get != NULL && get(&r->module) == CKR_OK && r->module != NULL) ||
	       err_set(err, DIRCA_E_CONFIG,
		   "the PKCS#11 module %s cannot be used for random numbers; module-path in the "
		   "URI of the CA key names another",
		   name);
}

static bool
initialize(struct token_random *r, struct err *err)
{
	CK_C_INITIALIZE_ARGS how = {.flags = CKF_OS_LOCKING_OK};
	CK_RV rv = r->module->C_Initialize(&how);

	r->initialized = rv == CKR_OK;
	return rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ||
	       refuse(err, "the PKCS#11 module cannot be initialised", rv);
}

/* ---- the token ---- */

static bool
list_slots(struct token_random *r, CK_SLOT_ID **out, CK_ULONG *count_out, struct err *err)
{
	CK_RV rv = r->module->C_GetSlotList(CK_TRUE, NULL, count_out);

	*out = mem_zero(rv == CKR_OK ? *count_out + 1 : 1, sizeof **out);
	if (rv == CKR_OK)
		rv = r->module->C_GetSlotList(CK_TRUE, *out, count_out);
	return rv == CKR_OK || refuse(err, "the PKCS#11 module lists no tokens", rv);
}

static bool
has_generator(const char *uri, const CK_TOKEN_INFO *token, struct err *err)
{
	return (token->flags & CKF_RNG) != 0 ||
	       err_set(err, NTE_PROVIDER_DLL_FAIL,
		   "the token of %s says that it has no random number generator", uri);
}

static bool
find_token(struct token_random *r, const char *uri, P11KitUri *wanted, struct err *err)
{
	OWNED(own_memory) CK_SLOT_ID *slots = NULL;
	CK_TOKEN_INFO token, found = {0};
	CK_ULONG count = 0, tokens = 0;

	if (!list_slots(r, &slots, &count, err))
		return false;
	for (CK_ULONG i = 0; i < count; i++)
		if (r->module->C_GetTokenInfo(slots[i], &token) == CKR_OK &&
		    (token.flags & CKF_TOKEN_INITIALIZED) != 0 &&
		    p11_kit_uri_match_token_info(wanted, &token) != 0) {
			r->slot = slots[i];
			found = token;
			tokens++;
		}
	if (tokens == 0)
		return err_set(err, SCARD_E_NO_SMARTCARD, "%s: no token is of that name", uri);
	if (tokens > 1)
		return err_set(err, DIRCA_E_CONFIG,
		    "%s: %lu tokens are of that name; token= and serial= in the URI tell them "
		    "apart",
		    uri, tokens);
	return has_generator(uri, &found, err);
}

/* Under the lock. */
static CK_RV
open_session(struct token_random *r)
{
	CK_RV rv;

	if (r->in_session)
		r->module->C_CloseSession(r->session);
	rv = r->module->C_OpenSession(r->slot, CKF_SERIAL_SESSION, NULL, NULL, &r->session);
	r->in_session = rv == CKR_OK;
	return rv;
}

static bool
find_and_open(struct token_random *r, const char *uri, struct err *err)
{
	OWNED(own_p11_uri) P11KitUri *wanted = p11_kit_uri_new();
	/* Nothing of the query says which token it is. */
	OWNED(own_memory) char *object = text_printf("%.*s", (int)strcspn(uri, "?"), uri);
	CK_RV rv;

	if (wanted == NULL ||
	    p11_kit_uri_parse(object, P11_KIT_URI_FOR_ANY, wanted) != P11_KIT_URI_OK)
		return err_set(err, E_INVALIDARG, "%s: not a URI of RFC 7512", uri);
	if (!find_token(r, uri, wanted, err))
		return false;
	rv = open_session(r);
	return rv == CKR_OK || refuse(err, "the token opens no session for random numbers", rv);
}

bool
token_random_open(const char *uri, struct token_random **out, struct err *err)
{
	OWNED(own_token_random) struct token_random *r = mem_zero(1, sizeof *r);
	OWNED(own_memory) char *name = module_name(uri);

	*out = NULL;
	pthread_mutex_init(&r->lock, NULL);
	if (!load_module(r, name, err) || !initialize(r, err) || !find_and_open(r, uri, err))
		return false;
	*out = own_give(&r);
	return true;
}

void
token_random_close(struct token_random *r)
{
	if (r == NULL)
		return;
	if (r->in_session)
		r->module->C_CloseSession(r->session);
	if (r->initialized)
		r->module->C_Finalize(NULL);
	if (r->library != NULL)
		dlclose(r->library);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* ---- random numbers ---- */

/* Under the lock. */
static CK_RV
generate(struct token_random *r, uint8_t *out)
{
	memset(out, 0, TOKEN_RANDOM_LEN);
	return r->in_session ? r->module->C_GenerateRandom(r->session, out, TOKEN_RANDOM_LEN)
			     : CKR_SESSION_HANDLE_INVALID;
}

/* A generator that stands still, or a token that says yes and does nothing. Under the lock. */
static bool
is_new(struct token_random *r, const uint8_t *given, struct err *err)
{
	static const uint8_t none[TOKEN_RANDOM_LEN];
	uint8_t hash[HASH_LEN];

	if (EVP_Q_digest(NULL, "SHA256", NULL, given, TOKEN_RANDOM_LEN, hash, NULL) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "hashing what a token gave");
	if (memcmp(given, none, sizeof none) == 0 || memcmp(hash, r->last, sizeof hash) == 0)
		return err_set(err, NTE_PROVIDER_DLL_FAIL,
		    "the token gives the same number again, or zeros, for a random one");
	memcpy(r->last, hash, sizeof hash);
	return true;
}

static bool
ask(struct token_random *r, uint8_t *out, struct err *err)
{
	CK_RV rv = generate(r, out);

	if (rv != CKR_OK && open_session(r) == CKR_OK)
		rv = generate(r, out);
	return rv == CKR_OK ? is_new(r, out, err)
			    : refuse(err, "the token gives no random number", rv);
}

bool
token_random_give(struct token_random *r, struct secret *out, struct err *err)
{
	bool ok;

	if (!secret_alloc(TOKEN_RANDOM_LEN, out, err))
		return false;
	pthread_mutex_lock(&r->lock);
	ok = ask(r, out->ptr, err);
	pthread_mutex_unlock(&r->lock);
	if (!ok)
		secret_free(out);
	return ok;
}
