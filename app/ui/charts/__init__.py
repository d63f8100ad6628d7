"""Charts, painted: bars side by side, and lines over a range or over time."""
