/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pci.h - ends DMA of all devices before memory is reused. */
#ifndef KERNEL_PLATFORM_PCI_H
#define KERNEL_PLATFORM_PCI_H

/*
 * Clears Bus Master on every function except displays and the USB controllers
 * that the firmware still owns. A device that the firmware's drivers left
 * running (a network card's receive ring, say) would write into pages of the
 * kernel.
 */
void pci_stop_bus_masters(void);

#endif
