/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* version.h - the version that the kernel and the host tool print. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define BULLDOG_VERSION "0.1"

#endif
