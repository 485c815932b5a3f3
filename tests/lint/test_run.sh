#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The scripts around a boot: make-image, run-qemu, debug, compile-commands,
# sign, what make refuses, and .ci/run. QEMU, gdb, sbsign and the make of
# .ci/run are fakes that show what they were told.
set -u

# shellcheck source-path=SCRIPTDIR source=ktap.sh
. "$(dirname "$0")/ktap.sh"

# --- make-image --------------------------------------------------------------

case_image_is_the_same_bytes_for_the_same_input()
{
	echo loader >loader.efi
	want 0 "$top/scripts/make-image" loader.efi a.img
	touch -d 2001-02-03 loader.efi
	want 0 env TZ=Asia/Tokyo "$top/scripts/make-image" loader.efi b.img
	cmp a.img b.img
	[ "$(wc -c <a.img)" = $((4 << 20)) ]
	want 0 mdir -i a.img ::/EFI/BOOT
	says 4244-4F47
	says 2026-01-01
	echo other >loader.efi
	want 0 "$top/scripts/make-image" loader.efi b.img
	want 1 cmp a.img b.img
}

case_image_holds_what_it_was_given()
{
	echo loader >loader.efi
	head -c 9000000 /dev/zero >kernel.elf
	echo note >note.txt
	want 0 "$top/scripts/make-image" loader.efi deep/out.img \
		EFI/BULLDOG/KERNEL.ELF=kernel.elf note.txt
	for file in EFI/BOOT/BOOTX64.EFI=loader.efi note.txt=note.txt \
		EFI/BULLDOG/KERNEL.ELF=kernel.elf \
		"EFI/BULLDOG/BULLDOG.CFG=$top/esp/BULLDOG.CFG"; do
		mcopy -n -i deep/out.img "::/${file%%=*}" copy
		cmp copy "${file#*=}"
		rm copy
	done
}

case_image_says_what_is_missing_and_leaves_nothing()
{
	want 1 "$top/scripts/make-image" nowhere.efi out.img
	says 'no such file: nowhere.efi'
	echo loader >loader.efi
	want 1 "$top/scripts/make-image" loader.efi out.img \
		A=loader.efi A=loader.efi
	says 'cannot copy'
	[ -z "$(ls out.img* 2>/dev/null)" ]
	want 2 "$top/scripts/make-image" loader.efi
}

# --- run-qemu ----------------------------------------------------------------

# A QEMU that keeps its arguments and options file, speaks, and ends.
machine()		# STATUS
{
	fake qemu-system-x86_64 <<-END
	printf '%s\\n' "\$@" >arguments
	for word in "\$@"; do
		case \$word in
		name=opt/org.bulldog.cmdline,file=*)
			cp "\${word#*file=}" cmdline ;;
		esac
	done
	echo hello
	echo world
	exit $1
	END
	: >disk.img
}

run()			# VARIABLE=VALUE...
{
	env -u OVMF_CODE -u OVMF_VARS PATH="$PWD/bin:$PATH" BUILD="$PWD/build" \
		"$@" "$top/scripts/run-qemu" disk.img </dev/null
}

has()			# ARGUMENT...: QEMU was given them, side by side
{
	local all wanted

	all=$(tr '\n' ' ' <arguments)
	wanted="$* "
	[[ " $all" == *" $wanted"* ]] && return
	printf 'QEMU did not get: %s\nbut: %s\n' "$wanted" "$all"
	exit 1
}

has_no()		# TEXT
{
	grep -q -e "$1" arguments || return 0
	printf 'QEMU got: %s\n' "$1"
	exit 1
}

case_run_passes_only_on_exit_code_33()
{
	machine 33
	want 0 run
	says 'hello'
	says 'world'
	for code in 0 1 35 37 65; do
		machine $code
		want 1 run
		says 'run-qemu: FAILED'
		says "$code"
	done
}

case_run_asks_for_the_four_reports_without_a_terminal()
{
	machine 33
	want 0 run CMDLINE='maxcpus=1 quiet'
	has -no-reboot
	has -device isa-debug-exit,iobase=0xf4,iosize=0x04
	echo -n 'run="memmap -m; ledger -m; layout -m; bootinfo -m"' \
		'on-idle=exit panic=exit maxcpus=1 quiet' | cmp - cmdline
}

case_run_ends_a_silent_machine()
{
	machine 33
	fake qemu-system-x86_64 <<<'echo hello; exec sleep 60'
	want 1 run SILENCE=2
	says hello
	says 'no output for 2 seconds'
}

case_run_waits_for_a_machine_that_speaks()
{
	machine 33
	fake qemu-system-x86_64 <<-'END'
	for word in one two three; do
		echo $word
		sleep 2
	done
	exit 33
	END
	want 0 run SILENCE=4
	says three
}

