"""`ringfence recording reconcile`: did every answered call leave its recording, a lawful reason for none, or an alert?"""

from datetime import datetime, timedelta
from pathlib import Path

import click

from config.database import reading
from config.load import Site
from dialer import bootstrap
from dialer.cli.arguments import FiniteRange
from dialer.cli.context import site, site_command
from dialer.cli.files import Moment, progress
from dialer.cli.output import BAD_INPUT, PART_MISSING, REFUSED, Failure, failing, json_option, print_json, visible
from dialer.store.legs import count_placed, placed
from recorder.cdr import NotCdrs, cdr_book
from recorder.legs import State, Terms
from recorder.plan import LENGTH_TOLERANCE
from recorder.reconcile import Report, reconcile, tell
from recorder.stores import StoreDown
from recorder.witnesses import Period

EVERY = 256  # calls between two moves of the bar
SHOWN = 50  # notes; findings are all shown
_LAB_CDRS = Path("lab/var/log/cdr-csv/Master.csv")


@click.command("reconcile")
@click.option("--since", type=Moment(), help="Calls ordered at or after it.")
@click.option("--until", type=Moment(), help="Calls ordered before it.")
@click.option(
    "--cdr",
    "files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="The PBX's CDRs (cdr_csv), instead of the setting pbx.cdr; several where they were rotated.",
)
@click.option(
    "--tolerance",
    type=FiniteRange(0.05, 60),
    default=LENGTH_TOLERANCE.total_seconds(),
    show_default=True,
    help="Seconds by which a recording may be longer or shorter than the events of its call.",
)
@click.option("--alert", is_flag=True, help="Raise an alert for each finding that was not told before.")
@json_option
@failing({NotCdrs: BAD_INPUT, StoreDown: PART_MISSING})
@site_command
def command(
    since: datetime | None, until: datetime | None, files: tuple[Path, ...], tolerance: float, alert: bool, as_json: bool
) -> None:
    """Hold calls, the PBX's CDRs, recordings and files against each other; exit code 3 on any finding.

    Every answered call must have a recording, a lawful reason for none, or an alert that somebody has looked at.
    """
    if since is not None and until is not None and since >= until:
        raise Failure("--since must be before --until")
    with site() as parts:
        paths = files or _cdrs_of(parts.site)
        asked = bool(paths) or parts.site.settings.pbx.lab  # a lab that has rung nobody yet has no file
        terms = Terms(parts.clock.now(), timedelta(seconds=tolerance), with_cdrs=asked)
        report = _reconciled(parts, paths, Period(since, until), terms)
        if alert:
            tell(parts.database, report, parts.clock.now())
    if as_json:
        print_json(report.findings)
    else:
        _say(report, with_cdrs=asked)
    if report.findings:
        raise SystemExit(REFUSED)


def _reconciled(parts: bootstrap.Opened, paths: tuple[Path, ...], period: Period, terms: Terms) -> Report:
    spool = _lab(parts.site, Path("lab/spool")) or parts.site.spool
    with reading(parts.database) as connection:
        total = count_placed(connection, period.since, period.until)
    with cdr_book() as book:
        with progress("reading the CDRs", sum(path.stat().st_size for path in paths)) as read:
            book.read(paths, parts.site.settings.pbx.trunk, read)
        with progress("calls", total) as judged:
            return reconcile(
                parts.database,
                parts.vault,
                spool,
                placed,
                terms,
                book=book,
                period=period,
                seen=lambda done: judged(done) if done % EVERY == 0 else None,
            )


def _cdrs_of(site: Site) -> tuple[Path, ...]:
    """The file in which the site's PBX keeps its CDRs; none where there is none. Raises Failure for one that is gone."""
    told = site.settings.pbx.cdr
    if not told:
        path = _lab(site, _LAB_CDRS)
        return (path,) if path is not None and path.is_file() else ()
    path = site.resolve(Path(told))
    if not path.is_file():
        raise Failure(f"{path}: the PBX's CDRs are not there; give --cdr FILE, or mend pbx.cdr in the settings", PART_MISSING)
    return (path,)


def _lab(site: Site, place: Path) -> Path | None:
    """A place in the site's own lab; None where the PBX is another one."""
    return site.directory / place if site.settings.pbx.lab else None


def _say(report: Report, *, with_cdrs: bool) -> None:
    for finding in report.findings:
        click.echo(visible(f"{finding.kind}: {finding.text}"))
    for note in report.notes[:SHOWN]:
        click.echo(visible(f"note: {note}"))
    if len(report.notes) > SHOWN:
        click.echo(f"note: … and {len(report.notes) - SHOWN} more of this kind")
    counted = ", ".join(f"{report.states[state]} {state.value}" for state in State if report.states.get(state))
    click.echo(f"{report.calls} calls: {counted or 'none'}")
    if not with_cdrs:
        click.echo("the PBX's CDRs were not asked: set pbx.cdr, or give --cdr FILE")
    if not report.findings:
        click.echo("every answered call has its recording, a lawful reason for none, or an alert that was looked at")
