"""Training, calibration, export, evaluation and replay; bundles/default is the shipped bundle."""
