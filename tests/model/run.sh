#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The protocol of mm/frame, every interleaving of two CPUs: the model holds,
# and each mistake that can be planted in it is found.
# Needs: spin, gcc. Takes some 3 GB of memory and a minute.
set -euo pipefail
model=$(cd "$(dirname "$0")" && pwd)/frame.pml

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# verdict ROUNDS [-DMISTAKE]: prints pan's own summary line
verdict() {
	local rounds=$1
	shift
	spin -a "-DROUNDS=$rounds" "$@" "$model"
	gcc -O2 -DSAFETY -DMEMLIM=4096 -o pan pan.c
	./pan -m400000 >out 2>&1 || true
	grep -o 'errors: [0-9]*' out
}

[ "$(verdict 1)" = 'errors: 0' ] || { cat out; exit 1; }
grep 'states, stored' out | sed 's/^ */model: holds, /'
for mistake in 1:NO_EPOCH 1:HALF_EPOCH 1:NO_RECHECK 1:SET_BLINDLY \
		2:BLIND_MERGE; do
	found=$(verdict "${mistake%%:*}" "-D${mistake#*:}")
	if [ "$found" = 'errors: 0' ]; then
		echo "model: ${mistake#*:} was not found"
		exit 1
	fi
	echo "model: ${mistake#*:} is found"
done
