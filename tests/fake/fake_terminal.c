// SPDX-License-Identifier: MIT OR Apache-2.0
#include "fake_terminal.h"

#include <string.h>

static void blank_row(struct fake_terminal *terminal, unsigned row)
{
	memset(terminal->rows[row], ' ', terminal->columns);
	terminal->rows[row][terminal->columns] = '\0';
}

static void next_row(struct fake_terminal *terminal)
{
	terminal->column = 0;
	if (terminal->row + 1 < TERMINAL_ROWS) {
		terminal->row++;
		return;
	}
	memmove(terminal->rows[0], terminal->rows[1],
		sizeof(terminal->rows) - sizeof(terminal->rows[0]));
	blank_row(terminal, TERMINAL_ROWS - 1);
}

static void put_byte(struct fake_terminal *terminal, char byte)
{
	terminal->bytes++;
	if (byte == '\n') {
		next_row(terminal);
	} else if (byte == '\r') {
		terminal->controls++;
		terminal->column = 0;
	} else if (byte == '\b' && terminal->column > 0) {
		terminal->controls++;
		terminal->column--;
	} else if (byte >= ' ' && byte <= '~' &&
		   terminal->column + 1 < terminal->columns) {
		terminal->rows[terminal->row][terminal->column++] = byte;
	} else {
		terminal->strange++;
	}
}

static void put(struct sink *sink, const char *text, size_t bytes)
{
	struct fake_terminal *terminal = (struct fake_terminal *)sink;

	for (size_t i = 0; i < bytes; i++)
		put_byte(terminal, text[i]);
}

void fake_terminal_init(struct fake_terminal *terminal, unsigned columns)
{
	*terminal = (struct fake_terminal){
		.sink = { .put = put },
		.columns = columns,
	};
	for (unsigned row = 0; row < TERMINAL_ROWS; row++)
		blank_row(terminal, row);
}
