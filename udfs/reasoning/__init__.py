"""Why an alert was raised, in an analyst's words."""
