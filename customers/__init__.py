"""Profiles of customers from the tables of a database: checks of the data, totals, and conditions in the rule language."""
