"""MQTT: events reach a real broker at least once and in order, and Home Assistant discovers the cameras."""

import contextlib
import getpass
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from program import FRIENDS
from test_receivers import ROUNDS, ReceiverCase, senders

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
TOOLS = MOSQUITTO and shutil.which("mosquitto_sub") and shutil.which("openssl")
PASSWORD = "correct horse"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Broker:
    """A mosquitto, and somebody who is subscribed to all of its topics. `got` has (retained, topic, payload)."""

    def __init__(self, case, password=None, tls=None, acl=None):
        self.case, self.got, self.process, self.subscriber = case, [], None, None
        self.port, self.tls, self.password = free_port(), tls, password
        self.folder = pathlib.Path(tempfile.mkdtemp())
        lines = [f"listener {self.port} 127.0.0.1", f"user {getpass.getuser()}", "persistence true"]
        lines += [f"persistence_location {self.folder}/"]
        lines += ["allow_anonymous " + ("false" if password else "true")]
        if password:
            command = ["mosquitto_passwd", "-b", "-c", self.folder / "passwords", "ana", password]
            subprocess.run(command, check=True, capture_output=True)
            lines += [f"password_file {self.folder / 'passwords'}"]
        if tls:
            lines += [f"certfile {tls / 'broker.pem'}", f"keyfile {tls / 'broker.key'}"]
        if acl:
            (self.folder / "acl").write_text(acl)
            lines += [f"acl_file {self.folder / 'acl'}"]
        (self.folder / "conf").write_text("\n".join(lines) + "\n")
        case.addCleanup(shutil.rmtree, self.folder)
        case.addCleanup(self.stop)
        self.start()

    def url(self, host="127.0.0.1", prefix="semblance", user=None):
        user = "ana@" if self.password and user is None else user or ""
        return f"mqtt{'s' if self.tls else ''}://{user}{host}:{self.port}/{prefix}"

    def is_up(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except OSError:
            return False
        return True

    def start(self):
        self.process = subprocess.Popen(
            [MOSQUITTO, "-c", self.folder / "conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.case.wait_for("the broker", self.is_up)
        command = [
            "stdbuf",
            "-oL",
            "mosquitto_sub",
            "-h",
            "localhost",
            "-p",
            str(self.port),
            "-q",
            "1",
            "-F",
            "%r %t %p",
        ]
        command += ["-t", "#", "-d", "-c", "-i", "watcher"]  # the broker keeps what comes while it is away
        if self.password:
            command += ["-u", "ana", "-P", self.password]
        if self.tls:
            command += ["--cafile", self.tls / "ca.pem"]
        self.subscriber = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        subscribed = threading.Event()
        threading.Thread(target=self.read, args=(self.subscriber, subscribed), daemon=True).start()
        self.case.assertTrue(subscribed.wait(self.case.patience), "mosquitto_sub could not subscribe")

    def read(self, subscriber, subscribed):
        with subscriber.stdout:
            for line in subscriber.stdout:
                if line.startswith("Subscribed"):
                    subscribed.set()
                if line[:2] in ("0 ", "1 "):
                    retained, topic, payload = line.rstrip("\n").split(" ", 2)
                    self.got.append((retained == "1", topic, payload))

    def stop(self):
        for process in (self.process, self.subscriber):
            if process:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:  # a mosquitto_sub that waits for its broker may miss the signal
                    process.kill()
                    process.wait()
        self.process = self.subscriber = None

    def payloads(self, topic):
        return [payload for _, at, payload in list(self.got) if at == topic]

    def last(self, topic):
        """What is retained there now; "" and None: nothing."""
        return next((payload for _, at, payload in reversed(list(self.got)) if at == topic), None)

    def numbers(self):
        events = [json.loads(p) for _, topic, p in list(self.got) if topic.endswith("/events")]
        return [event["data"]["number"] for event in events]

    def configs(self):
        """What Home Assistant knows: topic -> configuration."""
        found = {}
        for _, topic, payload in list(self.got):
            if topic.startswith("homeassistant/"):
                found.pop(topic, None)
                if payload:
                    found[topic] = json.loads(payload)
        return found


@unittest.skipUnless(TOOLS, "mosquitto, mosquitto-clients or openssl is not installed")
class MqttCase(ReceiverCase):
    def serve(self, *arguments):
        return super().serve("--cameras=false", *arguments)

    def camera(self, name, *more):
        self.json_of("cameras", "add", name, "rtsp://127.0.0.1:1/", "--purpose", "a test", *more)

    def certificates(self):
        """ca.pem, and broker.pem and broker.key for `localhost`."""
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)

        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

        new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        openssl(*new, "-x509", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority")
        openssl(*new, "-keyout", "broker.key", "-out", "broker.csr", "-subj", "/CN=localhost")
        (folder / "names").write_text("subjectAltName=DNS:localhost")
        sign = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
        openssl("x509", "-req", "-in", "broker.csr", *sign, "-out", "broker.pem")
        return folder


class Publishing(MqttCase):
    def test_events_reach_the_broker_in_order_with_the_state_of_their_cameras(self):
        broker = Broker(self, PASSWORD)
        source, server = self.source(), self.serve()
        added = self.add(server, broker.url(prefix="home/semblance"), password=PASSWORD)
        self.assertNotIn("secret", added)
        numbers = [source.add(camera=f"c{i % 3}") for i in range(20)]
        numbers.append(source.add("camera_lost", camera="c1"))
        self.wait_for("all events", lambda: len(broker.numbers()) >= 21)
        self.assertEqual(broker.numbers(), numbers)
        message = json.loads(broker.payloads("home/semblance/cameras/c0/events")[0])
        self.assertEqual((message["type"], message["data"]["camera"]), ("event.seen", "c0"))
        self.assertTrue(message["id"].startswith("evt_"))
        self.assertEqual(broker.last("home/semblance/cameras/c1/availability"), "offline")
        self.assertEqual(broker.last("home/semblance/status"), "online")
        last = json.loads(broker.last("home/semblance/cameras/c1/last_seen"))
        self.assertEqual((last["name"], last["person"], last["number"]), ("unknown person", None, numbers[19]))
        self.wait_for("the position", lambda: self.state(server, added)["position"] == numbers[-1])
        self.assertEqual(self.try_out(server, added), {"delivered": True, "status": 200, "error": ""})
        self.wait_for("the test", lambda: broker.last("home/semblance/test"))
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                name = (process / "comm").read_text()
                seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            except OSError:
                continue
            if name.startswith("semblance"):
                self.assertNotIn(PASSWORD.encode(), seen)
        self.assertNotIn(PASSWORD, json.dumps(self.call(server, "GET", "/v1/receivers")))
        server.process.terminate()
        self.wait_for("the will", lambda: broker.last("home/semblance/status") == "offline")

    def test_a_broker_that_refuses_or_is_no_broker_of_ours_is_told_apart_and_gets_nothing(self):
        broker = Broker(self, PASSWORD, acl="user ana\ntopic read #\ntopic write allowed/#\n")
        source, server = self.source(), self.serve()
        wrong = self.add(server, broker.url(prefix="allowed"), password="wrong")
        forbidden = self.add(server, broker.url(prefix="forbidden"), password=PASSWORD)
        number = source.add()
        error = self.try_out(server, wrong)["error"]
        self.assertIn("refused the connection", error)
        self.wait_for("a failure", lambda: self.state(server, wrong)["error"] == error)
        self.assertEqual(self.try_out(server, forbidden)["delivered"], False)

        def dead():
            return self.call(server, "GET", f"/v1/receivers/{forbidden['receiver']}/dead-letters")["dead_letters"]

        self.wait_for("the dead letter", dead)
        self.assertEqual([(d["event"], d["tries"]) for d in dead()], [(number, 10)])
        self.assertIn("refused a message", dead()[0]["error"])
        self.assertEqual(broker.numbers(), [])

    def test_a_broker_is_checked_by_its_certificate_and_name(self):
        tls = self.certificates()
        broker = Broker(self, PASSWORD, tls)
        source, server = self.source(), self.serve()
        own = {"password": PASSWORD, "ca": (tls / "ca.pem").read_text()}
        good = self.add(server, broker.url("localhost", "good"), **own)
        self.assertEqual(self.try_out(server, good), {"delivered": True, "status": 200, "error": ""})
        number = source.add()
        self.wait_for("the event", lambda: broker.numbers() == [number])
        other_name = self.add(server, broker.url("127.0.0.1", "bad"), **own)
        system = self.add(server, broker.url("localhost", "bad"), password=PASSWORD)
        for added in (other_name, system):
            self.assertIn("certificate", self.try_out(server, added)["error"])
        self.assertEqual([topic for _, topic, _ in broker.got if topic.startswith("bad")], [])


class Outages(MqttCase):
    def test_events_wait_for_a_broker_that_is_away_and_arrive_in_order(self):
        broker = Broker(self)
        source, server = self.source(), self.serve()
        added = self.add(server, broker.url())
        numbers = [source.add()]
        self.wait_for("the first", lambda: broker.numbers() == numbers)
        broker.stop()
        numbers += [source.add(camera=f"c{i % 3}") for i in range(10)]
        self.wait_for("a failure", lambda: self.state(server, added)["error"])
        broker.start()
        self.wait_for("the others", lambda: set(broker.numbers()) >= set(numbers))
        self.assertEqual(list(dict.fromkeys(broker.numbers())), numbers)
        self.wait_for("the status", lambda: broker.last("semblance/status") == "online")
        self.wait_for("the last state", lambda: self.state(server, added)["error"] == "")

    def test_events_survive_kills_of_server_sender_and_broker(self):
        chance = random.Random(7)
        broker = Broker(self)
        source, server = self.source(), self.serve()
        self.add(server, broker.url())
        numbers = []
        for turn in range(ROUNDS):
            numbers += [source.add(camera=f"c{chance.randrange(3)}") for _ in range(10)]
            enough = len(broker.got) + chance.randrange(5)
            self.wait_for("some deliveries", lambda least=enough: len(broker.got) >= least)
            if turn % 8 == 3:  # the sender, in the middle of its work; what it had is sent again after 30 seconds
                supervisor = self.wait_for("the sender", lambda pid=server.process.pid: senders(pid))[0]
                os.kill(self.wait_for("its child", lambda pid=supervisor: senders(pid))[0], signal.SIGKILL)
            elif turn % 4 == 1:
                broker.stop()
                broker.start()
            else:
                server.process.kill()
                server.process.wait()
                server.process.stdout.close()
                server = self.serve()
        self.wait_for("every event", lambda: set(broker.numbers()) >= set(numbers))
        self.assertEqual(list(dict.fromkeys(broker.numbers())), numbers)


class OldBroker:
    """A broker that knows MQTT 3.1.1 only; `got` has the topics that it acknowledged."""

    def __init__(self, case):
        self.versions, self.got = [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"mqtt://127.0.0.1:{self.listener.getsockname()[1]}/old"
        case.addCleanup(self.listener.close)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                with connection, connection.makefile("rb") as stream:
                    self.answer(connection, stream)

    def answer(self, connection, stream):
        while kind := stream.read(1):
            size = shift = 0
            more = 128
            while more & 128:
                more = stream.read(1)[0]
                size |= (more & 127) << shift
                shift += 7
            body = stream.read(size)
            if kind[0] >> 4 == 1:  # CONNECT
                self.versions.append(body[6])
                connection.sendall(bytes([0x20, 2, 0, 1 if body[6] > 4 else 0]))
                if body[6] > 4:
                    return
            if kind[0] >> 4 == 3:  # PUBLISH
                length = int.from_bytes(body[:2], "big")
                self.got.append(body[2 : 2 + length].decode())
                connection.sendall(b"\x40\x02" + body[2 + length : 4 + length])


class Versions(MqttCase):
    def test_a_broker_that_knows_no_mqtt_5_is_spoken_to_in_3_1_1(self):
        broker = OldBroker(self)
        source, server = self.source(), self.serve()
        added = self.add(server, broker.url)
        number = source.add()
        self.wait_for("the event", lambda: "old/cameras/door/events" in broker.got)
        self.wait_for("its acknowledgement", lambda: self.state(server, added)["position"] == number)
        self.assertEqual(broker.versions[:2], [5, 4])


class Addresses(MqttCase):
    def test_no_message_reaches_this_machine_or_a_private_network_unless_it_is_allowed(self):
        """Also of many receivers, one after the other: a connection ends with its receiver."""
        targets = "127.0.0.1 localhost 127.1 [::1] [::ffff:127.0.0.1] 10.0.0.1 169.254.169.254 [fd00::1]"
        self.assert_only_public_addresses("mqtts://{target}:{port}/x", 9 * targets.split())

    def test_what_is_no_broker_is_refused_and_named(self):
        server = self.serve()
        for fields, word in (
            ({"url": "mqtt://example.com/"}, "mqtts"),
            ({"url": "mqtts://"}, "url"),
            ({"url": "mqtts:///x"}, "url"),
            ({"url": "mqtts://ana:secret@example.com/"}, "password"),
            ({"url": "mqtts://@example.com/"}, "user"),
            ({"url": "mqtts://example.com:0/"}, "port"),
            ({"url": "mqtts://example.com:65536/"}, "port"),
            ({"url": "mqtts://example.com:1x/"}, "port"),
            ({"url": "mqtts://[::1/"}, "url"),
            ({"url": "mqtts://example.com/a//b"}, "prefix"),
            ({"url": "mqtts://example.com/a/#"}, "prefix"),
            ({"url": "mqtts://example.com/$SYS"}, "prefix"),
            ({"url": "mqtts://example.com/" + "a" * 200}, "prefix"),
            ({"url": "mqtts://example.com/", "password": "x"}, "user"),
            ({"url": "mqtts://ana@example.com/", "password": "x" * 256}, "password"),
            ({"url": "mqtts://ana@example.com/", "secret": "x"}, "secret"),
            ({"url": "mqtts://example.com/", "ca": "x"}, "ca"),
            ({"url": "mqtt://10.0.0.1/", "allow_private": True, "ca": "x"}, "ca"),
            ({"url": "https://example.com/", "password": "x"}, "password"),
        ):
            message = self.call(server, "POST", "/v1/receivers", fields, 400)["error"]["message"]
            self.assertIn(word, message, fields)
            self.assertNotIn("secret@", message)
        self.assertEqual(self.call(server, "GET", "/v1/receivers")["receivers"], [])


class Program(MqttCase):
    def test_the_program_adds_tests_and_removes_without_a_server(self):
        broker = Broker(self, PASSWORD, self.certificates())
        self.run_program("collections", "list")
        environment = {"SEMBLANCE_MQTT_PASSWORD": PASSWORD}
        ca = str(broker.tls / "ca.pem")
        url = broker.url("localhost")
        added = self.json_of("receivers", "add", url, "--ca", ca, "--allow-private", environment=environment)
        number = str(added["receiver"])
        self.assertEqual(self.json_of("receivers", "test", number)["delivered"], True)
        self.wait_for("the test", lambda: broker.last("semblance/test"))
        self.assertEqual(broker.payloads("semblance/status"), [])  # only a server is online
        broker.stop()
        self.assertIn(b"not delivered", self.run_program("receivers", "test", number).stdout)
        for file in self.data.rglob("*"):
            if file.is_file():
                self.assertNotIn(PASSWORD.encode(), file.read_bytes(), file)
        removed = self.run_program("receivers", "remove", number)
        self.assertEqual(removed.returncode, 0)
        self.assertIn(b"Home Assistant", removed.stderr)
        self.refused("receivers", "add", "https://example.com/", "--ca", ca, code=2, word="--ca")


class Discovery(MqttCase):
    def test_home_assistant_discovers_cameras_and_forgets_those_that_were_removed(self):
        broker = Broker(self)
        self.camera("door")
        self.camera("yard")
        source, server = self.source(), self.serve()
        added = self.add(server, broker.url())
        self.wait_for("two devices", lambda: len(broker.configs()) == 10)
        for topic, config in broker.configs().items():
            self.check_config(topic, config)
        self.assertEqual({c["device"]["name"] for c in broker.configs().values()}, {"door", "yard"})
        self.wait_for("the state", lambda: broker.last("semblance/cameras/door/availability") == "online")
        source.add("camera_lost", camera="door")
        self.wait_for("the loss", lambda: broker.last("semblance/cameras/door/availability") == "offline")
        self.json_of("cameras", "remove", "yard")
        self.wait_for("one device", lambda: len(broker.configs()) == 5)
        self.wait_for("no state", lambda: broker.last("semblance/cameras/yard/availability") == "")
        self.call(server, "DELETE", f"/v1/receivers/{added['receiver']}")
        self.wait_for("no device", lambda: not broker.configs())
        self.wait_for("no status", lambda: broker.last("semblance/status") == "")

    def test_a_broker_does_not_keep_the_name_of_somebody_who_was_erased(self):
        broker = Broker(self)
        self.enroll("ana", "Ana", FRIENDS / "obama.jpg")
        self.camera("door")
        source, server = self.source(), self.serve()
        self.add(server, broker.url())
        number = source.add(person="ana")
        topic = "semblance/cameras/door/last_seen"
        self.wait_for("her name", lambda: "Ana" in (broker.last(topic) or ""))
        server.__exit__()
        self.assertEqual(self.run_program("delete", "ana").returncode, 0)
        self.serve()  # as it does once a minute, it compares what is retained with the gallery
        self.wait_for("the erasure", lambda: "erased person" in (broker.last(topic) or ""))
        last = json.loads(broker.last(topic))
        self.assertEqual((last["person"], last["number"]), (None, number))

    def test_a_receiver_is_told_of_the_cameras_of_its_collection_and_what_it_wants(self):
        broker = Broker(self)
        self.run_program("collections", "add", "visitors")
        self.camera("door")
        self.camera("gate", "--collection", "visitors")
        server = self.serve()
        self.add(server, broker.url(), collection="visitors", kinds="watchlist")
        self.wait_for("the entities", lambda: len(broker.configs()) == 4)
        self.assertEqual({c["device"]["name"] for c in broker.configs().values()}, {"gate"})
        event = broker.configs()["homeassistant/event/semblance_gate/sighting/config"]
        self.assertEqual(event["event_types"], ["watchlist"])
        self.assertNotIn("semblance/cameras/gate/availability", [topic for _, topic, _ in broker.got])

    # What is sent. It was tried by hand with the schemas of Home Assistant 2024.3 (components/mqtt), which accept it.
    COMMON = {"unique_id", "availability", "availability_mode", "device", "origin", "name", "state_topic"}
    SCHEMAS = {
        ("sensor", "last_seen"): COMMON | {"value_template", "json_attributes_topic", "icon"},
        ("sensor", "last_seen_at"): COMMON | {"value_template", "device_class"},
        ("binary_sensor", "in_sight"): COMMON | {"value_template", "device_class", "off_delay"},
        ("binary_sensor", "online"): COMMON | {"payload_on", "payload_off", "device_class", "entity_category"},
        ("event", "sighting"): COMMON | {"value_template", "event_types"},
    }

    def check_config(self, topic, config):
        _, component, node, name, end = topic.split("/")
        self.assertEqual(end, "config")
        self.assertEqual(set(config), self.SCHEMAS[component, name], topic)
        self.assertRegex(node, "^[A-Za-z0-9_-]+$")
        self.assertEqual(config["unique_id"], f"{node}_{name}")
        self.assertEqual(config["device"]["identifiers"], [node])
        self.assertTrue(all(set(one) == {"topic"} for one in config["availability"]))
        self.assertEqual(set(config["origin"]), {"name", "sw_version"})
        self.assertEqual(set(config["device"]), {"identifiers", "name", "manufacturer", "model", "sw_version"})
        self.assertIn(f"/{config['device']['name']}/", config["state_topic"])


if __name__ == "__main__":
    unittest.main()
