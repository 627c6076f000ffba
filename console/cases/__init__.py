"""Work on alerts: the queue of cases, claims, outcomes and the labels they send. No HTTP."""
