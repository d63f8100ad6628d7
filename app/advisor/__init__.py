"""Which model in which form suits this machine, and why. Pure functions: nothing is read or measured."""
