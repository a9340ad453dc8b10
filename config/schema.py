"""The settings of a site, validated: what `ringfence.toml` may say, with a default for all that has a sensible one.

Unknown keys are errors (a misspelt limit must not be silently ignored), durations carry their unit in the name, and
secrets are never in here: `secret_file` names a file of mode 0600 beside the settings.
"""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Strict and frozen: the base of every section."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PbxSettings(Settings):
    """The Asterisk this site dials through."""

    lab: bool = Field(
        default=False,
        description="Whether to dial through this site's own lab PBX (`ringfence lab up`) instead of the one named below.",
    )
    name: str = Field(default="pbx", description="What logs and reports call this PBX.")
    host: str = Field(default="127.0.0.1", description="Where its manager interface (AMI) listens.")
    port: int = Field(default=5038, ge=1, le=65535, description="TCP port of its manager interface.")
    username: str = Field(default="ringfence", description="Our user in its `manager.conf`.")
    secret_file: Path = Field(
        default=Path("secrets/ami"),
        description="File with that user's secret; its mode must be 0600.",
    )
    trunk: str = Field(
        default="carrier",
        pattern=r"^[A-Za-z0-9_-]+$",
        description="PJSIP endpoint through which customers are rung.",
    )
    caller_id: str = Field(
        default="+12125550100",
        pattern=r"^\+[1-9][0-9]{3,14}$",
        description="Number (E.164) that customers see.",
    )
    spool: Path = Field(
        default=Path("spool"),
        description="Where the PBX leaves raw recordings, as this machine sees it.",
    )
    prompts: Path = Field(
        default=Path("prompts"),
        description="Where the prompts lie that the PBX plays, as this machine sees it: `<prompt id>.wav`.",
    )
    cdr: str = Field(
        default="",
        description="File in which the PBX keeps its CDRs (`cdr_csv` with `loguniqueid=yes` and `usegmtime=yes`), for "
        "`ringfence recording reconcile`. Empty: with the site's own lab its file, else they are not asked.",
    )
    sip_host: str = Field(default="127.0.0.1", description="Where agents' phones reach the PBX.")
    sip_port: int = Field(default=5060, ge=1, le=65535, description="UDP port at which agents' phones reach the PBX.")


class GateSettings(Settings):
    """Which rules are in force, and how long a permit lives."""

    packs: tuple[str, ...] = Field(
        default=("house",),
        description="Rule packs, all in force at once: ids of packs that come with Ringfence, or paths of TOML files.",
    )
    permit_seconds: float = Field(
        default=10,
        gt=0,
        le=60,
        description="How long a permit may wait for its originate before it expires unused.",
    )
    abandonment_alert_share: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="At which share of a limit on abandoned calls an alert is raised: `0.8` of 3 % is 2.4 %.",
    )
    abandonment_minimum_answers: int = Field(
        default=100,
        ge=0,
        le=10_000,
        description="Before so many live answers in its period a limit on abandoned calls counts as if there had been as many, "
        "so that the first abandoned call does not stop a campaign.",
    )


class DialingSettings(Settings):
    """The pace of the floor."""

    wrap_up_seconds: float = Field(
        default=120,
        ge=0,
        description="How long an agent may take to write up a call before the next one comes.",
    )
    tick_seconds: float = Field(default=0.25, gt=0, le=5, description="How often the floor looks whether it may dial.")


class RecorderSettings(Settings):
    """Where recordings are kept and how long we wait for their files."""

    archive: str = Field(
        default="archive",
        min_length=1,
        description="Where finished recordings are kept: a folder, or an object store (`s3://bucket/prefix`, extra `s3`), "
        "on the way to which they wait in the folder `archive`.",
    )
    encrypt: bool = Field(
        default=True,
        description="Whether recordings are encrypted, with the keys in `secrets/archive-keys/`: back those up, elsewhere.",
    )
    form: str = Field(
        default="flac",
        pattern=r"^(flac|opus)$",
        description="How the audio is kept: `flac` loses nothing, `opus` takes a quarter of the room.",
    )
    form_of: tuple[Annotated[str, Field(pattern=r"^.+=(flac|opus)$")], ...] = Field(
        default=(),
        description="The same for the recordings of some campaigns, as `campaign=form`.",
    )
    keep_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="For how many days the house has use for a recording: then it is purged, unless a rule or a hold keeps it. "
        "`0`: as long as the rules let it.",
    )
    keep_days_of: tuple[Annotated[str, Field(pattern=r"^.+=[1-9][0-9]{0,4}$")], ...] = Field(
        default=(),
        description="The same for the recordings of some campaigns, as `campaign=days`.",
    )
    workers: int = Field(default=1, ge=1, le=64, description="Processes that align, encode and hash finished recordings.")
    transcript_model: str = Field(
        default="",
        description="Folder with a Whisper model for CTranslate2, by which recordings get transcripts (extra `transcripts`). "
        "Empty: they get none.",
    )
    transcript_language: str = Field(
        default="",
        pattern=r"^([a-z]{2,3})?$",
        description="The language that is spoken (ISO 639, such as `zh`). Empty: found out anew for each recording.",
    )


class SiteSettings(Settings):
    """The whole of `ringfence.toml`. Relative paths are relative to the site's directory."""

    seller: str = Field(
        default="Ringfence demo",
        min_length=1,
        description="On whose behalf is rung: caps and suppressions are counted per seller.",
    )
    region: str = Field(
        default="US",
        pattern=r"^[A-Z]{2}$",
        description="Country (ISO 3166) by whose rules numbers without + are read.",
    )
    database_url: str = Field(
        default="sqlite:///ringfence.db",
        description="`sqlite:///FILE`, or `postgresql://…` for a server. `RINGFENCE_DATABASE_URL` overrides it.",
    )
    pbx: PbxSettings = PbxSettings()
    gate: GateSettings = GateSettings()
    dialing: DialingSettings = DialingSettings()
    recorder: RecorderSettings = RecorderSettings()
