#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Instructions, locked accesses, shared cache lines, and slots of other CPUs
# that are read, of each operation of the frame allocator, for memory and
# CPUs of all sizes: records, or with the word `table` the tables of
# docs/memory/frames.md. Needs gcc and valgrind.
set -euo pipefail
cd "$(dirname "$0")/../.."

case ${1:-} in
'' | table) ;;
*) echo "Usage: count_frames.sh [table]" >&2 && exit 2 ;;
esac

work=$(mktemp -d)
finish() {
	local status=$?
	rm -rf "$work"
	[ $status = 0 ] || echo "@end cmd=count_frames status=1"
}
trap finish EXIT

# As the kernel is compiled, but for where it lies.
flags=(-std=gnu2x -O2 -mgeneral-regs-only -mno-red-zone -fcf-protection=none
	-fno-pie -no-pie -ffunction-sections "-Wl,--gc-sections" -Iinclude -I.)
sources=(tests/bench/count_*.c tests/fake/fake_cpu.c mm/frame/*.c)
gcc "${flags[@]}" -o "$work/plain" "${sources[@]}" &
gcc -Itests/bench/include "${flags[@]}" -o "$work/telling" "${sources[@]}"
wait $!

# Both at once: one writes what it has locked, the other what it has executed.
"$work/telling" >"$work/accesses" &
valgrind -q --tool=callgrind --instr-atstart=no --collect-atstart=no \
	--combine-dumps=yes --callgrind-out-file="$work/steps" \
	"$work/plain" >"$work/labels" 2>"$work/messages" || {
	cat "$work/messages" >&2
	exit 1
}
wait $!

# From samples to averages and worst cases.
awk '
function fail(text) {
	print "count_frames: " text >"/dev/stderr"
	failed = 1
}
function larger(old, new) {
	return new > old ? new : old
}
function mean(sum, key) {
	return sprintf("%.2f", sum / samples[key])
}
FILENAME ~ /accesses$/ && $1 == "@row" { rows[++row_count] = $2 }
FILENAME ~ /accesses$/ && $1 == "@sample" {
	key = $2 " " $3 " " $4
	if (!(($3 " " $4) in known))
		machines[++machine_count] = $3 " " $4
	known[$3 " " $4] = 1
	sampled[$2] = 1
	samples[key]++
	locked[key] += $5
	lines[key] += $6
	slots[key] += $7
	most_locked[key] = larger(most_locked[key], $5)
	most_lines[key] = larger(most_lines[key], $6)
	most_slots[key] = larger(most_slots[key], $7)
}
/^desc: Trigger: Client Request: / { dump = $5 " " $6 " " $7 }
/^totals: / && dump != "" {
	dumps[dump]++
	steps[dump] += $2
	most_steps[dump] = larger(most_steps[dump], $2)
	dump = ""
}
function record(name, machine,    key, base, place) {
	key = name " " machine
	base = steps["nothing " machine]
	split(machine, place, " ")
	if (samples[key] != dumps[key])
		fail(key ": " samples[key] + 0 " samples, " \
			dumps[key] + 0 " dumps")
	# The promise of frame_cache.h.
	if (name ~ /^cache_.._(alloc|free)$/ && most_locked[key] > 0)
		fail(key ": a locked access without the pool")
	if (name == "nothing" || samples[key] == 0)
		return
	printf "@count operation=%s gib=%s cpus=%s samples=%d " \
		"instructions=%s locked=%s lines=%s most_instructions=%d " \
		"most_locked=%d most_lines=%d slots=%s most_slots=%d\n",
		name, place[1], place[2],
		samples[key], mean(steps[key] - base * samples[key], key),
		mean(locked[key], key), mean(lines[key], key),
		most_steps[key] - base, most_locked[key], most_lines[key],
		mean(slots[key], key), most_slots[key]
}
END {
	if (machine_count == 0)
		fail("no samples")
	for (i = 1; i <= row_count; i++)
		if (!(rows[i] in sampled))
			fail(rows[i] ": no samples")
	for (m = 1; m <= machine_count; m++)
		for (i = 1; i <= row_count; i++)
			record(rows[i], machines[m])
	exit failed
}' "$work/accesses" "$work/steps" >"$work/records"

if [ "${1:-}" != table ]; then
	cat "$work/records"
	echo "@end cmd=count_frames status=0"
	exit 0
fi
awk '
function rounded(number) {
	return number == int(number) || number >= 9.95 ? \
		sprintf("%.0f", number) : sprintf("%.1f", number)
}
function triple(prefix) {
	return sprintf("%.0f / %s / %s", value[prefix "instructions"],
		rounded(value[prefix "locked"]), rounded(value[prefix "lines"]))
}
function cell(cells, operation, machine,    at) {
	at = cells " " operation " " machine
	return at in text ? text[at] : "-"
}
function heading(title, heads,    n, j, head) {
	n = split(heads, head, ",")
	printf "%s\n\n| operation |", title
	for (j = 1; j <= n; j++)
		printf " %s |", head[j]
	printf "\n|---|"
	for (j = 1; j <= n; j++)
		printf "---|"
	print ""
}
function row(cells, operation, columns,    n, j, column, name) {
	n = split(columns, column, ",")
	name = operation
	gsub("_", " ", name)
	printf "| %s |", name
	for (j = 1; j <= n; j++)
		printf " %s |", cell(cells, operation, column[j])
	print ""
}
# Whether all columns say the same; whether the worst is the average.
function even(operation, columns,    n, j, column) {
	n = split(columns, column, ",")
	for (j = 2; j <= n; j++)
		if (cell("mean", operation, column[j]) != \
		    cell("mean", operation, column[1]))
			return 0
	return 1
}
function steady(operation, columns,    n, j, column) {
	n = split(columns, column, ",")
	for (j = 1; j <= n; j++)
		if (cell("mean", operation, column[j]) != \
		    cell("most", operation, column[j]))
			return 0
	return 1
}
{
	for (i = 2; i <= NF; i++) {
		split($i, pair, "=")
		value[pair[1]] = pair[2]
	}
	if (!(value["operation"] in seen))
		order[++operations] = value["operation"]
	seen[value["operation"]] = 1
	where = value["operation"] " " value["gib"] "x" value["cpus"]
	text["mean " where] = triple("")
	text["most " where] = triple("most_")
	text["slots " where] = value["most_slots"]
}
END {
	sizes = "1x1,8x1,64x1,600x1,4096x1"
	names = "1 GiB,8 GiB,64 GiB,600 GiB,4 TiB"
	cpus = "64x1,64x4,64x16"
	heading("Instructions / locked / lines, on the average, 1 CPU:", names)
	for (i = 1; i <= operations; i++)
		row("mean", order[i], sizes)
	heading("\nThe worst of each, where that is not the average:", names)
	for (i = 1; i <= operations; i++)
		if (!steady(order[i], sizes))
			row("most", order[i], sizes)
	heading("\nOn the average, 64 GiB; the others are the same for all:",
		"1 CPU,4 CPUs,16 CPUs")
	for (i = 1; i <= operations; i++)
		if (!even(order[i], cpus))
			row("mean", order[i], cpus)
	heading("\nSlots of other CPUs that are read, 64 GiB, if any:",
		"1 CPU,4 CPUs,16 CPUs")
	for (i = 1; i <= operations; i++)
		if (text["slots " order[i] " 64x16"] > 0)
			row("slots", order[i], cpus)
}' "$work/records"
