"""Scripts that set the project up. Standard library only: they run before anything is installed."""