case_run_at_a_terminal_says_how_to_leave()
{
	machine 33
	want 0 at_terminal '' env PATH="$PWD/bin:$PATH" BUILD="$PWD/build" \
		"$top/scripts/run-qemu" disk.img
	says 'Ctrl-A X leaves'
	has -serial mon:stdio
	has_no no-reboot
	has_no opt/org.bulldog.cmdline
}

case_run_cleans_up_behind_itself()
{
	machine 33
	want 0 run
	machine 37
	want 1 run
	[ -z "$(ls build)" ]
}

case_run_gives_the_machine_its_size()
{
	machine 33
	want 0 run
	has -m size=524288k
	has -accel tcg,thread=multi -cpu max,host-phys-bits=off,phys-bits=39
	has -smp 1
	want 0 run MEM=3G SMP=4
	has -m size=3145728k
	has -smp 4
	has memory-backend-ram,id=ram,size=3221225472,reserve=off
}

case_run_takes_the_fewest_address_bits_that_fit()
{
	machine 33
	for pair in 64G:39 470G:39 480G:40 960G:40 1000G:42 2T:42 4T:43; do
		want 0 run MEM=${pair%:*}
		has -cpu "max,host-phys-bits=off,phys-bits=${pair#*:}"
	done
}

case_run_splits_memory_and_processors_over_nodes()
{
	machine 33
	want 0 run NUMA=3 SMP=2 MEM=100M
	has -object memory-backend-ram,id=ram0,size=33554432,reserve=off
	has -numa node,nodeid=0,memdev=ram0,cpus=0-0
	has -numa node,nodeid=1,memdev=ram1,cpus=1-1
	has -object memory-backend-ram,id=ram2,size=37748736,reserve=off
	has -numa node,nodeid=2,memdev=ram2
	has -numa dist,src=0,dst=2,val=20
	want 0 run NUMA=2 SMP=4 MEM=128G
	has -numa node,nodeid=1,memdev=ram1,cpus=2-3
	has_no memory-backend=ram
	want 1 run NUMA=64 MEM=64M
	says 'too little'
}

case_run_refuses_words_that_are_no_numbers()
{
	machine 33
	for bad in MEM= MEM=0 MEM=12X MEM=-1 SMP=0 SMP=x NUMA=x SILENCE=0; do
		[ $bad != MEM= ] || continue
		want 1 run $bad
		says "${bad%=*}="
	done
	[ ! -e arguments ]
}

case_run_refuses_less_memory_than_boots()
{
	machine 33
	for bad in 32M 63M 65535K; do
		want 1 run MEM=$bad
		says "MEM=$bad is too little"
	done
	[ ! -e arguments ]
	want 0 run MEM=64M
}

case_run_says_that_it_reads_no_commands()
{
	machine 33
	want 0 run
	says_not CMDLINE=
	# A pipe in the place of the file that `run` gives it.
	want 0 piped help
	says "CMDLINE='run="
	want 7 piped help GDB=1
	says_not CMDLINE=
}

piped()			# TEXT VARIABLE=VALUE...
{
	local text=$1

	shift
	[ $# = 0 ] || machine 7
	printf '%s' "$text" | env -u OVMF_CODE -u OVMF_VARS "$@" \
		PATH="$PWD/bin:$PATH" BUILD="$PWD/build" \
		"$top/scripts/run-qemu" disk.img
}

case_run_refuses_kvm_where_the_processor_cannot()
{
	machine 33
	fake grep <<<'exit 1'
	want 1 run KVM=1
	says 'KVM=1'
	[ ! -e arguments ]
}

case_run_waits_for_gdb()
{
	machine 7
	want 7 run GDB=1
	has -S -gdb tcp:127.0.0.1:1234
	has_no opt/org.bulldog.cmdline
	want 7 run GDB=1 GDBPORT=4321
	has -S -gdb tcp:127.0.0.1:4321
	want 7 run GDB=1 GDBPORT=./socket
	has -S -gdb unix:./socket,server=on,wait=off
}

case_run_hands_on_what_it_does_not_know()
{
	machine 33
	want 0 run QEMUFLAGS='-d int -D log' DISPLAY_BACKEND=vnc=:1 V=1
	has -d int -D log
	has -display vnc=:1
	says "'-display' 'vnc=:1'"
}

case_run_doubles_a_comma_in_a_path()
{
	machine 33
	mkdir 'a,b'
	: >'a,b/disk.img'
	want 0 env PATH="$PWD/bin:$PATH" BUILD="$PWD/a,b" \
		"$top/scripts/run-qemu" 'a,b/disk.img' </dev/null
	has -drive if=none,id=esp,readonly=on,format=raw,file=a,,b/disk.img
}

case_run_says_how_to_make_the_image()
{
	machine 33
	rm disk.img
	want 1 run
	says 'make image'
}

# --- debug -------------------------------------------------------------------

# A QEMU that listens where it was told, until it is ended.
debuggee()
{
	fake qemu-system-x86_64 <<-'END'
	printf '%s\n' "$@" >arguments
	echo $$ >pid
	path=$(printf '%s\n' "$@" | sed -n 's/^unix:\(.*\),server.*/\1/p')
	exec python3 -c '
import signal, socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])
signal.pause()' "$path"
	END
	fake gdb <<-'END'
	printf '%s\n' "$@" >gdb_arguments
	END
	: >disk.img
	: >kernel.elf
	mkdir build
}

