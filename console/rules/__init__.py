"""Rules on the pages: what is in force, how it does, checking, comparing and trying changes, and named lists."""
