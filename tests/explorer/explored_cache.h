/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * explored_cache.h - the caches in front of explored_frame.h, once more, in
 * this file. Include once, in a test, before other headers of mm; its CPU is
 * that of fake_cpu.h.
 */
#ifndef TESTS_EXPLORED_CACHE_H
#define TESTS_EXPLORED_CACHE_H

#define frame_cache_alloc explored_cache_alloc
#define frame_cache_alloc_block explored_cache_alloc_block
#define frame_cache_current explored_cache_current
#define frame_cache_drain explored_cache_drain
#define frame_cache_free explored_cache_free
#define frame_cache_free_block explored_cache_free_block
#define frame_cache_init explored_cache_init
#define frame_cache_keep_word explored_cache_keep_word
#define frame_cache_of_nmi explored_cache_of_nmi
#define frame_cache_refill explored_cache_refill
#define frame_cache_set_init explored_cache_set_init

#include "explored_frame.h"

#define nothing_left cache_nothing_left
#define refuse cache_refuse

#include <mm/frame/cache.c>
#include <mm/frame/cache_set.c>
#undef nothing_left
#undef refuse

#endif
