"""The speed test: workloads, the load on an engine, what is made of it. No Qt, no inference library."""
