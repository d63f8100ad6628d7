"""Edgewise without a window: `edgewise chat`, `doctor` and `probe`. Nothing here imports Qt."""
