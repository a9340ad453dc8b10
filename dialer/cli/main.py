"""The `ringfence` command."""


def main() -> None:
    """Entry point."""
