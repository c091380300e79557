# SPDX-License-Identifier: Apache-2.0
"""Figures drawn from Plumbline results files (HDF5 that is also netCDF-4)."""
