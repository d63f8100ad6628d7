"""The advisor page: the guide, the comparison's matrix, the frameworks, the cost."""
