"""Money and FX rates, local time, distance and time units."""
