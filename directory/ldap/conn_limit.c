/* What a layer below TLS does. A TLS handshake has no time limit in libldap, which waits for ever,
 * and busily, for a server that accepts the connection and then says nothing: the layer waits in
 * its stead, until the deadline of the connection. And libldap writes each operation by itself:
 * the layer holds back what belongs together, and writes it at once. */
#include <errno.h>
#include <poll.h>
#include <sys/time.h>

#include "clock.h"
#include "conn_priv.h"

/* Between the socket and TLS. */
#define LEVEL (LBER_SBIOD_LEVEL_PROVIDER + 5)

static int
setup(Sockbuf_IO_Desc *d, void *arg)
{
	struct dir_conn *c = arg;

	d->sbiod_pvt = c;
	c->below = d;
	return 0;
}

static int
remove_layer(Sockbuf_IO_Desc *d)
{
	struct dir_conn *c = d->sbiod_pvt;

	c->below = NULL;
	d->sbiod_pvt = NULL;
	return 0;
}

static int
control(Sockbuf_IO_Desc *d, int option, void *arg)
{
	return LBER_SBIOD_CTRL_NEXT(d, option, arg);
}

/* True when the socket is ready, or nobody set a limit. */
static bool
is_ready(Sockbuf_IO_Desc *d, short events)
{
	const struct dir_conn *c = d->sbiod_pvt;
	struct pollfd p = {.fd = -1, .events = events};
	int64_t left;

	if (c->deadline_ms == 0)
		return true;
	left = c->deadline_ms - clock_mono_ms();
	if (ber_sockbuf_ctrl(d->sbiod_sb, LBER_SB_OPT_GET_FD, &p.fd) == 1 && left > 0 &&
	    poll(&p, 1, (int)left) > 0)
		return true;
	errno = ETIMEDOUT;
	return false;
}

static ber_slen_t
read_some(Sockbuf_IO_Desc *d, void *to, ber_len_t len)
{
	return is_ready(d, POLLIN) ? LBER_SBIOD_READ_NEXT(d, to, len) : -1;
}

static ber_slen_t
write_some(Sockbuf_IO_Desc *d, void *from, ber_len_t len)
{
	struct dir_conn *c = d->sbiod_pvt;
	struct err ignored;

	if (c->holds)
		return buf_append(&c->held, view_of(from, len), &ignored) ? (ber_slen_t)len : -1;
	return is_ready(d, POLLOUT) ? LBER_SBIOD_WRITE_NEXT(d, from, len) : -1;
}

void
dir_conn_hold(struct dir_conn *c)
{
	c->holds = true;
}

void
dir_conn_let_go(struct dir_conn *c)
{
	size_t done = 0;

	c->holds = false;
	while (done < c->held.len) {
		ber_slen_t n;

		errno = 0;
		n = write_some(c->below, c->held.ptr + done, c->held.len - done);
		if (n > 0)
			done += (size_t)n;
		else if (errno != EINTR) {
			dir_conn_break(c);
			break;
		}
	}
	c->held.len = 0;
}

static Sockbuf_IO layer = {.sbi_setup = setup,
    .sbi_remove = remove_layer,
    .sbi_ctrl = control,
    .sbi_read = read_some,
    .sbi_write = write_some};

static int
on_connected(
    LDAP *ld, Sockbuf *sb, LDAPURLDesc *server, struct sockaddr *address, struct ldap_conncb *cb)
{
	struct dir_conn *c = cb->lc_arg;

	(void)ld, (void)server, (void)address;
	c->is_connected = true;
	return ber_sockbuf_add_io(sb, &layer, LEVEL, c) == 0 ? LDAP_SUCCESS : LDAP_NO_MEMORY;
}

static void
on_closing(LDAP *ld, Sockbuf *sb, struct ldap_conncb *cb)
{
	(void)ld, (void)sb, (void)cb;
}

bool
dir_conn_limit(struct dir_conn *c)
{
	struct timeval limit;

	dir_conn_timeout(c->config, &limit);
	c->deadline_ms = clock_mono_ms() + limit.tv_sec * 1000 + limit.tv_usec / 1000;
	c->callbacks = (struct ldap_conncb){on_connected, on_closing, c};
	return ldap_set_option(c->ld, LDAP_OPT_CONNECT_CB, &c->callbacks) == LDAP_OPT_SUCCESS;
}