case_debug_stops_gdb_at_the_kernels_first_instruction()
{
	debuggee
	want 0 env PATH="$PWD/bin:$PATH" BUILD="$PWD/build" \
		GDB_BATCH='bt; info registers' \
		"$top/scripts/debug" disk.img kernel.elf
	has -S -gdb
	grep -qx 'thbreak \*kernel_entry' gdb_arguments
	grep -qx 'target remote .*/gdb' gdb_arguments
	grep -qx -e -batch gdb_arguments
	tail -n 1 gdb_arguments | grep -qx ' info registers'
	want 1 kill -0 "$(cat pid)"
}

case_debug_says_that_qemu_did_not_start()
{
	debuggee
	fake qemu-system-x86_64 <<<'echo "no such machine" >&2; exit 1'
	want 1 env PATH="$PWD/bin:$PATH" BUILD="$PWD/build" \
		"$top/scripts/debug" disk.img kernel.elf
	says 'no such machine'
	says 'QEMU did not start'
	[ ! -e gdb_arguments ]
}

case_debug_says_what_is_missing()
{
	debuggee
	want 1 "$top/scripts/debug" disk.img nowhere.elf
	says 'no kernel at nowhere.elf'
}

# --- compile-commands --------------------------------------------------------

case_compile_commands_keeps_every_argument()
{
	want 0 "$top/scripts/compile-commands" out.json \
		-- gcc -Iinclude '-DTEXT="a\nb c"' : mm/a.c mm/b.c \
		-- clang -O2 : mm/a.c
	python3 - "$PWD" <<-'END'
	import json, sys
	got = json.load(open("out.json"))
	flags = ["gcc", "-Iinclude", '-DTEXT="a\\nb c"', "-c"]
	assert got == [
	    {"directory": sys.argv[1], "file": "mm/a.c",
	     "arguments": flags + ["mm/a.c"]},
	    {"directory": sys.argv[1], "file": "mm/b.c",
	     "arguments": flags + ["mm/b.c"]},
	    {"directory": sys.argv[1], "file": "mm/a.c",
	     "arguments": ["clang", "-O2", "-c", "mm/a.c"]}], got
	END
}

case_compile_commands_leaves_an_equal_file_alone()
{
	want 0 "$top/scripts/compile-commands" out.json -- gcc : a.c
	touch -d 2001-02-03 out.json
	want 0 "$top/scripts/compile-commands" out.json -- gcc : a.c
	[ "$(date -r out.json +%Y)" = 2001 ]
	want 0 "$top/scripts/compile-commands" out.json -- gcc : a.c b.c
	[ "$(date -r out.json +%Y)" != 2001 ]
	want 2 "$top/scripts/compile-commands" out.json gcc
}

# --- sign --------------------------------------------------------------------

sign()			# VARIABLE=VALUE...
{
	env -u SIGN_KEY -u SIGN_CERT PATH="$PWD/bin:$PATH" "$@" \
		"$top/scripts/sign" in.efi out.efi
}

case_sign_says_which_key_it_used()
{
	fake sbsign <<<'printf "%s\n" "$@" >arguments'
	fake sbverify <<<''
	want 0 sign SIGN_KEY=mine.key SIGN_CERT=mine.pem
	grep -qx mine.key arguments
	says 'out.efi is signed with mine.pem'
	says_not 'test key'
	[ -f /usr/share/ovmf/PkKek-1-snakeoil.key ] || return 0
	fake openssl <<<''
	want 0 sign
	says 'test key of ovmf'
	says 'SIGN_KEY='
}

case_sign_refuses_half_a_pair_and_says_why_sbsign_failed()
{
	fake sbsign <<<'echo "no such key" >&2; exit 1'
	want 1 sign SIGN_KEY=mine.key
	says 'without SIGN_CERT='
	want 1 sign SIGN_CERT=mine.pem
	says 'without SIGN_KEY='
	want 1 sign SIGN_KEY=mine.key SIGN_CERT=mine.pem
	says 'sign: no such key'
}

