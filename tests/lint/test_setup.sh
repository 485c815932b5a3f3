#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# scripts/setup on machines that lack something. apt-get, sudo and id are
# fakes; a tool that is "missing" is left out of PATH.
set -u

# shellcheck source-path=SCRIPTDIR source=ktap.sh
. "$(dirname "$0")/ktap.sh"

os_release()		# LINES...
{
	printf '%s\n' "$@" >os-release
}

# A Debian machine without the given commands; apt-get installs them.
debian_without()	# NAME...
{
	local name

	commands_but "$@"
	os_release 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"' ID=debian
	fake id <<-'END'
	echo "${FAKE_UID:-1000}"
	END
	fake sudo <<-'END'
	echo "sudo $*" >>log
	[ "${FAKE_SUDO:-no}" = yes ] || exit 1
	[ "$1" = -n ] && shift
	exec "$@"
	END
	fake apt-cache <<-'END'
	[ -e lists ]
	END
	{
		cat <<-'END'
		echo "apt-get $*" >>log
		case $* in
		*update*) : >lists ;;
		*install*)
		END
		for name in "$@"; do
			printf 'ln -sf "/usr/bin/%s" bin/\n' "$name"
		done
		echo ';; esac'
	} | fake apt-get
	: >lists
	: >log
}

setup()			# TARGET [VARIABLE=VALUE...]
{
	local target=$1

	shift
	env -u CI -u CC -u CLANG PATH="$PWD/bin" BUILD="$PWD/build" \
		OS_RELEASE="$PWD/os-release" "$@" \
		"$top/scripts/setup" "$target" </dev/null
}

log_has()
{
	grep -qxF -- "$1" log && return
	printf 'not in the log: %s\n' "$1"
	cat log
	exit 1
}

log_has_no()
{
	grep -q -- "$1" log || return 0
	printf 'in the log: %s\n' "$1"
	cat log
	exit 1
}

apt_install()		# PACKAGES
{
	printf 'apt-get -o DPkg::Lock::Timeout=120 install --yes %s' \
		"--no-install-recommends $1"
}

case_setup_says_nothing_when_nothing_is_missing()
{
	debian_without
	want 0 setup run
	says_nothing
	want 0 setup run
	says_nothing
	[ ! -s log ]
}

case_setup_prints_the_exact_line_when_it_may_not_install()
{
	debian_without mformat
	want 1 setup run
	says 'still needs: mtools'
	says '    sudo apt-get install --no-install-recommends mtools'
	log_has 'sudo -n true'
	log_has_no apt-get
}

case_setup_never_asks_without_a_terminal()
{
	debian_without mformat
	want 1 setup run
	says_not 'y/N'
	want 1 setup run CI=true
	says_not 'y/N'
}

case_setup_installs_as_root_in_ci()
{
	debian_without mformat qemu-system-x86_64
	want 0 setup run CI=true FAKE_UID=0
	log_has "$(apt_install 'mtools qemu-system-x86')"
	log_has_no sudo
	want 0 setup run
	says_nothing
}

case_setup_installs_with_passwordless_sudo()
{
	debian_without mformat
	want 0 setup run FAKE_SUDO=yes
	log_has "$(apt_install mtools)"
}

case_setup_updates_the_lists_when_a_package_is_unknown()
{
	debian_without mformat
	rm lists
	want 1 setup run
	says 'sudo apt-get update && sudo apt-get install'
	want 0 setup run FAKE_UID=0
	log_has 'apt-get -o DPkg::Lock::Timeout=120 update'
	log_has "$(apt_install mtools)"
}

case_setup_asks_at_a_terminal_and_takes_no_for_an_answer()
{
	debian_without mformat
	set -- env -u CI PATH="$PWD/bin" BUILD="$PWD/build" FAKE_UID=0 \
		OS_RELEASE="$PWD/os-release" "$top/scripts/setup" run
	want 1 at_terminal n "$@"
	says 'y/N'
	says 'apt-get install --no-install-recommends mtools'
	[ ! -s log ]
	want 0 at_terminal y "$@"
	log_has "$(apt_install mtools)"
}

