"""Run in an instance as user data, after a line that sets PORTS and TEXT: answers TEXT to whoever connects."""

import pathlib
import selectors
import socket

ports, text = globals()["PORTS"], globals()["TEXT"]
waiting = selectors.DefaultSelector()
for port in ports:
    waiting.register(socket.create_server(("0.0.0.0", port)), selectors.EVENT_READ)
pathlib.Path("/root/serving").touch()
while True:
    for key, _ in waiting.select():
        connection, _ = key.fileobj.accept()
        connection.sendall(text.encode())
        connection.close()
