# SPDX-License-Identifier: Apache-2.0
"""Figures of speed: measured, kept as JSON, shown in documents (scripts/update_performance)."""
