"""Worker threads, queues and state machines between the window and the rooms below. QtCore only."""
