/*
 * S1 from the front: whoever holds a socket to the vault uses it to open an archived key that he
 * caught. 3,000 questions about the caught key, each chosen by the last answer; then every way to
 * be wrong under encrypted keys of his own, with the time that the vault took for each.
 *
 * The attack succeeds if two answers differ, if anything is opened for a question about the caught
 * key, or if the answers' times tell ways to be wrong apart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fcntl.h>
#include <time.h>

#include "vault_lab.h"

#define QUESTIONS  3000
#define SAMPLES    150
#define CIPHERTEXT 1184 /* of a blob of RSA-2048 */
#define BLOCK      16
#define APART_NS \
	200000 /* of the times that a tenth of the answers stay under: others share the machine */

static EVP_PKEY *other_key;
static char *opened_path;

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Processor time of all threads of the vault. */
static int64_t
spent_ns(void)
{
	char *path = text_printf("/proc/%d/task", (int)child.pid);
	DIR *tasks = opendir(path);
	int64_t sum = 0;
	struct dirent *d;

	while (tasks != NULL && (d = readdir(tasks)) != NULL) {
		char *file = text_printf("%s/%s/schedstat", path, d->d_name), text[64] = "";
		int fd = open(file, O_RDONLY);

		if (fd != -1 && read(fd, text, sizeof text - 1) > 0)
			sum += strtoll(text, NULL, 10);
		if (fd != -1)
			close(fd);
		free(file);
	}
	if (tasks != NULL)
		closedir(tasks);
	free(path);
	return sum;
}

static off_t
opened_size(void)
{
	struct stat st;

	assert_int_equal(stat(opened_path, &st), 0);
	return st.st_size;
}

static void
ask(const struct rewrap *r, struct err *err)
{
	struct buf archived = {0};

	*err = (struct err){0};
	vault_rewrap(&child.front[0], &r->in, &archived, err);
	buf_free(&archived);
}

/* The caught message with one thing moved. */
static void
move_blocks(const struct buf *caught, unsigned turn, struct buf *out)
{
	unsigned at = 1 + turn / 4 % (CIPHERTEXT / BLOCK - 2);
	struct err err;
	uint8_t *text;

	buf_free(out);
	assert_true(buf_dup(buf_view(caught), out, &err));
	text = out->ptr + out->len - CIPHERTEXT;
	if (turn % 4 == 1)
		text[CIPHERTEXT - 1] ^= (uint8_t)(1 + at);
	if (turn % 4 == 2)
		text[at % BLOCK] ^= (uint8_t)(1 + at);
	if (turn % 4 == 3)
		memcpy(text + CIPHERTEXT - BLOCK - (size_t)at * BLOCK, text + (size_t)at * BLOCK,
		    BLOCK);
}

static void
caught_key_is_not_opened_again(void **state)
{
	struct xchg x = make_xchg(2048);
	char *hex = hex_encode(view_of(x.id, VAULT_ID_LEN), '\0');
	struct buf moved = {0}, own_spki, archived;
	struct err first = {0}, err;
	struct rewrap r;
	unsigned turn = 0;
	off_t size;

	(void)state;
	opened_path = text_printf("%s/xchg-%s.opened", vault_dir, hex);
	rewrap_init(&r, &x);
	r.in.requester = view_str("victim");
	ASSERT_DONE(vault_rewrap(&child.front[0], &r.in, &archived, &err)); /* the honest way */
	assert_opens(&archived, &kra1);
	buf_free(&archived);
	size = opened_size();
	assert_true(pkix_key_spki(other_key, &own_spki, &err));
	r.in.requester = view_str("attacker");
	for (int i = 0; i < QUESTIONS; i++) {
		move_blocks(&r.payload, turn, &moved);
		r.in.payload = buf_view(&moved);
		r.in.spki = turn % 4 == 0 ? buf_view(&own_spki) : buf_view(&r.spki);
		ask(&r, &err);
		if (i == 0)
			first = err;
		assert_int_equal(err.code, DIRCA_E_KEY_NOT_ARCHIVED);
		assert_string_equal(err.msg, first.msg);
		/* Adaptive: another answer would lead elsewhere. */
		turn += err.code == first.code ? 1 : 3;
	}
	assert_int_equal(opened_size(), size);
	print_message("%d questions: %s\n", QUESTIONS, first.msg);
	buf_free(&moved);
	buf_free(&own_spki);
	rewrap_free(&r);
	test_cert_free(&x.cert);
	free(opened_path);
	free(hex);
}

