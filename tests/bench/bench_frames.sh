#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The frame allocators side by side: bench_frames.c says what is measured.
# Usage: bench_frames.sh [ROUNDS [PART OF A WORKLOAD'S NAME]]
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Where a branch happens to lie in a cache line moves a row by a tenth.
gcc -std=gnu2x -O3 -flto -falign-functions=64 -falign-jumps=32 \
	-falign-loops=32 -Iinclude -I. -Itests/bench -pthread \
	-o "$work/bench_frames" tests/bench/bench_frames.c \
	tests/bench/workloads.c tests/bench/peer_*.c mm/frame/*.c
"$work/bench_frames" "$@"
