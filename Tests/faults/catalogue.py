"""The faults of the table: what is done to the modem, the network or the cloud, and what ends it.

`orders` are lines for the control socket of `espsim modem` (`espsim faults` explains them), of the cloud behind `cloud `,
or pauses. `mend` are the orders that end the fault, `after` seconds later; without them the fault is a moment, or the daemon
has to end it itself. The time to service counts from the last of them.
"""
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    name: str
    what: str
    orders: tuple
    mend: tuple = ()
    after: float = 0
    modes: tuple = ("transparent", "packet")
    # Longest time to service that is no failure, in seconds.
    limit: float = 60
    # The modem knows the access point and joins by itself after each boot.
    remember: bool = False
    # Bytes come other than they were sent, so that a message can arrive as another one.
    damages: bool = False
    # Part of the short selection that CI runs.
    short: tuple = ()


PACKET = ("packet",)

FAULTS = (
    Fault("F1", "the module restarts", ("reset",), short=("transparent", "packet")),
    Fault("F2", "the TCP connection is cut", ("drop",), short=("transparent", "packet")),
    Fault("F3", "16 bytes are lost on the way to the module", ("lose-sent 16",), short=("transparent", "packet")),
    Fault("F4", "a byte is lost on the way from the module", ("lose-received 1",), short=("packet",)),
    Fault("F5", "`busy p...` for a command that is carried out; TCP cut", ("one-behind", "drop"), modes=("transparent",)),
    Fault("F5", "`busy p...` for a command that is carried out", ("one-behind",), modes=PACKET),
    Fault("F6", "`busy p...` without end; TCP cut", ("stuck-busy", "drop"), limit=90),
    Fault("F7", "`SEND FAIL`, then `SEND OK`", ("send-ok fail-first",), modes=PACKET),
    Fault("F7", "`SEND OK` is lost", ("send-ok lost",), modes=PACKET, short=PACKET),
    Fault("F7", "`SEND OK` is 2.5 s late", ("send-ok late",), modes=PACKET),
    Fault("F8", "a text in the middle of a reply; TCP cut", (r"interject 0,CONNECT\r\n", "drop")),
    Fault("F9", "TCP cut; the next dial is refused", ("refuse-dial", "drop")),
    Fault("F10", "`CLOSED` before the last data", ("closed-early", "sleep 0.5", "drop"), modes=PACKET),
    Fault("F12", "an `OK` is 1.5 s late; TCP cut", ("late-ok 1.5", "drop")),
    Fault("F13", "`AT+CIPCLOSE` crashes the firmware; TCP cut", ("crash-on-close", "drop")),
    Fault("F14", "the access point goes for 10 s, and the module does not join it again", ("rejoin off", "ap down"),
          ("ap up",), 10, remember=True),
    Fault("F15", "the access point goes for 10 s, without `WIFI DISCONNECT`",
          (r"lose-text WIFI DISCONNECT\r\n", "ap down"), ("ap up",), 10),
    Fault("F16", "no memory, no reply; power cut after 20 s", ("heap",), ("hangup", "sleep 2", "replug"), 20, limit=90),
    Fault("F17", "the module runs at 9600 baud, which it has saved", ("speed 9600",), limit=180),
    Fault("F18", "saved flow control with CTS open: the module is mute", ("stuck-cts",), limit=90),
    Fault("F19", "the module leaves transparent mode by itself", ("escape",), modes=("transparent",)),
    Fault("F19", "TCP cut; the next `+++` is missed", ("miss-escape", "drop")),
    Fault("F20", "echo is back; TCP cut", ("echo", "drop")),
    Fault("F21", "the module restarts into somebody's saved link", ("saved-link 192.0.2.1 1883",), remember=True),
    Fault("F22", "restart; `busy p...` while the module joins by itself", ("busy-joining", "reset"), remember=True),
    Fault("F23", "restart; the first command is answered ERROR", ("first-error", "reset")),
    Fault("drop-hold", "TCP cut, and no network for 5 s", ("drop",  "network down"), ("network up",), 5),
    Fault("network", "no network for 30 s", ("network down",), ("network up",), 30),
    Fault("rtt", "segments take 0.3 to 0.9 s, for 20 s", ("rtt 300-900",), ("rtt 0",), 20),
    Fault("loss", "20 % of segments are lost, for 20 s", ("loss 20",), ("loss 0",), 20),
    Fault("loss", "all segments are lost, for 20 s", ("loss 100",), ("loss 0",), 20),
    Fault("ap", "the access point goes for 20 s", ("ap down",), ("ap up",), 20, short=("packet",)),
    Fault("ap", "the access point refuses the station, for 20 s", ("ap refuse", "ap down", "sleep 2", "ap up"),
          ("ap accept",), 20),
    Fault("dhcp", "the access point goes for 2 s; no addresses for 20 s", ("dhcp off", "ap down", "sleep 2", "ap up"),
          ("dhcp on",), 20, limit=90),
    Fault("brownout", "three restarts, 4 s apart", ("brownout 3 4",)),
    Fault("mute", "the module takes and says nothing, for 15 s", ("mute on",), ("mute off",), 15),
    Fault("garbage", "200 random bytes to the host", ("garbage 200",)),
    Fault("noise", "one byte in 2,000 is wrong, for 20 s", ("noise 500",), ("noise 0",), 20, limit=120, damages=True),
    Fault("hangup", "the adapter is unplugged for 10 s", ("hangup",), ("replug",), 10),
    Fault("kick", "the cloud closes the connection", ("cloud kick",)),
    Fault("silent", "the cloud takes everything and answers nothing, for 15 s", ("cloud silent on",), ("cloud silent off",), 15),
    Fault("refuse", "the cloud closes, and answers CONNACK 3 for 20 s", ("cloud refuse 3", "cloud kick"),
          ("cloud accept",), 20, limit=120),
)
