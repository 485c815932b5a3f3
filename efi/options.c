// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The layers of options, lowest first: the built-in ones, BULLDOG.CFG, the
 * UEFI load options, fw_cfg. The text of all layers goes to the kernel, which
 * applies the same rules. The loader itself needs mem=, memmap= and console=.
 */
#include "loader.h"

#include <base/text.h>

#define CONFIG_PATH	L"\\EFI\\BULLDOG\\BULLDOG.CFG"
#define FW_CFG_NAME	"opt/org.bulldog.cmdline"

static void append(struct loader *loader, enum option_layer_kind kind,
		   const char *text, size_t bytes)
{
	enum status status = options_append_layer(
		&loader->option_text,
		&(struct option_layer){ kind, text, bytes });

	if (status != ST_OK)
		log_warning("options: layer refused kind=%d bytes=%lu "
			    "why=\"%s\"", kind, (uint64_t)bytes,
			    status_text(status));
}

static void append_config_file(struct loader *loader)
{
	size_t first = loader->holding_count;
	uint64_t bytes;
	void *data;
	EFI_STATUS status;

	status = file_read(loader, CONFIG_PATH, 16 * OPTIONS_BYTES, &data,
			   &bytes);
	if (status == EFI_NOT_FOUND)
		return;
	if (EFI_ERROR(status)) {
		log_warning("options: file unreadable name=BULLDOG.CFG "
			      "status=0x%lx", (uint64_t)status);
		return;
	}
	append(loader, LAYER_FILE, data, bytes);
	memory_free_from(loader, first);
}

static void append_load_options(struct loader *loader)
{
	const void *given = loader->loaded->LoadOptions;
	size_t bytes = given != NULL ? loader->loaded->LoadOptionsSize : 0;
	char text[1024];

	/* Two bytes are an empty text: only its NUL. */
	if (bytes > 2 && !options_ucs2_fits(given, bytes, sizeof(text)))
		log_warning("options: load options ignored bytes=%lu "
			      "why=\"no text, or too long\"", (uint64_t)bytes);
	bytes = options_from_ucs2(text, sizeof(text), given, bytes);
	append(loader, LAYER_WORDS, text, bytes);
}

static void append_fw_cfg(struct loader *loader)
{
	char text[OPTIONS_BYTES];
	size_t bytes;

	if (!loader->under_qemu)
		return;
	bytes = fw_cfg_read_file(FW_CFG_NAME, text, sizeof(text));
	if (bytes == 0)
		return;
	if (loader->secure_boot) {
		log_warning("options: fw_cfg ignored why=\"secure boot\"");
		return;
	}
	while (bytes > 0 && text[bytes - 1] == '\0')
		bytes--;
	append(loader, LAYER_WORDS, text, bytes);
}

/* The kernel applies the same text and names each bad option. */
static void ignore_complaint(struct options_complaint *, const char *, size_t,
			     const char *)
{
}

void options_read(struct loader *loader)
{
	struct options_complaint ignore = { .report = ignore_complaint };
	struct option_layer all = { .kind = LAYER_WORDS };

	append_config_file(loader);
	append_load_options(loader);
	append_fw_cfg(loader);
	all.text = loader->option_text.text;
	all.bytes = loader->option_text.used;
	options_defaults(&loader->options);
	options_apply(&loader->options, &all, &ignore);
}
