"""The device in QEMU, and how a check is told."""
import socket
import subprocess
import tempfile

QEMU = ["qemu-system-arm", "-M", "lm3s6965evb", "-display", "none", "-monitor", "none", "-serial", "null", "-no-reboot",
        "-semihosting-config", "enable=on,target=native"]


class Failed(Exception):
    pass


def check(what, condition, saw=""):
    print(f"{'ok  ' if condition else 'FAIL'} {what}{'' if condition else f': {saw!r}'}", flush=True)
    if not condition:
        raise Failed(what)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Device:
    """The image in QEMU; its log goes into a file."""

    def __init__(self, image, network, flags=()):
        self.image, self.log = image, tempfile.NamedTemporaryFile(suffix=".defmt")
        self.process = subprocess.Popen([*QEMU, *flags, *network, "-kernel", image], stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def lines(self, printer):
        """Its log so far, as this program prints it: defmt-print. It is never at its end, so it is stopped there."""
        with open(self.log.name, "rb") as log:
            return subprocess.run([printer, "-e", self.image, "stdin"], stdin=log, capture_output=True, text=True, timeout=60).stdout

    def check(self):
        if self.process.poll() is not None:
            raise Failed(f"the device has stopped with status {self.process.returncode}")


def forwarded(port):
    """QEMU's user network, with this port of 127.0.0.1 leading to the device's."""
    return ["-netdev", f"user,id=net,hostfwd=udp:127.0.0.1:{port}-:5683", "-net", "nic,netdev=net"]
