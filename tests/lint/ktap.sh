# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Sourced by the shell tests: every function named case_* is a case, run in a
# shell and an empty directory of its own with `set -e`. KTAP lines out.

# The cases start their commands from here.
# shellcheck disable=SC2034
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# want STATUS COMMAND...: runs it, keeps what it says in $said.
want()
{
	local wanted=$1 status

	shift
	set +e
	said=$("$@" 2>&1)
	status=$?
	set -e
	[ "$status" = "$wanted" ] && return
	printf 'status %d, not %d: %s\n%s\n' "$status" "$wanted" "$*" "$said"
	exit 1
}

# says TEXT: $said has it, anywhere.
says()
{
	[[ $said == *"$1"* ]] && return
	printf 'not said: %s\nbut: %s\n' "$1" "$said"
	exit 1
}

says_not()
{
	[[ $said != *"$1"* ]] && return
	printf 'said: %s\nin: %s\n' "$1" "$said"
	exit 1
}

says_nothing()
{
	[ -z "$said" ] && return
	printf 'not silent: %s\n' "$said"
	exit 1
}

# at_terminal ANSWER COMMAND...: the command has a terminal, not a pipe.
at_terminal()
{
	local answer=$1

	shift
	python3 -c 'import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' \
		"$@" <<<"$answer"
}

# The commands that scripts/setup looks for, and those that it uses itself.
commands='sh awk cat cksum env grep head id ln ls mkdir mktemp mv rm sed sort
	tr true zcat gcc as ld objcopy nm make mformat mcopy mmd
	qemu-system-x86_64 clang clang-format shellcheck python3 sbsign
	sbverify openssl gdb valgrind spin'

# A directory with links to those commands, but for some.
commands_but()		# NAME...
{
	local name

	mkdir bin
	for name in $commands; do
		[[ " $* " != *" $name "* ]] || continue
		# Not each is needed by the tests themselves.
		if [ -e "/usr/bin/$name" ]; then
			ln -s "/usr/bin/$name" bin/
		else
			fake "$name" <<<'exit 0'
		fi
	done
}

# fake NAME: a command of that name in bin/ that does what stdin says.
fake()
{
	mkdir -p bin
	rm -f "bin/$1"
	{
		printf '#!/bin/sh\n'
		cat
	} >"bin/$1"
	chmod +x "bin/$1"
}

run_cases()		# [PART OF A CASE'S NAME]
{
	local number=0 bad=0 name output status room

	printf 'KTAP version 1\n'
	for name in $(declare -F | awk '{ print $3 }' | grep ^case_); do
		[[ $name == *"${1:-}"* ]] || continue
		number=$((number + 1))
		room=$(mktemp -d -t bulldog-case.XXXXXX)
		output=$(cd "$room" && set -e && "$name" 2>&1)
		status=$?
		rm -rf "$room"
		if [ $status = 0 ]; then
			printf 'ok %d %s\n' $number "${name#case_}"
		else
			printf '%s\n' "$output" | sed 's/^/# /'
			printf 'not ok %d %s\n' $number "${name#case_}"
			bad=$((bad + 1))
		fi
	done
	printf '1..%d\n' $number
	[ $bad = 0 ] && [ $number != 0 ]
}
