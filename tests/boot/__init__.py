# SPDX-License-Identifier: MIT OR Apache-2.0
"""Boots Bulldog in QEMU and checks its log. See docs/testing/testing.md."""
