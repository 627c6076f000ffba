"""The feature set of a bundle, as the core declares its features; their words, signals and input groups as data."""
