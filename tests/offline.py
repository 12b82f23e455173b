"""Runs a server in a network namespace without a connection: enrols a person, finds them, and loads the page.

usage: unshare --net offline.py PHOTOS COMMAND...
COMMAND starts a server and prints its port; the folder PHOTOS has obama.jpg, obama2.jpg and biden.jpg.
"""

import fcntl
import http.client
import json
import pathlib
import re
import socket
import struct
import subprocess
import sys
import time

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
SECONDS = 900  # `script/run` builds first


def only_loopback():
    """Brings the loopback up; exits if there is another network interface or a route."""
    names = [name for _, name in socket.if_nameindex()]
    routes = pathlib.Path("/proc/net/route").read_text().splitlines()[1:]
    if names != ["lo"] or routes:
        sys.exit(f"offline.py: this network has {names} and {len(routes)} routes; use unshare --net")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        (flags,) = struct.unpack("16xh", fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16sh", b"lo", 0)))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | IFF_UP))


def form(fields, photo):
    body = b"".join(
        f'--line\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    )
    body += (
        b'--line\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    )
    return body + photo.read_bytes() + b"\r\n--line--\r\n"


def ask(port, method, path, body=None):
    end = time.monotonic() + SECONDS
    while True:  # until the models are loaded
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        connection.request(method, path, body, {"Content-Type": "multipart/form-data; boundary=line"} if body else {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        if answer.status < 300:
            return text
        if answer.status != 503 or time.monotonic() > end:
            sys.exit(f"offline.py: {method} {path}: {answer.status} {text}")
        time.sleep(0.2)


def port_of(server):
    for line in server.stdout:
        print(line, end="", flush=True)
        found = re.search(r"http://[^ ]*:(\d+)", line)
        if found:
            return int(found[1])
    sys.exit(f"offline.py: it ended with {server.wait()} before it served")


def main():
    photos, command = pathlib.Path(sys.argv[1]), sys.argv[2:]
    only_loopback()
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        port = port_of(server)
        ask(port, "POST", "/api/register", form({"ssn": "44", "name": "Barack Obama"}, photos / "obama.jpg"))
        found = [
            json.loads(ask(port, "POST", "/v1/search", form({}, photos / name)))["faces"][0]["candidates"]
            for name in ("obama2.jpg", "biden.jpg")
        ]
        print("found:", [[candidate["verdict"] for candidate in candidates] for candidates in found])
        if not (found[0] and found[0][0]["name"] == "Barack Obama" and found[0][0]["verdict"] == "match"):
            sys.exit("offline.py: the person was not found")
        if any(candidate["verdict"] == "match" for candidate in found[1]):
            sys.exit("offline.py: another person was taken for the one")
        if "<html" not in ask(port, "GET", "/"):
            sys.exit("offline.py: there is no page")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
