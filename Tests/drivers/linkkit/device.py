"""A device as the SDK's documentation builds it: `device.py PORT SECRET THING_MODEL CLOUD_CONTROL AUTHORITY`."""
import queue
import socket
import sys

from linkkit import linkkit

PORT, SECRET, THING, CONTROL, AUTHORITY = int(sys.argv[1]), *sys.argv[2:6]
heard = queue.Queue()


def order(line):
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(CONTROL)
        control.sendall(line.encode() + b"\n")
        assert control.makefile().readline() == "ok\n", line


def wait_for(word):
    while (entry := heard.get(timeout=20))[0] != word:
        print("meanwhile:", entry)
    print(entry)
    return entry[1]


device = linkkit.LinkKit("127.0.0.1", "a1B2c3D4e5F", "gateway-1", SECRET)
if AUTHORITY:
    with open(AUTHORITY) as file:
        device.config_mqtt(port=PORT, secure="TLS", endpoint="127.0.0.1", cadata=file.read())
else:
    device.config_mqtt(port=PORT, secure="", endpoint="127.0.0.1")
device.thing_setup(THING)
device.on_connect = lambda session, code, user: heard.put(("connected", code))
device.on_thing_enable = lambda user: heard.put(("enabled", None))
device.on_thing_prop_post = lambda request, code, data, message, user: heard.put(("property", (code, message)))
device.on_thing_event_post = lambda event, request, code, data, message, user: heard.put(("event", (event, code)))
device.on_thing_prop_changed = lambda params, user: heard.put(("changed", params))
device.on_thing_call_service = lambda name, request, params, user: heard.put(("called", (name, request, params)))

device.connect_async()
assert wait_for("connected") == 0
wait_for("enabled")
code, _ = device.thing_post_property({"lamp": 1})
assert code == 0
assert wait_for("property") == (200, "success")
code, _ = device.thing_trigger_event(("overheated", {"temp": 92}))
assert code == 0
assert wait_for("event") == ("overheated", 200)
if not AUTHORITY:
    # Not over TLS: the SDK answers on another thread than the one that sends PUBACK, and its MQTT client now and then takes
    # the same message without end when both write to the TLS socket at once.
    order('property-set {"lamp":0}')
    assert wait_for("changed") == {"lamp": 0}
    order('service blink {"times":3}')
    name, request, params = wait_for("called")
    assert (name, params) == ("blink", {"times": 3})
    assert device.thing_answer_service(name, request, 200) == 0
# The answer has gone out when what was said after it is answered; a disconnect would overtake it in the SDK's queue.
device.thing_post_property({"lamp": 0})
assert wait_for("property") == (200, "success")
device.disconnect()