# --- make --------------------------------------------------------------------

goal()			# GOAL VARIABLE=VALUE...
{
	env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory -C "$top" \
		BUILD="$PWD/build" "$@"
}

case_make_says_what_a_goal_lacks()
{
	want 2 goal check-one TEST=
	says 'make check-one TEST='
	want 2 goal check-one TEST=nope
	says 'TEST=nope is no file of tests/unit: name one'
	want 2 goal check-one TEST='test_elf test_region'
	says 'TEST=test_elf test_region is no file'
	[ ! -e build/check-gcc/test_elf ]
	want 2 goal usb DIR=
	says 'make usb DIR=/media/stick'
	want 2 goal usb DIR="$PWD/nowhere"
	says "DIR=$PWD/nowhere is no directory"
	want 2 goal usb DIR="$PWD"
	says "DIR=$PWD is a folder in which nothing is mounted"
	[ ! -e build/BOOTX64.EFI ]
}

case_a_test_says_that_no_case_matches()
{
	cat >one.c <<-END
	#include "check.h"
	CASE(two_and_two_are_four) { CHECK(2 + 2 == 4); }
	END
	gcc -std=gnu2x -I"$top/include" -I"$top/tests/support" \
		one.c "$top/tests/support/check.c" -o one
	want 0 ./one two
	says 'ok 1 two_and_two_are_four'
	want 1 ./one five
	says 'no case has five in its name; without CASE= all cases run'
}

# --- copy-to-stick -----------------------------------------------------------

copy_to_stick()		# VARIABLE=VALUE... -- FOLDER [LOADER]
{
	local variables=()

	while [ "$1" != -- ]; do
		variables+=("$1")
		shift
	done
	shift
	env -u FORCE PATH="$PWD/bin:$PATH" "${variables[@]}" \
		"$top/scripts/copy-to-stick" "$@"
}

case_stick_is_a_mounted_fat_or_forced()
{
	fake mountpoint <<<"[ \"\$*\" = '-q stick' ]"
	fake stat <<<'cat system'
	mkdir -p stick folder
	echo loader >loader.efi
	echo ext2/ext3 >system
	want 1 copy_to_stick -- stick loader.efi
	says 'DIR=stick has no FAT file system'
	echo msdos >system
	want 1 copy_to_stick -- folder loader.efi
	says 'DIR=folder is a folder in which nothing is mounted'
	want 0 copy_to_stick -- stick
	[ ! -e stick/EFI ]
	want 0 copy_to_stick -- stick loader.efi
	says 'stick/EFI/BOOT/BOOTX64.EFI is there'
	cmp loader.efi stick/EFI/BOOT/BOOTX64.EFI
	want 0 copy_to_stick FORCE=1 -- folder loader.efi
	cmp loader.efi folder/EFI/BOOT/BOOTX64.EFI
	want 2 copy_to_stick --
}

# --- .ci/run -----------------------------------------------------------------

ci()			# TEST_STATUS SUMMARY LINT_STATUS
{
	mkdir -p tree/.ci
	cp "$top/.ci/run" tree/.ci/run
	fake make <<-END
	echo "make \$* WERROR=\$WERROR CI=\$CI" >>log
	case \$1 in
	test) echo "$2" && exit $1 ;;
	lint) echo "lint: 6 checks, 0 findings" && exit $3 ;;
	esac
	END
	env -u CI PATH="$PWD/bin:$PATH" tree/.ci/run
}

case_ci_passes_and_ends_with_the_summary()
{
	want 0 ci 0 '12 passed, 0 failed, 0 skipped' 0
	[ "${said##*$'\n'}" = '12 passed, 0 failed, 0 skipped' ]
	grep -qx 'make test WERROR=1 CI=true' tree/log
	grep -qx 'make lint WERROR=1 CI=true' tree/log
}

case_ci_fails_when_tests_or_lint_fail()
{
	want 1 ci 2 '11 passed, 1 failed, 0 skipped' 0
	grep -q 'make lint' tree/log
	want 1 ci 2 '12 passed, 0 failed, 0 skipped' 0
	want 1 ci 0 '12 passed, 0 failed, 0 skipped' 1
	want 1 ci 0 '11 passed, 1 failed, 0 skipped' 0
	want 1 ci 0 '11 passed, 0 failed, 1 skipped' 0
	want 1 ci 0 '0 passed, 0 failed, 0 skipped' 0
	want 1 ci 0 'nothing was said' 0
	says 'no summary'
}

run_cases "$@"