case_setup_fails_when_the_install_did_not_help()
{
	debian_without mformat
	fake apt-get <<<'exit 0'
	want 1 setup run FAKE_UID=0
	says 'still not usable: mtools'
}

case_setup_fails_when_the_install_fails()
{
	debian_without mformat
	fake apt-get <<<'exit 100'
	want 1 setup run FAKE_UID=0
}

case_setup_prints_fedoras_line()
{
	debian_without mformat
	os_release 'NAME="Fedora Linux"' ID=fedora
	want 1 setup run FAKE_UID=0
	says '    sudo dnf install mtools'
	[ ! -s log ]
}

case_setup_prints_archs_line_for_a_likeness()
{
	debian_without mformat
	os_release 'ID=garuda' 'ID_LIKE="arch"'
	want 1 setup run FAKE_UID=0
	says '    sudo pacman -S --needed mtools'
	[ ! -s log ]
}

case_setup_names_debians_packages_where_it_knows_no_others()
{
	debian_without mformat
	os_release ID=plan9
	want 1 setup run FAKE_UID=0
	says 'Debian calls it'
	says mtools
}

case_setup_notices_a_tool_that_vanished()
{
	debian_without
	want 0 setup run
	rm bin/mcopy
	want 1 setup run
	says 'still needs: mtools'
}

case_setup_wants_headers_and_not_only_tools()
{
	debian_without
	fake gcc <<-'END'
	source=$(cat)
	case $source in
	*stb_sprintf*) exit 1 ;;
	esac
	printf '%s\n' "$source" | exec /usr/bin/gcc "$@"
	END
	want 1 setup build
	says 'still needs: stb'
	says '    sudo apt-get install --no-install-recommends libstb-dev'
}

case_setup_wants_a_compiler_that_knows_the_language()
{
	debian_without
	fake gcc <<-'END'
	case $* in
	*gnu2x*) exit 1 ;;
	esac
	exec /usr/bin/gcc "$@"
	END
	want 1 setup docs
	says 'still needs: cc'
	says 'apt-get install --no-install-recommends gcc libc6-dev'
}

case_setup_wants_a_qemu_that_has_q35()
{
	debian_without
	fake qemu-system-x86_64 <<<'echo "microvm  microvm (i386)"'
	want 1 setup run
	says 'still needs: qemu'
}

case_setup_wants_the_runtime_of_clangs_sanitizers()
{
	debian_without
	fake clang <<-'END'
	case $* in
	*--version*) echo 'Debian clang version 19.1.7 (3+b1)' && exit ;;
	*fuzzer*) exit 1 ;;
	esac
	exec /usr/bin/clang "$@"
	END
	want 1 setup test
	says 'still needs: clang_rt'
	says 'apt-get install --no-install-recommends libclang-rt-19-dev'
}

case_setup_needs_no_python_for_run()
{
	debian_without python3 clang shellcheck gdb openssl sbsign
	want 0 setup run
	says_nothing
	want 1 setup lint
	says 'needs: clang python shellcheck'
}

case_setup_knows_every_target_of_the_table()
{
	local target

	debian_without
	for target in build image run test lint bench fuzz sign debug docs; do
		want 0 setup $target
		says_nothing
	done
	want 2 setup nonsense
	says 'no such target'
	want 0 setup --help
	says 'Usage: scripts/setup TARGET'
}

# Each capability has a probe, and every column a name.
case_setup_table_is_complete()
{
	local word name groups rest columns

	while read -r word name groups rest; do
		[ "$word" = need ] || continue
		[ -n "$groups" ]
		grep -q "^probe_$name()" "$top/scripts/setup"
		read -r -a columns <<<"$rest"
		[ ${#columns[@]} = 3 ]
	done <"$top/scripts/packages.txt"
}

run_cases "$@"
