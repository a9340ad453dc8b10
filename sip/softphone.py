"""An agent's telephone: registers, dials the PBX's `login`, keeps the line up, plays, listens and presses keys.

One phone is one process with one thread: everything happens inside `step`, which the owner calls in a loop. The phone
mends itself: when the PBX goes away, however silently, it hangs up, registers and dials again. What the audio means is
not its business (see sip/robot.py).
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pjsua2 as pj

from config.clock import Clock

_EVENTS_MS = 5
_REDIAL_S = 1.0
_DEAF_AFTER_S = 5.0  # a PBX that has died sends no BYE: without a packet for this long the line is dead
_REGISTERED_FOR_S = 60
_CLOSING_S = 0.3  # for the last BYE and un-REGISTER to be sent


@dataclass(frozen=True, slots=True)
class PhoneAccount:
    """Where a phone registers and as whom. The password must reach the process through a pipe or a file, not argv."""

    agent_id: str
    password: str
    host: str
    port: int
    extension: str = "login"


class Softphone:
    """One agent's phone in this process; there can be only one at a time. Use it from the thread that made it.

    With no sound device it plays files into the line (`play`, `loop`) and tells how loud the line is (`level`).
    """

    def __init__(self, account: PhoneAccount, clock: Clock) -> None:
        self._account_settings = account
        self._clock = clock
        self._call: _Call | None = None
        self._players: list[pj.AudioMediaPlayer] = []
        self._looped: Path | None = None
        self._dial_at = 0.0
        self._packets = 0
        self._packets_at = 0.0
        self._endpoint = _endpoint()
        self._account = _Account()
        self._account.create(_account_config(account))

    @property
    def registered(self) -> bool:
        """Whether the PBX knows where we are."""
        return self._account.registered

    @property
    def on_line(self) -> bool:
        """Whether the line to the PBX is up and carries audio."""
        return self._call is not None and self._call.audio is not None

    def step(self) -> None:
        """Handles what has happened, waiting a few milliseconds for it, and mends the line."""
        self._endpoint.libHandleEvents(_EVENTS_MS)
        now = self._clock.monotonic()
        if self._call is not None and self._call.ended:
            self._forget_call(now)
        elif self._call is None and self.registered and now >= self._dial_at:
            self._dial(now)
        elif self._call is not None and self._call.confirmed:
            self._notice_silence(now)
            if self._call.audio is not None and self._looped is not None and not self._players:
                self._play(self._looped, looped=True)

    def level(self) -> int:
        """How loud the line is now, what we hear of it: 0 (digital silence) to 255. 0 when there is no line.

        A hiss of -50 dBFS gives 2 to 4, a tone of -11 dBFS 37.
        """
        # The library's "Tx" level of a call is that of the audio it takes from the far end (proven with tones).
        return int(self._call.audio.getTxLevel()) if self._call is not None and self._call.audio is not None else 0

    def loop(self, path: Path) -> None:
        """Plays a WAV into the line over and over, on this line and those after it."""
        self._looped = path

    def play(self, path: Path) -> None:
        """Plays a WAV into the line once, beside what is looped. Does nothing without a line."""
        if self.on_line:
            self._play(path, looped=False)

    def press(self, keys: str) -> None:
        """Presses keys (RFC 4733). Does nothing without a line."""
        if self._call is not None and self.on_line:
            self._call.dialDtmf(keys)

    def close(self) -> None:
        """Hangs up, unregisters and gives the library back. The phone cannot be used afterwards."""
        self._players.clear()
        if self._call is not None and self._call.confirmed and not self._call.ended:
            self._call.hangup(pj.CallOpParam())
        if self.registered:
            self._account.setRegistration(False)
        until = self._clock.monotonic() + _CLOSING_S
        while self._clock.monotonic() < until:
            self._endpoint.libHandleEvents(_EVENTS_MS)
        # The library aborts the process when its objects outlive it: this order was measured.
        self._call = None
        self._account.shutdown()
        del self._account
        self._endpoint.libDestroy()

    def _dial(self, now: float) -> None:
        settings = self._account_settings
        self._dial_at = now + _REDIAL_S
        call = _Call(self._account)
        try:
            call.makeCall(f"sip:{settings.extension}@{settings.host}:{settings.port}", pj.CallOpParam(True))  # noqa: FBT003 -- pjsua2's "use default settings"
        except pj.Error:
            return  # tried again after _REDIAL_S; a call that was never made must not be hung up
        self._call = call
        self._packets, self._packets_at = 0, now

    def _forget_call(self, now: float) -> None:
        self._players.clear()
        self._call = None
        self._dial_at = now + _REDIAL_S

    def _notice_silence(self, now: float) -> None:
        """Hangs up a line on which nothing has arrived for `_DEAF_AFTER_S`."""
        assert self._call is not None  # noqa: S101 -- asked only with a call
        packets = self._call.packets()
        if packets != self._packets:
            self._packets, self._packets_at = packets, now
        elif now - self._packets_at > _DEAF_AFTER_S:
            self._packets_at = now
            with suppress(pj.Error):
                self._call.hangup(pj.CallOpParam())
            self._account.setRegistration(True)

    def _play(self, path: Path, *, looped: bool) -> None:
        assert self._call is not None  # noqa: S101 -- played only on a line
        player = pj.AudioMediaPlayer()
        player.createPlayer(str(path), 0 if looped else pj.PJMEDIA_FILE_NO_LOOP)
        player.startTransmit(self._call.audio)
        self._players.append(player)
        del self._players[1:-1]  # the looped one, and the last one played


class _Account(pj.Account):  # type: ignore[misc]  # pjsua2 has no types
    def __init__(self) -> None:
        super().__init__()
        self.registered = False

    def onRegState(self, prm: pj.OnRegStateParam) -> None:  # noqa: N802 -- pjsua2's name
        self.registered = prm.code == 200 and prm.expiration > 0


class _Call(pj.Call):  # type: ignore[misc]  # pjsua2 has no types
    """Callbacks only note what happened: an exception in one of them is swallowed by the library."""

    def __init__(self, account: _Account) -> None:
        super().__init__(account)
        self.confirmed = False
        self.ended = False
        self.audio: pj.AudioMedia | None = None

    def onCallState(self, prm: pj.OnCallStateParam) -> None:  # noqa: N802 -- pjsua2's name
        state = self.getInfo().state
        self.confirmed = state == pj.PJSIP_INV_STATE_CONFIRMED
        if state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.ended, self.audio = True, None

    def onCallMediaState(self, prm: pj.OnCallMediaStateParam) -> None:  # noqa: N802 -- pjsua2's name
        info = self.getInfo()  # kept: its vectors are read from freed memory once it is collected
        for media in info.media:
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                self.audio = self.getAudioMedia(-1)
                # What nobody listens to is not decoded, and has no level.
                self.audio.startTransmit(pj.Endpoint.instance().audDevManager().getPlaybackDevMedia())

    def packets(self) -> int:
        """RTP packets received so far."""
        try:
            return int(self.getStreamStat(0).rtcp.rxStat.pkt)
        except pj.Error:
            return 0


def _endpoint() -> pj.Endpoint:
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.uaConfig.userAgent = "ringfence-phone"
    config.logConfig.level = 1
    config.logConfig.consoleLevel = 1
    config.medConfig.clockRate = 8000
    config.medConfig.sndClockRate = 8000
    config.medConfig.noVad = True  # a phone that stops sending when its agent is silent looks dead to the PBX
    config.medConfig.ecTailLen = 0
    endpoint.libInit(config)
    endpoint.audDevManager().setNullDev()
    transport = pj.TransportConfig()
    transport.port = 0
    endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
    endpoint.libStart()
    return endpoint


def _account_config(account: PhoneAccount) -> pj.AccountConfig:
    config = pj.AccountConfig()
    config.idUri = f"sip:{account.agent_id}@{account.host}:{account.port}"
    config.regConfig.registrarUri = f"sip:{account.host}:{account.port}"
    config.regConfig.timeoutSec = _REGISTERED_FOR_S
    config.regConfig.retryIntervalSec = 2
    config.regConfig.firstRetryIntervalSec = 1
    config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", account.agent_id, 0, account.password))
    config.mediaConfig.transportConfig.port = 0
    if account.host.startswith("127."):
        config.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
    return config
