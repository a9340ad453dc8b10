"""the gate: keys for debts, lists of others, kept decisions, and a second hash in each row of the ledger"""

import hashlib
import json
from datetime import UTC

import sqlalchemy as sa
from alembic import op

from config.database import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

GENESIS = "0" * 64
BATCH = 1000
DEFAULTED = {
    "lead": ("debt", "creditor", "region"),
    "ledger": ("debt", "creditor", "skip_hash"),
    "ledger_tip": ("recorded_at",),
    "permit": ("debt", "creditor", "decision"),
    "refusal": ("debt", "creditor", "decision"),
    "suppression": ("seller", "campaign", "until"),
}
TEXTS = ("kind", "attempt_id", "person", "number", "campaign", "seller", "subject", "zones", "facts")


def upgrade() -> None:
    with op.batch_alter_table("lead", schema=None) as batch_op:
        batch_op.add_column(sa.Column("debt", sa.String(length=200), server_default="", nullable=False))
        batch_op.add_column(sa.Column("creditor", sa.String(length=200), server_default="", nullable=False))
        batch_op.add_column(sa.Column("region", sa.String(length=6), server_default="", nullable=False))

    op.create_table(
        "dnc_list",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("as_of", UtcDateTime(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("loaded_at", UtcDateTime(), nullable=False),
        sa.Column("in_force", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dnc_list")),
    )
    with op.batch_alter_table("dnc_list", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dnc_list_name"), ["name"], unique=False)

    op.create_table(
        "dnc_number",
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("list_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", "list_id", name=op.f("pk_dnc_number")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "kept_text",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_kept_text")),
    )
    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.add_column(sa.Column("debt", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("creditor", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("skip_hash", sa.String(length=64), server_default="", nullable=False))
        batch_op.create_index(batch_op.f("ix_ledger_campaign_at"), ["campaign", "at"], unique=False)
        for key in ("seller", "subject", "debt", "creditor"):
            told = sa.text(f"{key} <> ''")
            batch_op.create_index(f"ix_ledger_{key}_at", [key, "at"], sqlite_where=told, postgresql_where=told)

    with op.batch_alter_table("ledger_tip", schema=None) as batch_op:
        batch_op.add_column(sa.Column("recorded_at", UtcDateTime(), server_default=_at("1971-01-01"), nullable=False))

    with op.batch_alter_table("permit", schema=None) as batch_op:
        batch_op.add_column(sa.Column("debt", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("creditor", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("decision", sa.Text(), server_default="", nullable=False))

        batch_op.create_index(batch_op.f("ix_permit_expires_at"), ["expires_at"], unique=False)

    with op.batch_alter_table("refusal", schema=None) as batch_op:
        batch_op.add_column(sa.Column("debt", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("creditor", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("decision", sa.Text(), server_default="", nullable=False))

    with op.batch_alter_table("suppression", schema=None) as batch_op:
        batch_op.add_column(sa.Column("seller", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("campaign", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("until", UtcDateTime(), server_default=_at("9000-01-01"), nullable=False))
        batch_op.drop_constraint(batch_op.f("uq_suppression_scope_number_person"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_suppression_scope_number_person_seller_campaign_until"),
            ["scope", "number", "person", "seller", "campaign", "until"],
        )

    _chain_again()
    for table, names in DEFAULTED.items():  # the defaults were for the rows that were there
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name in names:
                batch_op.alter_column(name, server_default=None)


def _at(day: str) -> str:
    """A time as the database writes it by default."""
    return f"{day} 00:00:00.000000" if op.get_bind().dialect.name == "sqlite" else f"{day} 00:00:00+00"


def _chain_again() -> None:
    """Gives each row its hashes of the new kind, after checking the old ones: what was tampered with is not made good."""
    connection = op.get_bind()
    names = ("seq", "prev_hash", "skip_hash", "hash", "at", "recorded_at", *TEXTS, "debt", "creditor")
    timed = {"at", "recorded_at"}
    ledger = sa.table("ledger", *(sa.column(name, UtcDateTime() if name in timed else sa.Text()) for name in names))
    ledger.c.seq.type = sa.Integer()
    tip = sa.table("ledger_tip", sa.column("seq"), sa.column("hash"), sa.column("recorded_at", UtcDateTime()))
    old = previous = GENESIS
    hashes = {0: GENESIS}
    last = 0
    recorded_at = None
    while (
        rows := connection.execute(sa.select(ledger).where(ledger.c.seq > last).order_by(ledger.c.seq).limit(BATCH))
        .mappings()
        .all()
    ):
        for row in rows:
            seq = row["seq"]
            if seq != last + 1 or row["prev_hash"] != old or row["hash"] != _sha256(f"{old}\n{seq}\n{_body(row, TEXTS)}"):
                raise RuntimeError(f"row {seq} of the ledger is not as it was written: it is not carried over; restore a backup")
            last, old, recorded_at = seq, row["hash"], row["recorded_at"]
            skipped = hashes[seq - (seq & -seq)]
            body = _sha256(_body(row, (*TEXTS, "debt", "creditor")))
            hashes[seq] = _sha256(f"{seq}\n{previous}\n{skipped}\n{body}")
            new = {"prev_hash": previous, "skip_hash": skipped, "hash": hashes[seq]}
            connection.execute(sa.update(ledger).where(ledger.c.seq == seq).values(new))
            previous = hashes[seq]
            hashes = {place: known for place, known in hashes.items() if place <= seq - (seq & -seq)} | {seq: previous}
    kept = connection.execute(sa.select(tip.c.seq, tip.c.hash)).first()
    if kept is not None and (kept.seq, kept.hash) != (last, old):
        raise RuntimeError(f"the ledger ends at row {last}, but its kept tip is row {kept.seq}: restore a backup")
    if recorded_at is not None:
        connection.execute(sa.update(tip).values(hash=previous, recorded_at=recorded_at))


def _body(row: sa.RowMapping, texts: tuple[str, ...]) -> str:
    times = {name: row[name].astimezone(UTC).isoformat(timespec="microseconds") for name in ("at", "recorded_at")}
    told = {name: row[name] for name in texts} | times
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
