"""Errors of customer profiles: each message is one line that says what to change."""


class ProfileError(ValueError):
    """A profile cannot be made."""


class TableError(ProfileError):
    """A table or a column is missing, or is named twice."""


class DatabaseError(ProfileError):
    """The database cannot be opened, read or written."""


class SettingsError(ProfileError):
    """The settings file or one of its conditions is not valid."""
