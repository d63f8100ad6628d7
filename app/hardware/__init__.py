"""Fills `domain.machine` from this computer."""
