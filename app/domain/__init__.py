"""Values the whole app speaks in. Standard library only; no input or output happens here."""
