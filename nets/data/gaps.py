"""What can happen to gaps in a table: apart, so that a command line can offer it without reading tables."""

FOR_GAPS = ("error", "fill", "drop")
