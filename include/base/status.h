/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * status.h - the result of a call. To ignore one is a compiler warning.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

enum [[nodiscard]] status {
	ST_OK,			/* done, completely                          */
	ST_NO_MEMORY,		/* no page is free; nothing was changed      */
	ST_FULL,		/* a fixed table has no room for the result  */
	ST_BAD_ARGUMENT,	/* the request contradicts itself            */
	ST_BAD_RANGE,		/* empty, unaligned, wrapping or outside     */
	ST_NOT_FOUND,		/* there is no such thing                    */
	ST_CONFLICT,		/* it is in use, or there already            */
	ST_CORRUPT,		/* foreign data fails its own checks         */
	ST_UNSUPPORTED,		/* well formed, but not for this machine     */
	ST_DENIED,		/* policy forbids it (Secure Boot)           */
	ST_DEVICE,		/* a device or the firmware failed           */
	ST_COUNT,
};

/* A short lower-case phrase; never NULL. */
const char *status_text(enum status status);

#endif
