"""Advice: which model in which form suits this machine, and why. Pure functions; nothing here reads or measures."""
