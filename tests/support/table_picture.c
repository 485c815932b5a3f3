// SPDX-License-Identifier: MIT OR Apache-2.0
#include "table_picture.h"

#include <stdio.h>

struct picture {
	char text[8192];
	size_t length;
	struct table_leaf first;	/* of the row at hand                */
	uint64_t count;
};

static const char *size_name(uint64_t bytes)
{
	if (bytes == PAGE_SIZE)
		return "4K";
	if (bytes == SIZE_2M)
		return "2M";
	return bytes == SIZE_1G ? "1G" : "?";
}

static void end_row(struct picture *picture)
{
	const struct table_leaf *first = &picture->first;
	size_t room = sizeof(picture->text) - picture->length;
	int wrote;

	if (picture->count == 0)
		return;
	wrote = snprintf(picture->text + picture->length, room,
			 "%lx %lux%s %lx %c%c%c%c %u;", first->virt.raw,
			 picture->count, size_name(first->bytes),
			 first->phys.raw,
			 first->rights & TABLE_WRITE ? 'w' : '-',
			 first->rights & TABLE_EXECUTE ? 'x' : '-',
			 first->rights & TABLE_USER ? 'u' : '-',
			 first->rights & TABLE_GLOBAL ? 'g' : '-',
			 (unsigned)first->cache);
	if ((size_t)wrote < room)
		picture->length += (size_t)wrote;
	picture->count = 0;
}

static bool add_leaf(void *context, const struct table_leaf *leaf)
{
	struct picture *picture = context;
	const struct table_leaf *first = &picture->first;
	uint64_t so_far = picture->count * first->bytes;

	if (picture->count > 0 && leaf->bytes == first->bytes &&
	    leaf->virt.raw == first->virt.raw + so_far &&
	    leaf->phys.raw == first->phys.raw + so_far &&
	    leaf->rights == first->rights && leaf->cache == first->cache) {
		picture->count++;
		return true;
	}
	end_row(picture);
	picture->first = *leaf;
	picture->count = 1;
	return true;
}

const char *table_picture(const struct table *table)
{
	static struct picture picture;

	picture = (struct picture){ 0 };
	table_visit(table, add_leaf, &picture);
	end_row(&picture);
	return picture.text;
}
