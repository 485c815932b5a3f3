#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# scripts/find-ovmf on machines that have their firmware elsewhere.
set -u

# shellcheck source-path=SCRIPTDIR source=ktap.sh
. "$(dirname "$0")/ktap.sh"

find_ovmf()		# ARGUMENTS...
{
	env -u OVMF_CODE -u OVMF_VARS -u XDG_CONFIG_HOME HOME="$PWD" \
		"$top/scripts/find-ovmf" "$@"
}

put()			# FILE...
{
	local file

	for file in "$@"; do
		mkdir -p "${file%/*}"
		: >"$file"
	done
}

# A description as QEMU's documentation has it, with a pair of files.
describe()		# FILE FEATURES [CODE VARS MACHINE FORMAT ARCHITECTURE]
{
	local code=${3:-/fw/code.fd} vars=${4:-/fw/vars.fd}

	mkdir -p "root/${1%/*}"
	cat >"root/$1" <<-END
	{
	    "description": "UEFI, with \"quotes\" and { braces",
	    "interface-types": [ "bios", "uefi" ],
	    "mapping": {
	        "device": "flash",
	        "executable": { "filename": "$code",
	                        "format": "${6:-raw}" },
	        "nvram-template": { "filename": "$vars",
	                            "format": "${6:-raw}" }
	    },
	    "targets": [
	        { "architecture": "${7:-x86_64}",
	          "machines": [ "pc-i440fx-*", "${5:-pc-q35-*}" ] }
	    ],
	    "features": [ $2 ],
	    "tags": [ ]
	}
	END
	put "root$code" "root$vars"
}

finds()			# CODE VARS
{
	want 0 find_ovmf --root root code
	[ "$said" = "root$1" ] || { echo "code: $said" && exit 1; }
	want 0 find_ovmf --root root vars
	[ "$said" = "root$2" ] || { echo "vars: $said" && exit 1; }
}

share=/usr/share/qemu/firmware
etc=/etc/qemu/firmware

case_find_ovmf_reads_descriptions_in_name_order()
{
	describe $share/60-b.json '"acpi-s3"' /fw/b.code /fw/b.vars
	describe $share/50-a.json '"acpi-s3"' /fw/a.code /fw/a.vars
	finds /fw/a.code /fw/a.vars
	describe $share/20-c.json '' /fw/c.code /fw/c.vars
	describe $etc/30-d.json '' /fw/d.code /fw/d.vars
	finds /fw/c.code /fw/c.vars
}

case_find_ovmf_passes_over_secure_boot()
{
	describe $share/40-a.json '"enrolled-keys", "acpi-s3"' /fw/a /fw/a.v
	describe $share/50-b.json '"acpi-s3", "requires-smm"' /fw/b /fw/b.v
	describe $share/55-c.json '"secure-boot"' /fw/c /fw/c.v
	describe $share/60-d.json '"verbose-dynamic"' /fw/d /fw/d.v
	finds /fw/d /fw/d.v
}

case_find_ovmf_passes_over_other_machines_and_formats()
{
	describe $share/10-a.json '' /fw/a /fw/a.v microvm
	describe $share/20-b.json '' /fw/b /fw/b.v 'pc-q35-*' qcow2
	describe $share/30-c.json '' /fw/c /fw/c.v 'pc-q35-*' raw i386
	describe $share/40-d.json '' /fw/d /fw/d.v
	finds /fw/d /fw/d.v
}

case_find_ovmf_passes_over_files_that_are_not_there()
{
	describe $share/10-a.json '' /fw/a /fw/a.v
	rm root/fw/a.v
	describe $share/40-d.json '' /fw/d /fw/d.v
	finds /fw/d /fw/d.v
}

case_find_ovmf_lets_etc_replace_and_hide()
{
	describe $share/10-a.json '' /fw/a /fw/a.v
	describe $share/20-b.json '' /fw/b /fw/b.v
	describe $share/30-c.json '' /fw/c /fw/c.v
	put root$etc/10-a.json
	describe $etc/20-b.json '' /fw/own /fw/own.v
	finds /fw/own /fw/own.v
}

case_find_ovmf_reads_json_on_one_line()
{
	describe $share/10-a.json '' '/fw/a b.fd' /fw/a.v
	tr -d '\n' <root$share/10-a.json >one
	mv one root$share/10-a.json
	finds '/fw/a b.fd' /fw/a.v
}

case_find_ovmf_survives_what_is_no_json()
{
	describe $share/60-a.json '' /fw/a /fw/a.v
	printf '{ "mapping": [[ \x01 "' >root$share/10-x.json
	printf ']]]]}}}}' >root$share/11-y.json
	finds /fw/a /fw/a.v
}

case_find_ovmf_falls_back_to_known_places()
{
	put root/usr/share/edk2/ovmf/OVMF_CODE.fd \
		root/usr/share/edk2/ovmf/OVMF_VARS.fd
	finds /usr/share/edk2/ovmf/OVMF_CODE.fd \
		/usr/share/edk2/ovmf/OVMF_VARS.fd
}

case_find_ovmf_says_what_to_do_when_there_is_none()
{
	mkdir root
	want 1 find_ovmf --root root code
	says 'no UEFI firmware'
	says 'install ovmf'
	says 'OVMF_CODE='
}

case_find_ovmf_takes_the_environment_at_its_word()
{
	put here/MY_CODE.fd here/MY_VARS.fd ./other.fd
	want 0 env OVMF_CODE=here/MY_CODE.fd "$top/scripts/find-ovmf" code
	[ "$said" = here/MY_CODE.fd ]
	want 0 env OVMF_CODE=here/MY_CODE.fd "$top/scripts/find-ovmf" vars
	[ "$said" = here/MY_VARS.fd ]
	want 0 env OVMF_CODE=here/MY_CODE.fd OVMF_VARS=other.fd \
		"$top/scripts/find-ovmf" vars
	[ "$said" = other.fd ]
	want 1 env OVMF_CODE=nowhere.fd "$top/scripts/find-ovmf" code
	says 'OVMF_CODE=nowhere.fd is not there'
	rm here/MY_VARS.fd
	want 1 env OVMF_CODE=here/MY_CODE.fd "$top/scripts/find-ovmf" vars
	says 'OVMF_VARS='
}

case_find_ovmf_finds_the_test_keys_beside_the_code()
{
	put fw/OVMF_CODE_4M.fd fw/OVMF_VARS_4M.fd \
		fw/OVMF_CODE_4M.secboot.fd fw/OVMF_VARS_4M.snakeoil.fd
	export OVMF_CODE=fw/OVMF_CODE_4M.fd
	want 0 "$top/scripts/find-ovmf" secure-code
	[ "$said" = fw/OVMF_CODE_4M.secboot.fd ]
	want 0 "$top/scripts/find-ovmf" snakeoil-vars
	[ "$said" = fw/OVMF_VARS_4M.snakeoil.fd ]
	rm fw/OVMF_VARS_4M.snakeoil.fd
	want 1 "$top/scripts/find-ovmf" snakeoil-vars
	says 'fw/OVMF_VARS_4M.snakeoil.fd is not there'
}

case_find_ovmf_wants_one_word()
{
	want 2 find_ovmf
	want 2 find_ovmf nonsense
	want 0 find_ovmf --help
	says 'snakeoil-vars'
}

run_cases "$@"
