"""`ringfence demo`: does it keep what it promises, and leave nothing behind?"""

import json
import signal
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.floor_site import RINGFENCE, family, kill, wait_until

pytestmark = pytest.mark.asterisk


def likeness(samples: np.ndarray[Any, Any], prompt: np.ndarray[Any, Any]) -> float:
    """The highest normalised correlation of the prompt with the samples, by the definition and nothing of ours."""
    scores = np.correlate(samples, prompt, mode="valid")
    energy = np.convolve(samples**2, np.ones(len(prompt)), mode="valid")
    return float(np.max(scores / np.sqrt(np.maximum(energy, 1e-9) * np.sum(prompt**2))))


def test_the_demonstration_keeps_its_promises(tmp_path: Path) -> None:
    site = tmp_path / "demo"
    argv = [*RINGFENCE, "demo", "--leads", "20", "--agents", "3", "--keep", str(site), "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["placed"] + report["refused"] == report["leads"]
    assert report["placed"] > report["answered"] > report["bridged"] > 0
    assert {"house.hours", "house.internal_dnc", "house.gap"} <= report["refused_by_rule"].keys()
    assert report["recordings"] == report["recordings_verified"] == report["answered"]
    assert report["disclosure_verified"] == report["bridged"]
    assert report["abandoned"] == 0
    assert report["connect_p95_ms"] is not None
    assert report["workdir"] == str(site)
    left = list((site / "lab" / "spool").glob("*.wav"))
    assert left == [], "raw files are removed once archived"
    listed = json.loads(
        subprocess.run([*RINGFENCE, "recording", "list", "--json"], cwd=site, capture_output=True, check=True, timeout=60).stdout
    )
    assert len(listed) == report["recordings"]
    for recording in listed:
        if recording["disclosure"] != "proven":
            continue
        copy = tmp_path / f"{recording['call_id']}.wav"
        argv = [*RINGFENCE, "recording", "export", recording["call_id"], "--to", str(copy)]
        subprocess.run(argv, cwd=site, check=True, timeout=60)
        samples, rate = soundfile.read(copy)
        assert rate == 8000
        assert samples.shape[1] == 2
        duration = (
            datetime.fromisoformat(recording["ended_at"]) - datetime.fromisoformat(recording["started_at"])
        ).total_seconds()
        assert abs(len(samples) / rate - duration) < 0.1
        prompt, _ = soundfile.read(site / "lab" / "prompts" / f"{recording['prompt']}.wav")
        agent_side, customer_side = samples[: 2 * len(prompt), 0], samples[: 2 * len(prompt), 1]
        assert likeness(agent_side, prompt) > 0.9, "the prompt is on the agent's side"
        assert likeness(customer_side, prompt) < 0.3, "and not on the customer's"


@pytest.mark.soak
def test_a_demonstration_that_runs_out_of_time_reports_what_it_did_and_fails(tmp_path: Path) -> None:
    argv = [*RINGFENCE, "demo", "--leads", "40", "--agents", "1", "--minutes", "1", "--keep", str(tmp_path / "demo"), "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 4, done.stderr
    report = json.loads(done.stdout)
    assert report["finished"] is False
    assert 0 < report["placed"] < report["leads"] - report["refused"], "one agent cannot talk to them all in a minute"
    assert "raise --minutes" in done.stderr
    assert "did not finish" in done.stderr.splitlines()[-1]


def test_a_demonstration_that_is_interrupted_leaves_no_process_behind(tmp_path: Path) -> None:
    site = tmp_path / "demo"
    argv = [*RINGFENCE, "demo", "--leads", "10", "--agents", "1", "--keep", str(site)]
    with (tmp_path / "said").open("wb") as said:
        demo = subprocess.Popen(argv, stdout=said, stderr=said)
    try:
        wait_until(lambda: "logging in" in (tmp_path / "said").read_text(errors="replace"), "agents are logging in")
        wait_until(lambda: len(family(demo.pid)) >= 3, "Asterisk, carrier and an agent run")
        children = family(demo.pid)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) != 0
    finally:
        if demo.poll() is None:
            kill(demo)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), "all of them have ended", 20)
