"""A plan with addresses: binding it, running it, timing it, the helping threads."""
