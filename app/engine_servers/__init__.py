"""Servers that run inside an engine's own environment. Nothing of the app imports them, nor they the app."""
