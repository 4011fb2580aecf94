"""A TCP relay that lets a tenth of a second pass before each answer: `relay.py BROKER_PORT` prints its own port.

The driver takes `SEND OK` for the end of what it reads and throws away what has come behind it by then. Brokers on the
Internet take longer to answer than TCP to acknowledge; one on loopback does not.
"""
import socket
import sys
import threading
import time


def forward(source, target, delay):
    while data := source.recv(4096):
        time.sleep(delay)
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    client, _ = listener.accept()
    broker = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    threading.Thread(target=forward, args=(client, broker, 0), daemon=True).start()
    threading.Thread(target=forward, args=(broker, client, 0.1), daemon=True).start()
