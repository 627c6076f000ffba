"""Reports of a scored run: reads its files into columns, computes the summary, renders it to a terminal or as HTML."""
