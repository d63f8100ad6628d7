"""The models page: choosing, downloading and keeping models."""
