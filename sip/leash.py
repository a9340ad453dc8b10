"""Runs a program that ends when its owner ends: `python -m sip.leash OWNER_PID DIRECTORY PROGRAM ARG...`.

The kernel kills the program when the owner dies, however it dies (prctl(2), PR_SET_PDEATHSIG), so that nothing is left
behind by Ctrl-C, a crash or kill -9. OWNER_PID 0 leaves it free to outlive its owner. The owner must start it from a
thread that lives as long as it should: the signal is tied to the thread.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def leash(owner: int) -> None:
    """Has the kernel kill this process when `owner`, its parent, dies; ends it at once if that has happened."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != owner:  # it died before we asked
        os._exit(1)


def main(argv: list[str]) -> None:
    """Leashes this process and becomes the program."""
    owner, directory, program = int(argv[0]), argv[1], argv[2]
    if owner:
        leash(owner)
    os.chdir(directory)
    os.execv(program, argv[2:])  # noqa: S606 -- becoming the program, without a shell, is the point


if __name__ == "__main__":
    main(sys.argv[1:])
