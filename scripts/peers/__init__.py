# SPDX-License-Identifier: Apache-2.0
"""Plumbline's training step beside the same step of other libraries (scripts/compare_peers).

The session runs in any Python. Each peer of it is a process of its own with its library: *_step.py
holds its steps, worker.py serves them. A new peer is a new file and a line in worker.PEERS.
"""
