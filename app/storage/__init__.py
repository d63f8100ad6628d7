"""What is kept on disk: paths, the database, settings."""
