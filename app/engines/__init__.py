"""Engines: local servers that speak the OpenAI HTTP API, and the one client for all of them."""
