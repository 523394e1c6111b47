/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256: the standard's examples, and every length around a block's end. */
#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void hex_of(struct str text, char out[2 * SHA256_N + 1])
{
	uint8_t digest[SHA256_N];

	sha256(text, digest);
	for (int i = 0; i < SHA256_N; i++)
		sprintf(out + 2 * i, "%02x", digest[i]);
}

static void test_examples(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	char hex[2 * SHA256_N + 1];

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		hex_of(str_c(rows[i].text), hex);
		assert_string_equal(hex, rows[i].want);
	}
	hex_of(STR_NONE, hex);
	assert_string_equal(hex, rows[0].want);
}

/* The digest of the digests of 'a' x 0 .. 'a' x 299; worked out with another program. */
static void test_lengths(void **state)
{
	char text[300], all[300 * 2 * SHA256_N + 1], hex[2 * SHA256_N + 1];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t n = 0; n < sizeof(text); n++)
		hex_of(str_of(text, n), all + n * 2 * SHA256_N);
	hex_of(str_c(all), hex);
	assert_string_equal(hex,
			    "dd21bb91165542678c760dec417a174580c2006e5105a25e373c77dd466cdf00");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
