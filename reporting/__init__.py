"""What a scored run tells its user: its files read into columns, summed up, and shown in a terminal or as a page."""
