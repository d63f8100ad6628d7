"""The engines page: what each engine is, where it stands, and what can be done about it."""