/* ---- ways to be wrong, and their times ---- */

enum wrong { PADDING, MAGIC, NUMBERS, ANOTHERS, SIGNATURE_ONLY, RIGHT, WAYS };
static const char *const ways[] = {
    "wrong padding", "wrong magic", "wrong numbers", "another's key", "signature only", "right"};

static void
seal_wrong(struct rewrap *r, const struct xchg *x, enum wrong wrong)
{
	struct secret blob;
	struct err err;

	assert_true(keyblob_encode(wrong == ANOTHERS ? other_key : user_key, &blob, &err));
	if (wrong == MAGIC)
		blob.ptr[9] ^= 1;
	if (wrong == NUMBERS)
		blob.ptr[20] ^= 1; /* an even modulus */
	if (wrong == SIGNATURE_ONLY)
		blob.ptr[5] = 0x24;
	buf_free(&r->payload);
	test_payload(secret_view(&blob), &x->cert, CMS_AES_256_CBC, &r->payload);
	if (wrong == PADDING)
		r->payload.ptr[r->payload.len - 1] ^= 1;
	r->in.payload = buf_view(&r->payload);
	secret_free(&blob);
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* p1, p10, p50, p90 in microseconds. */
static void
print_times(const char *what, const char *way, int64_t *times)
{
	qsort(times, SAMPLES, sizeof *times, compare);
	print_message("%-10s %-15s %9.1f %9.1f %9.1f %9.1f\n", what, way,
	    (double)times[SAMPLES / 100] / 1e3, (double)times[SAMPLES / 10] / 1e3,
	    (double)times[SAMPLES / 2] / 1e3, (double)times[SAMPLES * 9 / 10] / 1e3);
}

/* Each way after each other: what the one before left behind counts too. */
static void
shuffle(int order[WAYS])
{
	for (int i = WAYS - 1; i > 0; i--) {
		int with = (int)(random() % (i + 1)), way = order[i];

		order[i] = order[with];
		order[with] = way;
	}
}

static void
wrong_keys_are_not_told_apart(void **state)
{
	static int64_t took[WAYS][SAMPLES], worked[WAYS][SAMPLES];
	int order[WAYS] = {PADDING, MAGIC, NUMBERS, ANOTHERS, SIGNATURE_ONLY, RIGHT};
	struct xchg x = make_xchg(2048);
	struct err first = {0}, err;
	struct rewrap r;

	(void)state;
	rewrap_init(&r, &x);
	r.in.requester = view_str("attacker");
	for (int i = 0; i < SAMPLES; i++) {
		shuffle(order);
		for (int turn = 0; turn < WAYS; turn++) {
			int way = order[turn];
			int64_t begun, work;

			seal_wrong(&r, &x, (enum wrong)way);
			work = spent_ns();
			begun = now_ns();
			ask(&r, &err);
			took[way][i] = now_ns() - begun;
			worked[way][i] = spent_ns() - work;
			assert_int_equal(
			    err.code, way == RIGHT ? ERR_OK : DIRCA_E_KEY_NOT_ARCHIVED);
			if (first.code == ERR_OK)
				first = err;
			if (way != RIGHT)
				assert_string_equal(err.msg, first.msg);
		}
	}
	print_message("%-10s %-15s %9s %9s %9s %9s\n", "us", "", "p1", "p10", "p50", "p90");
	for (int way = 0; way < WAYS; way++) {
		print_times("answer", ways[way], took[way]);
		print_times("processor", ways[way], worked[way]);
	}
	for (int way = 0; way < RIGHT; way++)
		assert_true(
		    llabs(took[way][SAMPLES / 10] - took[PADDING][SAMPLES / 10]) < APART_NS);
	rewrap_free(&r);
	test_cert_free(&x.cert);
}

static int
set_up(void **state)
{
	lab_failures_requester = lab_failures_key = 1000000;
	other_key = test_key("rsa2048");
	return setup(state);
}

static int
tear_down(void **state)
{
	EVP_PKEY_free(other_key);
	return teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		caught_key_is_not_opened_again, start_child, stop_child),
	    cmocka_unit_test_setup_teardown(wrong_keys_are_not_told_apart, start_child, stop_child),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
