"""The differentiators: interpreters of a graph, each adding one column."""
