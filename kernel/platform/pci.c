// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Configuration mechanism #1, over every bus: a walk down from bus 0 does not
 * find root bridges beyond the first. It does not reach segments other than 0,
 * which only large servers have. A USB controller that the firmware owns keeps
 * emulating the keyboard, with DMA in memory that stays the firmware's; any
 * other one is stopped like every device.
 * Sources: PCI 3.0 section 3.2.2.3.2 and 6.2; EHCI 1.0 2.1.7; xHCI 1.2
 * 7.1.1; UHCI design guide 1.1 section 5.2; OHCI 1.0a 7.1.2.
 */
#include "pci.h"

#include <arch/instructions.h>
#include <base/bits.h>

#include <kernel/boot/fixmap.h>
#include <kernel/log/log.h>

#define PORT_ADDRESS		0xcf8
#define PORT_DATA		0xcfc
#define BUSES			256
#define SLOTS			32
#define FUNCTIONS		8

#define CONFIG_COMMAND		0x04
#define CONFIG_CLASS		0x08
#define CONFIG_HEADER		0x0c
#define CONFIG_BAR0		0x10
#define COMMAND_MEMORY		0x2
#define COMMAND_BUS_MASTER	0x4
#define COMMAND_NO_INTX		0x400
#define HEADER_MULTI		0x800000
#define CLASS_DISPLAY		0x03
#define CLASS_BRIDGE		0x06
#define CLASS_USB		0x0c03
#define USB_UHCI		0x00
#define USB_OHCI		0x10
#define USB_EHCI		0x20
#define USB_XHCI		0x30
#define UHCI_LEGACY		0xc0
#define UHCI_SMI_ON		0x003f	/* any of the enables                */
#define OHCI_ROUTING		(1u << 8) /* interrupts go to the firmware   */
#define LEGACY_OWNED		(1u << 16) /* BIOS-owned semaphore           */
#define LEGACY_ID		1
#define CAPABILITIES_MAX	64
#define DEVICE_BYTES		0x10000

struct function {
	unsigned bus, slot, number;
};

static uint32_t config_address(struct function at, unsigned offset)
{
	return 1u << 31 | at.bus << 16 | at.slot << 11 | at.number << 8 |
	       (offset & 0xfc);
}

static uint32_t config_read(struct function at, unsigned offset)
{
	out32(PORT_ADDRESS, config_address(at, offset));
	return in32(PORT_DATA);
}

static void config_write(struct function at, unsigned offset, uint32_t value)
{
	out32(PORT_ADDRESS, config_address(at, offset));
	out32(PORT_DATA, value);
}

static bool device_read(struct function at, uint32_t offset, uint32_t *out)
{
	uint64_t bar = config_read(at, CONFIG_BAR0);
	struct fixmap_request request = { .slot = FIXMAP_DEVICE, .bytes = 4 };
	const volatile void *place;

	if ((bar & 1) != 0 || offset >= DEVICE_BYTES ||
	    (config_read(at, CONFIG_COMMAND) & COMMAND_MEMORY) == 0)
		return false;
	if ((bar & 6) == 4)
		bar |= (uint64_t)config_read(at, CONFIG_BAR0 + 4) << 32;
	request.phys.raw = (bar & ~15UL) + offset;
	if (bar < 16 || fixmap_map(&request, &place) != ST_OK)
		return false;
	*out = *(const volatile uint32_t *)place;
	return true;
}

/* xHCI: extended capabilities in its registers, offsets in words. */
static bool xhci_is_owned(struct function at)
{
	uint32_t parameters, capability, offset;

	if (!device_read(at, 0x10, &parameters))
		return false;
	offset = (parameters >> 16) * 4;
	for (unsigned i = 0; i < CAPABILITIES_MAX && offset != 0; i++) {
		if (!device_read(at, offset, &capability))
			return false;
		if ((capability & 0xff) == LEGACY_ID)
			return capability & LEGACY_OWNED;
		if ((capability >> 8 & 0xff) == 0)
			return false;
		offset += (capability >> 8 & 0xff) * 4;
	}
	return false;
}

/* EHCI: the same semaphore, in configuration space. */
static bool ehci_is_owned(struct function at)
{
	uint32_t parameters, capability;
	unsigned offset;

	if (!device_read(at, 8, &parameters))
		return false;
	offset = parameters >> 8 & 0xff;
	for (unsigned i = 0; i < CAPABILITIES_MAX && offset >= 0x40; i++) {
		capability = config_read(at, offset);
		if ((capability & 0xff) == LEGACY_ID)
			return capability & LEGACY_OWNED;
		offset = capability >> 8 & 0xff;
	}
	return false;
}

static bool usb_is_owned(struct function at, unsigned interface)
{
	uint32_t control;

	switch (interface) {
	case USB_UHCI:
		return config_read(at, UHCI_LEGACY) & UHCI_SMI_ON;
	case USB_OHCI:
		return device_read(at, 4, &control) && control & OHCI_ROUTING;
	case USB_EHCI:
		return ehci_is_owned(at);
	case USB_XHCI:
		return xhci_is_owned(at);
	default:
		return false;
	}
}

/* True when the function was a bus master and is not any more. */
static bool stop(struct function at)
{
	uint32_t class = config_read(at, CONFIG_CLASS);
	uint32_t command = config_read(at, CONFIG_COMMAND);

	if ((command & COMMAND_BUS_MASTER) == 0 ||
	    class >> 24 == CLASS_DISPLAY)
		return false;
	/* A bridge only passes on what the functions behind it do. */
	if (class >> 24 == CLASS_BRIDGE)
		return false;
	if (class >> 16 == CLASS_USB && usb_is_owned(at, class >> 8 & 0xff)) {
		log_line(LOG_INFO, "pci: left running bus=%u slot=%u "
				   "function=%u why=\"firmware owns it\"",
			 at.bus, at.slot, at.number);
		return false;
	}
	/* The upper half is status: a written 1 would clear its bit. */
	config_write(at, CONFIG_COMMAND,
		     (command & 0xffff & ~(uint32_t)COMMAND_BUS_MASTER) |
			     COMMAND_NO_INTX);
	/* Reading back waits for the write and for DMA that was under way. */
	return (config_read(at, CONFIG_COMMAND) & COMMAND_BUS_MASTER) == 0;
}

static bool is_there(struct function at)
{
	return (config_read(at, 0) & 0xffff) != 0xffff;
}

/* Function 0 is there. */
static unsigned stop_slot(unsigned bus, unsigned slot)
{
	struct function at = { bus, slot, 0 };
	unsigned stopped = stop(at);

	if ((config_read(at, CONFIG_HEADER) & HEADER_MULTI) == 0)
		return stopped;
	for (at.number = 1; at.number < FUNCTIONS; at.number++)
		if (is_there(at))
			stopped += stop(at);
	return stopped;
}

void pci_stop_bus_masters(void)
{
	unsigned stopped = 0;

	for (unsigned bus = 0; bus < BUSES; bus++)
		for (unsigned slot = 0; slot < SLOTS; slot++)
			if (is_there((struct function){ bus, slot, 0 }))
				stopped += stop_slot(bus, slot);
	if (fixmap_unmap(FIXMAP_DEVICE) != ST_OK)
		log_line(LOG_WARNING, "pci: a window stays open");
	log_line(LOG_INFO, "pci: bus masters stopped=%u", stopped);
}
