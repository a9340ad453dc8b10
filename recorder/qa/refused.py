"""What can go wrong in the room, by whose fault: something named that is not there, or something a rule forbids."""


class NoSuch(LookupError):
    """There is no plan, form, review, calibration, note or call of that name."""


class NotAllowed(Exception):
    """A rule forbids it, or somebody else was first; the text says which."""
