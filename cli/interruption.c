#include "interruption.h"

#include <signal.h>
#include <stdio.h>

#include "mem.h"

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
static struct sigaction before[COUNT_OF(signals)];
static volatile sig_atomic_t came;
static bool is_begun;

static void
note(int number)
{
	came = number;
}

void
interruption_begin(void)
{
	/* What waits for the CA goes on; and the second of them finds the default. */
	const struct sigaction action = {
	    .sa_handler = note, .sa_flags = SA_RESTART | (int)SA_RESETHAND};

	came = 0;
	is_begun = true;
	for (size_t i = 0; i < COUNT_OF(signals); i++) {
		sigaction(signals[i], NULL, &before[i]);
		if (before[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
}

static void
end_by(int number)
{
	if (number == SIGPIPE)
		signal(SIGPIPE, SIG_DFL);
	raise(number);
}

void
interruption_of_pipe(void)
{
	if (is_begun && came == 0)
		came = SIGPIPE;
	else if (!is_begun)
		end_by(SIGPIPE);
}

bool
interruption_came(void)
{
	return came != 0;
}

void
interruption_end(void)
{
	fflush(stdout);
	for (size_t i = 0; i < COUNT_OF(signals); i++)
		sigaction(signals[i], &before[i], NULL);
	is_begun = false;
	if (came != 0)
		end_by(came);
}
