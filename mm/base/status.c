// SPDX-License-Identifier: MIT OR Apache-2.0
#include <base/status.h>

const char *status_text(enum status status)
{
	static const char *const text[ST_COUNT] = {
		[ST_OK] = "ok",
		[ST_NO_MEMORY] = "out of memory",
		[ST_FULL] = "table full",
		[ST_BAD_ARGUMENT] = "bad argument",
		[ST_BAD_RANGE] = "bad range",
		[ST_NOT_FOUND] = "not found",
		[ST_CONFLICT] = "conflict",
		[ST_CORRUPT] = "corrupt",
		[ST_UNSUPPORTED] = "unsupported",
		[ST_DENIED] = "denied",
		[ST_DEVICE] = "device error",
	};

	return (unsigned)status < ST_COUNT ? text[status] : "unknown status";
}
