"""The engine: a graph run forward and swept back, over any number system."""
