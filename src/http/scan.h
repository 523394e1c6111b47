/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Byte classes and scanning, private to src/http. The scanners look at 32 (AVX2 builds), 16 (any
 * x86-64) or 8 bytes at a time and never read behind <end>. HTTP_SCAN_PORTABLE chooses the plain
 * version everywhere; tests use it.
 */
#ifndef HTTP_SCAN_H
#define HTTP_SCAN_H

#include "base/str.h"

#if defined(__SSE2__) && !defined(HTTP_SCAN_PORTABLE)
#define HTTP_SCAN_SSE2 1
#include <emmintrin.h>
#if defined(__AVX2__)
#define HTTP_SCAN_AVX2 1
#include <immintrin.h>
#endif
#endif

/* Classes of a byte, bits of http_class[]. */
enum {
	HTTP_C_TOKEN = 1,	/* tchar, RFC 9110 5.6.2 */
	HTTP_C_CTL = 2,		/* not allowed in a line: controls without HTAB, and DEL */
	HTTP_C_TARGET = 4,	/* allowed in a request target: visible ASCII without '#' */
	HTTP_C_HOST = 8,	/* allowed in a registered name, see http_authority_parse() */
	HTTP_C_UNRESERVED = 16, /* RFC 3986 2.3 */
	HTTP_C_DIGIT = 32,
};

extern const uint8_t http_class[256];

static inline bool http_is_class(char c, unsigned wanted)
{
	return http_class[(uint8_t)c] & wanted;
}

/* Length of the longest prefix of [p, end) whose bytes are all of class <wanted>. */
static inline size_t scan_class(const char *p, const char *end, unsigned wanted)
{
	const char *at = p;

	while (at < end && http_is_class(*at, wanted))
		at++;
	return (size_t)(at - p);
}

static inline bool is_ows(char c)
{
	return c == ' ' || c == '\t';
}

static inline uint64_t load64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t load32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

#ifdef HTTP_SCAN_SSE2

/* One bit per byte of 16: a control (not HTAB), or DEL. */
static inline unsigned scan_ctl_bits(const char *p)
{
	const __m128i x = _mm_loadu_si128((const __m128i *)p);
	const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
	const __m128i tab = _mm_cmpeq_epi8(x, _mm_set1_epi8('\t'));
	const __m128i del = _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f));

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, low), del));
}

/* One bit per byte of 16: not allowed in a request target. Signed compare: >= 0x80 is < 0. */
static inline unsigned scan_no_target_bits(const char *p)
{
	const __m128i x = _mm_loadu_si128((const __m128i *)p);
	const __m128i low = _mm_cmplt_epi8(x, _mm_set1_epi8(0x21));
	const __m128i del = _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f));
	const __m128i hash = _mm_cmpeq_epi8(x, _mm_set1_epi8('#'));

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(low, del), hash));
}

static inline unsigned scan_byte_bits(const char *p, char c)
{
	const __m128i x = _mm_loadu_si128((const __m128i *)p);

	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8(c)));
}

#define SCAN_BLOCKS(bits_of_block)                                                                 \
	for (; end - p >= 16; p += 16) {                                                           \
		unsigned bits = (bits_of_block);                                                   \
		if (bits)                                                                          \
			return p + __builtin_ctz(bits);                                            \
	}

#endif /* HTTP_SCAN_SSE2 */

#define SCAN_ONES UINT64_C(0x0101010101010101)
#define SCAN_HIGH UINT64_C(0x8080808080808080)

/* Nonzero if some byte of <v> is a control or DEL; HTAB counts too, so look closer then. */
static inline uint64_t scan_maybe_ctl(uint64_t v)
{
	const uint64_t del = v ^ (SCAN_ONES * 0x7f);

	return (((v - SCAN_ONES * 0x20) & ~v) | ((del - SCAN_ONES) & ~del)) & SCAN_HIGH;
}

/* First byte of [p, end) that no line may contain (CR and LF among them), or <end>. */
static inline const char *scan_line(const char *p, const char *end)
{
#ifdef HTTP_SCAN_AVX2
	for (; end - p >= 32; p += 32) {
		const __m256i x = _mm256_loadu_si256((const __m256i *)p);
		const __m256i low =
			_mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8(0x1f)), x);
		const __m256i tab = _mm256_cmpeq_epi8(x, _mm256_set1_epi8('\t'));
		const __m256i del = _mm256_cmpeq_epi8(x, _mm256_set1_epi8(0x7f));
		unsigned bits = (unsigned)_mm256_movemask_epi8(
			_mm256_or_si256(_mm256_andnot_si256(tab, low), del));
		if (bits)
			return p + __builtin_ctz(bits);
	}
#endif
#ifdef HTTP_SCAN_SSE2
	SCAN_BLOCKS(scan_ctl_bits(p));
#endif
	while (p < end) {
		while (end - p >= 8 && !scan_maybe_ctl(load64(p)))
			p += 8;
		const char *stop = end - p >= 8 ? p + 8 : end;
		for (; p < stop; p++)
			if (http_is_class(*p, HTTP_C_CTL))
				return p;
	}
	return end;
}

/* First byte of [p, end) that a request target may not contain, or <end>. */
static inline const char *scan_target(const char *p, const char *end)
{
#ifdef HTTP_SCAN_SSE2
	SCAN_BLOCKS(scan_no_target_bits(p));
#endif
	return p + scan_class(p, end, HTTP_C_TARGET);
}

/* First <c> in [p, end), or <end>. For short distances; memchr() has a call's cost. */
static inline const char *scan_byte(const char *p, const char *end, char c)
{
#ifdef HTTP_SCAN_SSE2
	SCAN_BLOCKS(scan_byte_bits(p, c));
#endif
	while (p < end && *p != c)
		p++;
	return p;
}

#endif
