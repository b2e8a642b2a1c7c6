/* Who comes in, and who goes for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "http_limits.h"

static struct http_source
address(const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return http_source_of_address((const struct sockaddr *)&in);
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return http_source_of_address((const struct sockaddr *)&in6);
}

static struct http_client
client(const char *source)
{
	return (struct http_client){.channel = HTTP_TLS, .source = address(source)};
}

static bool
same(const char *a, const char *b)
{
	struct http_source x = address(a), y = address(b);

	return memcmp(&x, &y, sizeof x) == 0;
}

static void
a_source_is_an_address_or_a_network(void **state)
{
	(void)state;
	assert_true(same("10.0.0.1", "10.0.0.1"));
	assert_false(same("10.0.0.1", "10.0.0.2"));
	assert_true(same("10.0.0.1", "::ffff:10.0.0.1"));
	assert_false(same("::ffff:10.0.0.1", "::ffff:10.0.0.2"));
	assert_true(same("2001:db8:0:1::1", "2001:db8:0:1:ffff::2"));
	assert_false(same("2001:db8:0:1::1", "2001:db8:0:2::1"));
}

static void
each_listener_has_its_share(void **state)
{
	struct http_limits l;

	(void)state;
	http_limits_set(&l, 1024, 128, true, false);
	assert_int_equal(l.of[HTTP_TLS].most, 640);
	assert_int_equal(l.of[HTTP_PLAIN].most, 256);
	assert_int_equal(l.of[HTTP_LOCAL].most, 128);
	assert_int_equal(l.of[HTTP_TLS].most_of_source, 128);
	assert_int_equal(l.of[HTTP_PLAIN].most_of_source, 128);
	assert_int_equal(l.of[HTTP_LOCAL].most_of_source, 64);
	http_limits_set(&l, 1024, 100, false, false);
	assert_int_equal(l.of[HTTP_TLS].most, 896);
	assert_int_equal(l.of[HTTP_LOCAL].most, 128);
	assert_int_equal(l.of[HTTP_METRICS].most, 0);
	http_limits_set(&l, 1024, 100, true, true);
	assert_int_equal(l.of[HTTP_TLS].most, 576);
	assert_int_equal(l.of[HTTP_METRICS].most, 64);
	assert_int_equal(l.of[HTTP_METRICS].most_of_source, 32);
	http_limits_set(&l, 8, 1000, true, true);
	for (size_t i = 0; i < HTTP_CHANNELS; i++) {
		assert_true(l.of[i].most >= 1);
		assert_true(l.of[i].most_of_source >= 1);
	}
}

static void
a_full_listener_takes_nothing_from_another(void **state)
{
	struct http_limits l;
	struct http_client many[8], local = {.channel = HTTP_LOCAL}, *gives_way;

	(void)state;
	http_limits_set(&l, 8, 8, false, false);
	for (uint8_t i = 0; i < l.of[HTTP_TLS].most; i++) {
		many[i] = client("10.0.0.1");
		many[i].source.key[15] = i;
		assert_true(http_limits_room(&l, &many[i], &gives_way));
		assert_null(gives_way);
		http_limits_add(&l, &many[i]);
	}
	assert_true(http_limits_room(&l, &local, &gives_way));
	assert_null(gives_way);
}

/* Two of ten of one source; the third has its own oldest go, whoever else is there. */
static void
a_source_over_its_part_displaces_itself(void **state)
{
	struct http_limits l;
	struct http_client a = client("10.0.0.1"), other = client("10.0.0.2"),
			   b = client("10.0.0.1"), late = client("10.0.0.1"), *gives_way;

	(void)state;
	http_limits_set(&l, 80, 2, false, false);
	http_limits_add(&l, &other);
	http_limits_add(&l, &a);
	http_limits_add(&l, &b);
	assert_true(http_limits_room(&l, &late, &gives_way));
	assert_ptr_equal(gives_way, &a);
	http_limits_idle(&l, &a);
	assert_true(http_limits_room(&l, &late, &gives_way));
	assert_ptr_equal(gives_way, &b);
	a.busy = b.busy = true;
	assert_false(http_limits_room(&l, &late, &gives_way));
	assert_null(gives_way);
}

static void
who_has_shown_least_goes_first_then_who_waits_longest(void **state)
{
	struct http_limits l;
	struct http_client c[7], late = client("10.0.1.1"), *gives_way;

	(void)state;
	http_limits_set(&l, 8, 8, false, false);
	assert_int_equal(l.of[HTTP_TLS].most, 7);
	for (uint8_t i = 0; i < 7; i++) {
		c[i] = client("10.0.0.1");
		c[i].source.key[15] = i;
		c[i].rank = i < 3 ? HTTP_KNOWN : (i < 5 ? HTTP_SPEAKING : HTTP_SILENT);
		http_limits_add(&l, &c[i]);
	}
	c[0].busy = true;
	const size_t order[] = {5, 6, 3, 4, 1, 2};
	for (size_t i = 0; i < 6; i++) {
		assert_true(http_limits_room(&l, &late, &gives_way));
		assert_ptr_equal(gives_way, &c[order[i]]);
		c[order[i]].busy = true;
	}
	assert_false(http_limits_room(&l, &late, &gives_way));
	http_limits_remove(&l, &c[0]);
	assert_true(http_limits_room(&l, &late, &gives_way));
	assert_null(gives_way);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_source_is_an_address_or_a_network),
	    cmocka_unit_test(each_listener_has_its_share),
	    cmocka_unit_test(a_full_listener_takes_nothing_from_another),
	    cmocka_unit_test(a_source_over_its_part_displaces_itself),
	    cmocka_unit_test(who_has_shown_least_goes_first_then_who_waits_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
