"""No value reaches a file of the PBX unless it fits its place; what is rendered says what the floor relies on."""

import re
from configparser import RawConfigParser
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.lab import templates
from sip.provision import DEFAULTS, FILES, AgentLine, BadSetting, PbxSite, Trunk, modules, render

PASSWORD = "correct-horse-battery-1"
TEMPLATES = templates()


def a_site(**changes: object) -> PbxSite:
    site = PbxSite(
        name="ringfence-1",
        etc="/srv/lab/etc",
        modules="/usr/lib/asterisk/modules",
        documents="/usr/share/asterisk",
        var="/srv/lab/var",
        run="/srv/lab/run",
        spool="/srv/lab/spool",
        prompts="/srv/lab/prompts",
        bind="127.0.0.1",
        sip_port=5060,
        rtp_start=10000,
        rtp_end=10999,
        ami_port=5038,
        ami_username="ringfence",
        ami_secret="a-secret-of-the-ami-account",
    )
    return replace(site, **changes)  # type: ignore[arg-type]  # the tests put wrong values in on purpose


def sections(text: str) -> list[tuple[str, dict[str, str]]]:
    """Asterisk's own reading of a file, near enough: sections in order, comments cut off."""
    found: list[tuple[str, dict[str, str]]] = []
    for line in text.splitlines():
        content = line.split(";")[0].strip()
        if content.startswith("["):
            found.append((content[1 : content.index("]")], {}))
        elif "=" in content and found:
            key, _, value = content.partition("=")
            found[-1][1][key.strip()] = value.strip("> ").strip()
    return found


def test_every_template_is_filled_and_every_file_is_made() -> None:
    files = render(TEMPLATES, a_site(), (Trunk("carrier", "127.0.0.2", 5080),), (AgentLine("101", PASSWORD),))
    assert set(files) == {*FILES, *DEFAULTS}
    assert not [name for name, text in files.items() if re.search(r"@\{", text)]


def test_a_trunk_and_each_agent_get_their_endpoint_address_and_account() -> None:
    agents = (AgentLine("101", PASSWORD), AgentLine("102", PASSWORD + "2"))
    pjsip = sections(render(TEMPLATES, a_site(), (Trunk("carrier", "127.0.0.2", 5080),), agents)["pjsip.conf"])
    kinds = [(name, values["type"]) for name, values in pjsip]
    assert kinds == [
        ("global", "global"),
        ("transport-udp", "transport"),
        *[("carrier", kind) for kind in ("endpoint", "aor", "identify")],
        *[(agent, kind) for agent in ("101", "102") for kind in ("endpoint", "auth", "aor")],
    ]
    assert [values["password"] for name, values in pjsip if values["type"] == "auth"] == [PASSWORD, PASSWORD + "2"]
    assert {values["allow"] for _, values in pjsip if values["type"] == "endpoint"} == {
        "ulaw"
    }  # one codec end to end: what is translated is lost on a transfer


def test_the_ami_account_cannot_run_programs_and_is_not_told_test_events() -> None:
    account = dict(sections(render(TEMPLATES, a_site())["manager.conf"]))["ringfence"]
    assert set(account["read"].split(",")) == {"system", "call", "user", "dtmf"}
    assert not {"system", "command", "config", "all"} & set(account["write"].split(","))
    assert account["permit"].startswith("127.0.0.1/")


def test_recording_starts_before_anything_a_customer_can_hear() -> None:
    lines = TEMPLATES["extensions.conf"].splitlines()
    start = lines.index("[rf-customer]")
    steps = [line.split(",", 1)[1] for line in lines[start:] if "," in line and not line.startswith(";")]
    audible = re.compile(r"(Playback|ConfBridge|Read|Answer|Wait|Goto)\(")
    first_audible = next(index for index, step in enumerate(steps) if audible.search(step))
    assert any("MixMonitor(" in step for step in steps[:first_audible])


@pytest.mark.parametrize(
    "place", ["name", "etc", "modules", "documents", "var", "run", "spool", "prompts", "bind", "ami_username"]
)
@pytest.mark.parametrize("poison", ["\n", "\r", ";", "[", ",", " ", "$", "(", "\0", "|", '"'])
def test_no_place_takes_what_could_end_it(place: str, poison: str) -> None:
    good = getattr(a_site(), place)
    with pytest.raises(BadSetting):
        a_site(**{place: f"{good}{poison}x"})


@given(st.text(min_size=1).filter(lambda text: not re.fullmatch(r"[A-Za-z0-9_-]{16,128}", text)))
def test_a_password_is_refused_unless_it_is_plain_and_is_never_shown(password: str) -> None:
    with pytest.raises(BadSetting) as refused:
        AgentLine("101", password)
    assert len(password) < 4 or password not in str(refused.value)


@given(st.text(max_size=12))
def test_an_agent_id_is_an_extension_or_is_refused(agent_id: str) -> None:
    if re.fullmatch(r"[1-9][0-9]{1,7}", agent_id):
        assert AgentLine(agent_id, PASSWORD).agent_id == agent_id
    else:
        with pytest.raises(BadSetting):
            AgentLine(agent_id, PASSWORD)


@given(
    name=st.text(max_size=8), host=st.text(alphabet="a1.-;\n[]= ", max_size=12), port=st.integers(min_value=-5, max_value=70000)
)
def test_whatever_trunk_is_accepted_adds_three_sections_and_no_more(name: str, host: str, port: int) -> None:
    try:
        trunk = Trunk(name, host, port)
    except BadSetting:
        return
    text = render(TEMPLATES, a_site(), (trunk,))["pjsip.conf"]
    assert len(sections(text)) == 5
    assert f"contact = sip:{host}:{port}\n" in text


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_is_a_port(port: int) -> None:
    for place in ("sip_port", "ami_port", "rtp_end"):
        with pytest.raises(BadSetting, match=r"port|RTP|rtp"):
            a_site(**{place: port})


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(BadSetting, match="101"):
        render(TEMPLATES, a_site(), (), (AgentLine("101", PASSWORD), AgentLine("101", PASSWORD)))


def test_the_modules_are_read_from_load_and_require_lines_only() -> None:
    assert modules("; load = no.so\nload = a_b.so\nrequire = c.so\nload = a_b.so\nnoload = d.so\n") == ("a_b.so", "c.so")
    assert {"chan_pjsip.so", "app_confbridge.so", "app_mixmonitor.so"} <= set(modules(TEMPLATES["modules.conf"]))


def test_the_conf_files_without_dialplan_are_plain_sections() -> None:
    for name in ("manager.conf", "rtp.conf", "cdr.conf", "indications.conf"):
        parser = RawConfigParser(strict=False, comment_prefixes=(";",), delimiters=("=",))
        parser.read_string(render(TEMPLATES, a_site())[name])
        assert parser.sections(), name
