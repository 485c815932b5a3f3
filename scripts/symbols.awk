# SPDX-License-Identifier: MIT OR Apache-2.0
#
# nm -n KERNEL | awk -f symbols.awk: the table that kernel/lib/symbols.c reads, as
# assembly. Reads only names and digits, so that any awk makes the same table.
#
# Without input it is the empty table of the first link. The symbols in the
# table must not depend on its own size: no ends of segments.

BEGIN { count = 0 }

$3 == "text_end" || $3 == "rodata_end" || $3 == "data_end" { next }
# Text, rodata, data and bss, global or not; other kinds have no address.
$2 !~ /^[tTrRdDbB]$/ { next }
# Where two names share an address the first one will do.
$1 == last { next }
{
	last = $1
	address[count] = $1
	name[count] = $3
	count++
}

END {
	print "#include <boot/layout.h>"
	print "\t.section .symbols, \"a\", @progbits"
	print "\t.globl symbol_table"
	print "\t.type symbol_table, @object"
	print "\t.balign 8"
	print "symbol_table:"
	print "\t.long " count
	for (i = 0; i < count; i++) {
		print "\t.long 0x" address[i] " - KERNEL_BASE"
		print "\t.long .Lname" i " - .Lnames"
	}
	print ".Lnames:"
	for (i = 0; i < count; i++)
		print ".Lname" i ":\t.asciz \"" name[i] "\""
	print "\t.section .note.GNU-stack, \"\", @progbits"
}
