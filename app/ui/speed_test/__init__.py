"""The speed test page: engines side by side on this machine."""
