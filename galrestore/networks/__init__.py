"""Networks, their weights and their use."""
