"""The live channel: frames in, names out. The server drops frames that come too fast and never queues them."""

import base64
import json
import os
import socket
import struct
import time

from server import PATIENCE
from test_native import BIDEN, GREY, OBAMA2, ServerCase, SharedServerCase


class Channel:
    """A minimal WebSocket client."""

    def __init__(self, port, path="/v1/live"):
        self.socket = socket.create_connection(("127.0.0.1", port), 120)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while line := self.file.readline().strip():
            name, value = line.decode().split(": ", 1)
            self.headers[name.lower()] = value

    def send(self, payload, opcode=2, last=True, mask=b"\1\2\3\4"):
        head = bytes([(0x80 if last else 0) | opcode])
        size = len(payload)
        head += (
            bytes([0x80 | size])
            if size < 126
            else bytes([0x80 | 126]) + struct.pack(">H", size)
            if size < 65536
            else bytes([0x80 | 127]) + struct.pack(">Q", size)
        )
        whole = int.from_bytes(payload, "big") ^ int.from_bytes((mask * (size // 4 + 1))[:size], "big") if size else 0
        self.socket.sendall(head + mask + whole.to_bytes(size, "big"))

    def receive(self):
        head = self.file.read(2)
        if len(head) < 2:
            return None, b""
        size = head[1] & 127
        if size > 125:
            size = int.from_bytes(self.file.read(2 if size == 126 else 8), "big")
        return head[0] & 15, self.file.read(size)

    def answer(self):
        opcode, text = self.receive()
        assert opcode == 1, (opcode, text)
        return json.loads(text)

    def close(self):
        self.file.close()
        self.socket.close()


class ChannelCase(ServerCase):
    def setUp(self):
        super().setUp()
        self.enroll()

    def open(self, path="/v1/live"):
        channel = Channel(self.server.port, path)
        self.addCleanup(channel.close)
        return channel


class Live(ChannelCase, SharedServerCase):
    def test_names_come_back_for_frames(self):
        channel = self.open()
        self.assertEqual((channel.status, channel.headers["upgrade"]), (101, "websocket"))
        channel.send(OBAMA2)
        first = channel.answer()
        self.assertEqual(
            (first["frame"], first["dropped"], first["faces"][0]["candidates"][0]["name"]), (1, 0, "Barack Obama")
        )
        channel.send(BIDEN)
        self.assertEqual(channel.answer()["faces"][0]["verdict"], "none")
        channel.send(GREY)
        self.assertEqual(channel.answer()["faces"], [])
        channel.send(b"no photo")
        self.assertEqual(channel.answer()["error"]["code"], "unsupported_image")

    def test_frames_that_come_too_fast_are_dropped_and_counted(self):
        channel = self.open()
        for _ in range(80):
            channel.send(OBAMA2)
        seen = dropped = 0
        while seen + dropped < 80:
            answer = channel.answer()
            seen, dropped = seen + 1, dropped + answer["dropped"]
        self.assertEqual(answer["frame"], 80)
        self.assertGreater(dropped, 0)

    def test_messages_in_pieces_and_pings_between_them_are_understood(self):
        channel = self.open()
        channel.send(OBAMA2[:1000], last=False)
        channel.send(b"hello", opcode=9)
        self.assertEqual(channel.receive(), (10, b"hello"))
        channel.send(OBAMA2[1000:], opcode=0)
        self.assertEqual(channel.answer()["frame"], 1)
        channel.send(struct.pack(">H", 1000), opcode=8)
        self.assertEqual(channel.receive()[0], 8)

    def test_nothing_is_sent_after_a_close_not_even_a_pending_answer(self):
        for _ in range(5):
            channel = self.open()
            channel.send(OBAMA2)
            channel.send(struct.pack(">H", 1000), opcode=8)
            messages = []
            while (message := channel.receive()) != (None, b""):
                messages.append(message[0])
            self.assertEqual(messages[-1], 8)

    def test_frames_that_break_the_protocol_or_the_limit_close_the_channel(self):
        for raw, code in (
            (b"\x82\x05hello", 1002),
            (b"\x83\x80\0\0\0\0", 1002),
            (b"\xf2\x80\0\0\0\0", 1002),
            (b"\x80\x80\0\0\0\0", 1002),
            (b"\x82\xff" + struct.pack(">Q", 1 << 62) + b"\0\0\0\0", 1009),
            (b"\x09\x80\0\0\0\0", 1002),
        ):
            channel = self.open()
            channel.socket.sendall(raw)
            with self.subTest(raw=raw):
                self.assertEqual(channel.receive(), (8, struct.pack(">H", code)))
                self.assertEqual(channel.receive(), (None, b""))
        self.assertEqual(self.get("/healthz")["status"], "ok")

    def test_a_client_that_is_still_sending_learns_why_the_channel_is_closed(self):
        channel = self.open()
        channel.socket.sendall(b"\x82\xff" + struct.pack(">Q", 12 << 20) + b"\0\0\0\0")
        for _ in range(12):
            channel.socket.sendall(bytes(1 << 20))  # fails if the server resets the connection
        self.assertEqual(channel.receive(), (8, struct.pack(">H", 1009)))
        self.assertEqual(channel.receive(), (None, b""))

    def test_a_text_message_is_answered_and_the_channel_goes_on(self):
        channel = self.open()
        channel.send(b'{"photo":1}', opcode=1)
        self.assertIn("binary", channel.answer()["error"]["message"])
        channel.send(OBAMA2)
        self.assertEqual(channel.answer()["frame"], 1)

    def test_another_site_cannot_open_a_channel(self):
        self.get("/v1/live", 403, headers={"Origin": "http://evil.example"})


class OwnServer(ChannelCase):
    """Tests that count the channels of the server, or that end it."""

    def test_anything_but_a_handshake_is_400_and_sixteen_channels_are_open_at_most(self):
        self.get("/v1/live", 400)
        channels = [self.open() for _ in range(16)]
        self.assertEqual({channel.status for channel in channels}, {101})
        self.assertEqual(self.open().status, 503)

    def test_a_handshake_that_never_becomes_a_channel_takes_no_place(self):
        """HTTP/1.0, no Connection: Upgrade, and clients that reset the connection before the answer."""
        for line, connection in (("HTTP/1.0", "Upgrade"), ("HTTP/1.1", "keep-alive"), ("HTTP/1.0", "close")):
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", self.server.port), 60) as client:
                    client.sendall(self.handshake(line, connection))
                    self.assertIn(client.recv(4096)[9:12], (b"400", b""))
        for _ in range(600):
            client = socket.create_connection(("127.0.0.1", self.server.port), 60)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(self.handshake("HTTP/1.1", "Upgrade"))
            client.close()
        give_up = time.monotonic() + PATIENCE
        while b"semblance_live_channels 0\n" not in self.server.request("GET", "/metrics")[2]:
            self.assertLess(time.monotonic(), give_up, "channels that are not open are counted")
            time.sleep(0.05)
        self.assertEqual({self.open().status for _ in range(16)}, {101})

    def handshake(self, version, connection):
        return (
            f"GET /v1/live {version}\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: {connection}\r\n"
            "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()

    def test_a_server_that_stops_closes_its_channels_with_1001(self):
        channel = self.open()
        self.server.process.terminate()
        self.assertEqual(channel.receive(), (8, struct.pack(">H", 1001)))
        self.assertEqual(self.server.process.wait(120), 0)
