# SPDX-License-Identifier: MIT OR Apache-2.0
"""Boots Bulldog in QEMU and looks at what it says. See docs/testing.md."""
