"""Training of a network on pairs: the loop, its data and its schedule."""
