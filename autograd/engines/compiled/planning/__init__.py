"""What is computed by which call, in which memory: a graph becomes a plan."""
