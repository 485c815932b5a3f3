/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * status.h - how a call ended. Every status that is dropped is a warning.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

enum [[nodiscard]] status {
	ST_OK,			/* done, whole                               */
	ST_NO_MEMORY,		/* no page to be had; nothing was changed    */
	ST_FULL,		/* a fixed table has no room for the result  */
	ST_BAD_ARGUMENT,	/* the request contradicts itself            */
	ST_BAD_RANGE,		/* empty, unaligned, wrapping or outside     */
	ST_NOT_FOUND,		/* what was asked for is not there           */
	ST_CONFLICT,		/* something else is there already           */
	ST_CORRUPT,		/* foreign data fails its own checks         */
	ST_UNSUPPORTED,		/* well formed, but not for this machine     */
	ST_DENIED,		/* policy forbids it (Secure Boot)           */
	ST_DEVICE,		/* a device or the firmware said no          */
	ST_COUNT,
};

/* A short lower-case phrase for people; never NULL. */
const char *status_text(enum status status);

#endif
