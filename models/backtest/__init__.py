"""Rules tried on decisions that were made, before they are in force, and measured by labels that came later."""
