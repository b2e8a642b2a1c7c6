/*
 * The part of each archived key's content key that comes from the token of the CA key (paper, "Key
 * Encryption": by the provider of the CA's signing key). Where the CA key is a file there is none.
 */
#include "vault_priv.h"

#include <stdlib.h>

#include "log.h"
#include "own.h"

void
vault_seed_open(struct vault_seed *s, const char *folder, uint32_t key_index, EVP_PKEY *key)
{
	OWNED(own_memory) char *uri = NULL;
	OWNED(secret_free) struct secret first = {0};

	*s = (struct vault_seed){.wanted = key_is_on_token(key)};
	pthread_mutex_init(&s->lock, NULL);
	if (!s->wanted)
		return;
	/* What the module opens or loads at its first use is open before the sandbox closes. */
	if (!ca_key_uri(folder, key_index, &uri, &s->why) ||
	    !token_random_open(uri, &s->token, &s->why) ||
	    !token_random_give(s->token, &first, &s->why))
		log_error("the token of the CA key gives no random numbers, and no key is archived",
		    LOG_REASON(&s->why));
}

void
vault_seed_close(struct vault_seed *s)
{
	token_random_close(s->token);
	pthread_mutex_destroy(&s->lock);
	*s = (struct vault_seed){0};
}

void
vault_seed_why(struct vault_seed *s, struct err *out)
{
	pthread_mutex_lock(&s->lock);
	*out = s->why;
	pthread_mutex_unlock(&s->lock);
}

/* What it is that keeps the token from it stays known until it gives again. */
static bool
give(struct vault_seed *s, struct secret *out, struct err *err)
{
	struct err why = {.code = ERR_OK};
	bool ok = s->token != NULL && token_random_give(s->token, out, &why);

	pthread_mutex_lock(&s->lock);
	if (s->token != NULL)
		s->why = why;
	*err = s->why;
	pthread_mutex_unlock(&s->lock);
	return ok;
}

bool
vault_seed_give(struct vault_seed *s, struct secret *out, struct err *err)
{
	struct err why;

	if (!s->wanted || give(s, out, &why))
		return true;
	return err_set(err, NTE_PROVIDER_DLL_FAIL,
	    "no key is archived while the token of the CA key gives no random numbers: %s",
	    why.msg);
}
