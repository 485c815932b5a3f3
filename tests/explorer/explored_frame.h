/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * explored_frame.h - the shipping mm/frame, once more, in this file: each
 * of its atomics is the explorer's. Other names, because the same rooms are
 * linked beside them. Include once, in a test.
 */
#ifndef TESTS_EXPLORED_FRAME_H
#define TESTS_EXPLORED_FRAME_H

#include <tests/explorer/include/base/atomic_builtin.h>

#define frame_alloc explored_frame_alloc
#define frame_at_rest explored_frame_at_rest
#define frame_break_giant explored_frame_break_giant
#define frame_count_block explored_frame_count_block
#define frame_free explored_frame_free
#define frame_has_class explored_frame_has_class
#define frame_has_words explored_frame_has_words
#define frame_in_class explored_frame_in_class
#define frame_let_go_block explored_frame_let_go_block
#define frame_refuse_free explored_frame_refuse_free
#define frame_report_bad_free explored_frame_report_bad_free
#define frame_nodes_find explored_frame_nodes_find
#define frame_nodes_find_place explored_frame_nodes_find_place
#define frame_where_in explored_frame_where_in
#define frame_where_search explored_frame_where_search
#define frame_nothing_left explored_frame_nothing_left
#define frame_open_absent_block explored_frame_open_absent_block
#define frame_open_block explored_frame_open_block
#define frame_open_giant explored_frame_open_giant
#define frame_pool_add explored_frame_pool_add
#define frame_pool_adopt explored_frame_pool_adopt
#define frame_pool_alloc explored_frame_pool_alloc
#define frame_pool_count explored_frame_pool_count
#define frame_pool_free explored_frame_pool_free
#define frame_pool_has explored_frame_pool_has
#define frame_pool_init explored_frame_pool_init
#define frame_pool_query explored_frame_pool_query
#define frame_pool_stats explored_frame_pool_stats
#define frame_pool_measure explored_frame_pool_measure
#define frame_pool_alloc_at explored_frame_pool_alloc_at
#define frame_pool_visit explored_frame_pool_visit
#define frame_return_word explored_frame_return_word
#define frame_pool_zero explored_frame_pool_zero
#define frame_return_blocks explored_frame_return_blocks
#define frame_return_giant explored_frame_return_giant
#define frame_return_giants explored_frame_return_giants
#define frame_return_words explored_frame_return_words
#define frame_return_run explored_frame_return_run
#define frame_report_clash explored_frame_report_clash
#define frame_set_hint explored_frame_set_hint
#define frame_sort explored_frame_sort
#define frame_split_block explored_frame_split_block
#define frame_split_down explored_frame_split_down
#define frame_split_giant explored_frame_split_giant
#define frame_claim_word explored_frame_claim_word
#define frame_claim_blocks explored_frame_claim_blocks
#define frame_claim_giants explored_frame_claim_giants
#define frame_pool_try explored_frame_pool_try
#define frame_check_request explored_frame_check_request
#define frame_claim_run explored_frame_claim_run
#define frame_tree_claim explored_frame_tree_claim
#define frame_tree_claim_all explored_frame_tree_claim_all
#define frame_tree_find explored_frame_tree_find
#define frame_tree_init explored_frame_tree_init
#define frame_tree_list explored_frame_tree_list
#define frame_tree_list_word explored_frame_tree_list_word
#define frame_tree_publish explored_frame_tree_publish
#define frame_tree_words explored_frame_tree_words
#define frame_zones explored_frame_zones
#define frame_fill_block explored_frame_fill_block
#define frame_pool_exchange_byte explored_frame_pool_exchange_byte
#define frame_pool_split explored_frame_pool_split
#define frame_exchange_byte explored_frame_exchange_byte
#define frame_split explored_frame_split
#define frame_exchange_owners explored_frame_exchange_owners
#define frame_gather_words explored_frame_gather_words
#define frame_merge_block explored_frame_merge_block
#define frame_merge_giant explored_frame_merge_giant
#define frame_merge_late explored_frame_merge_late
#define frame_many_add explored_frame_many_add
#define frame_many_begin_claim explored_frame_many_begin_claim
#define frame_many_claim explored_frame_many_claim
#define frame_many_finish explored_frame_many_finish
#define frame_many_init explored_frame_many_init
#define frame_alloc_many explored_frame_alloc_many
#define frame_pool_alloc_many explored_frame_pool_alloc_many
#define frame_free_many explored_frame_free_many
#define frame_pool_free_many explored_frame_pool_free_many
#define frame_cache_free_many explored_frame_cache_free_many

#ifdef EXPLORED_MERGE_TRIES
/* So few that an exploration gets beyond them. */
#include <mm/frame/layout.h>
#undef MERGE_TRIES
#define MERGE_TRIES EXPLORED_MERGE_TRIES
#endif

#include <mm/frame/report.c>
#include <mm/frame/tree.c>
#include <mm/frame/block.c>
#include <mm/frame/late.c>
#include <mm/frame/search.c>
#define mask_of run_mask_of

#include <mm/frame/run.c>
#undef mask_of
#include <mm/frame/query.c>
#include <mm/frame/add.c>
#include <mm/frame/pick.c>
#include <mm/frame/pool.c>
#include <mm/frame/nodes.c>
#include <mm/frame/fill.c>
#include <mm/frame/bytes.c>
#include <mm/frame/many.c>
#include <mm/frame/many_free.c>

#endif
