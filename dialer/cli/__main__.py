"""`python -m dialer.cli`: the `ringfence` command without its script."""

from dialer.cli.main import main

main(prog_name="ringfence")
