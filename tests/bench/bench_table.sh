#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Instructions per page of mm/table, counted by callgrind (exact): one
# record per row of docs/memory/tables.md. Needs gcc and valgrind.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# With the kernel's own memset, which the flag keeps from calling itself.
gcc -std=gnu2x -O2 -mgeneral-regs-only -fno-tree-loop-distribute-patterns \
	-Iinclude -I. -o "$work/bench_table" \
	tests/bench/bench_table.c \
	mm/table/{step,table,change,adopt,visit}.c mm/base/string.c

row() {
	local total
	total=$(cd "$work" && valgrind --tool=callgrind \
		--toggle-collect='measured_*' --callgrind-out-file=/dev/null \
		./bench_table "$@" 2>&1 | sed -n 's/.*Collected : //p')
	awk -v operation="$1" -v pages="$2" -v setting="${3:-stays}" \
		-v total="$total" 'BEGIN {
		printf "@cost operation=%s pages=%d setting=%s " \
			"instructions=%d per_page=%.1f\n",
			operation, pages, setting, total, total / pages }'
}

for operation in map unmap protect; do
	for pages in 1 16 512 65536; do
		row $operation $pages
	done
done
row both 1
row both 1 comes
row map 512 across
row unmap 512 across
row map 128 large
row query 1
echo "@end cmd=bench_table status=0"
