#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The protocol of mm/frame, every interleaving of two CPUs: the model holds,
# and each mistake that can be planted in it is found.
# Needs: spin, gcc. Takes some 700 MB of memory and half a minute.
set -euo pipefail
model=$(cd "$(dirname "$0")" && pwd)/frame.pml

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# verdict FIRST ROUNDS [-DMISTAKE]: prints pan's own summary line
verdict() {
	local sizes=("-DFIRST=$1" "-DROUNDS=$2")
	shift 2
	rm -f pan.c pan
	spin -a "${sizes[@]}" "$@" "$model" >out
	gcc -O2 -DSAFETY -DMEMLIM=4096 -o pan pan.c
	./pan -m400000 >out 2>&1 || true
	grep -o 'errors: [0-9]*' out
}

# A search that was cut short found nothing either: that is no proof.
is_whole() {
	! grep -Eq 'max search depth|Search not completed' out
}

for size in '2 2' '1 3'; do
	# Two numbers: splitting is meant.
	# shellcheck disable=SC2086
	found=$(verdict $size) || { cat out; exit 1; }
	if [ "$found" != 'errors: 0' ] || ! is_whole; then
		cat out
		exit 1
	fi
	grep 'states, stored' out | sed "s/^ */model: $size: holds, /"
done
for mistake in 1:1:NO_EPOCH 1:1:HALF_EPOCH 1:2:NO_RECHECK 1:1:SET_BLINDLY \
		1:1:BLIND_MERGE 1:1:MERGE_ONCE 1:1:EARLY_ROOT \
		1:1:NO_THIRD_LOOK 1:1:REMEMBER_LOST 1:3:NO_RELIST; do
	IFS=: read -r first rounds name <<<"$mistake"
	found=$(verdict "$first" "$rounds" "-D$name") || { cat out; exit 1; }
	if [ "$found" = 'errors: 0' ]; then
		echo "model: $name was not found"
		exit 1
	fi
	echo "model: $name is found"
done
