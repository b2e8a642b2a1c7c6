/* For LD_PRELOAD: a name server that does not answer for a minute, of hosts below ".invalid". */
#include <dlfcn.h>
#include <netdb.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int resolve(
    const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out);

int
getaddrinfo(
    const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	resolve *real;

	if (node != NULL && strstr(node, ".invalid") != NULL) {
		sleep(60);
		return EAI_AGAIN;
	}
	real = (resolve *)(uintptr_t)dlsym(RTLD_NEXT, "getaddrinfo");
	return real != NULL ? real(node, service, hints, out) : EAI_SYSTEM;
}
