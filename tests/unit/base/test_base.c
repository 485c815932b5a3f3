// SPDX-License-Identifier: MIT OR Apache-2.0
#include <base/bits.h>
#include <base/crc32.h>
#include <base/sort.h>
#include <base/status.h>
#include <base/text.h>

#include "check.h"

struct buffer_sink {
	struct sink base;
	char text[256];
	size_t used;
};

static void buffer_put(struct sink *sink, const char *text, size_t bytes)
{
	struct buffer_sink *buffer = (struct buffer_sink *)sink;

	CHECK(buffer->used + bytes < sizeof(buffer->text));
	memcpy(buffer->text + buffer->used, text, bytes);
	buffer->used += bytes;
}

static const char *value_of(const char *text)
{
	static struct buffer_sink buffer;

	buffer = (struct buffer_sink){ .base.put = buffer_put };
	sink_print_value(&buffer.base, text, strlen(text));
	return buffer.text;
}

CASE(text_record_values_are_quoted_only_when_needed)
{
	CHECK(strcmp(value_of("plain"), "plain") == 0);
	CHECK(strcmp(value_of("two words"), "\"two words\"") == 0);
	CHECK(strcmp(value_of(""), "\"\"") == 0);
	CHECK(strcmp(value_of("a\"b"), "\"a\\x22b\"") == 0);
	CHECK(strcmp(value_of("back\\slash"), "\"back\\x5cslash\"") == 0);
	CHECK(strcmp(value_of("\n"), "\"\\x0a\"") == 0);
}

CASE(text_record_values_are_printed_into_a_buffer)
{
	static const char worst[] = "\n\"\\\x7f";
	char value[TEXT_VALUE_BYTES(sizeof(worst) - 1)];

	memset(value, '#', sizeof(value));
	CHECK(text_print_value(value, sizeof(value), "plain") == 5);
	CHECK(strcmp(value, "plain") == 0);
	CHECK(value[6] == '#');
	CHECK(text_print_value(value, sizeof(value), worst) ==
	      sizeof(value) - 1);
	CHECK(strcmp(value, "\"\\x0a\\x22\\x5c\\x7f\"") == 0);
	CHECK(text_print_value(value, 4, "abcdef") == 3);
	CHECK(strcmp(value, "abc") == 0 && value[4] == 'a');
	CHECK(text_print_value(value, 0, "x") == 0 && value[0] == 'a');
}

CASE(text_print_cuts_and_ends_with_nul)
{
	char small[4];

	CHECK(text_print(small, sizeof(small), "%s", "abcdef") == 3);
	CHECK(strcmp(small, "abc") == 0);
	CHECK(text_print(small, 0, "x") == 0);
	CHECK(text_print(small, sizeof(small), "%lu", 42UL) == 2);
	CHECK(strcmp(small, "42") == 0);
}

CASE(crc32_matches_the_published_check_value)
{
	CHECK(crc32(0, "123456789", 9) == 0xcbf43926);
	CHECK(crc32(crc32(0, "1234", 4), "56789", 5) == 0xcbf43926);
	CHECK(crc32(0, "", 0) == 0);
}

static bool uint_before(const void *a, const void *b)
{
	return *(const uint32_t *)a < *(const uint32_t *)b;
}

CASE(sort_orders_every_length)
{
	uint64_t seed = check_seed();
	uint32_t items[200];

	for (size_t count = 0; count <= ARRAY_LENGTH(items); count++) {
		uint64_t sum_before = 0, sum_after = 0;

		for (size_t i = 0; i < count; i++) {
			items[i] = check_random(&seed) % 50;
			sum_before += items[i];
		}
		sort(items, count, sizeof(items[0]), uint_before);
		for (size_t i = 0; i < count; i++) {
			sum_after += items[i];
			CHECK(i == 0 || items[i - 1] <= items[i]);
		}
		CHECK(sum_before == sum_after);
	}
}

/* Of a size that words do not divide. */
struct odd_item {
	uint32_t key;
	uint8_t rest[9];
};

static bool odd_before(const void *a, const void *b)
{
	return ((const struct odd_item *)a)->key <
	       ((const struct odd_item *)b)->key;
}

/* Descending, so that insertion sort exhausts its budget. */
CASE(sort_keeps_the_bytes_of_an_item_together)
{
	struct odd_item items[100];
	size_t count = ARRAY_LENGTH(items);

	for (size_t i = 0; i < count; i++) {
		items[i].key = (uint32_t)(1000 - i);
		memset(items[i].rest, (int)i, sizeof(items[i].rest));
	}
	sort(items, count, sizeof(items[0]), odd_before);
	for (size_t i = 0; i < count; i++) {
		CHECK(items[i].key == 1000 - count + 1 + i);
		for (size_t at = 0; at < sizeof(items[i].rest); at++)
			CHECK(items[i].rest[at] == count - 1 - i);
	}
}

CASE(bits_round_and_notice_overflow)
{
	uint64_t sum;

	CHECK(align_up(1, 4096) == 4096);
	CHECK(align_up(4096, 4096) == 4096);
	CHECK(align_down(4097, 4096) == 4096);
	CHECK(add_overflows(UINT64_MAX, 1, &sum));
	CHECK(!add_overflows(UINT64_MAX, 0, &sum) && sum == UINT64_MAX);
}

CASE(status_has_a_phrase_for_every_value)
{
	for (int i = 0; i < ST_COUNT; i++)
		CHECK(strlen(status_text((enum status)i)) > 0);
	CHECK(strcmp(status_text(ST_COUNT), "unknown status") == 0);
}

CASE(bits_name_each_bit_of_a_bitmap_once)
{
	for (unsigned first = 0; first < WORD_BITS; first++) {
		uint64_t want = 0;

		for (unsigned end = first + 1; end <= WORD_BITS; end++) {
			want |= 1UL << (end - 1);
			CHECK(word_mask(first, end) == want);
		}
		CHECK(word_index(WORD_BITS + first) == 1);
		CHECK(word_bit(WORD_BITS + first) == first);
	}
	CHECK(word_index(1UL << 40) == 1UL << 34);
}
