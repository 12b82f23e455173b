"""TLS in front of a PostgreSQL that was built without it. To a client it looks like a server with direct TLS."""

import contextlib
import socket
import ssl
import struct
import threading

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104


class Front:
    """Listens on all of 127.0.0.0/8 with a certificate, and forwards the decrypted stream to `port`."""

    def __init__(self, port, certificate, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.behind = port
        self.spoken = []  # the TLS versions of connections that were agreed on
        self.listener = socket.create_server(("0.0.0.0", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            while True:
                length, request = struct.unpack("!II", client.recv(8, socket.MSG_WAITALL))
                if (length, request) == (8, SSL_REQUEST):
                    break
                if (length, request) != (8, GSS_REQUEST):
                    return  # plain text is not answered
                client.sendall(b"N")
            client.sendall(b"S")
            client = self.context.wrap_socket(client, server_side=True)
            self.spoken.append(client.version())
            with socket.create_connection(("127.0.0.1", self.behind)) as server:
                threading.Thread(target=pump, args=(server, client), daemon=True).start()
                pump(client, server)
        except (OSError, struct.error):
            pass  # the tests check what the client then reports
        finally:
            client.close()


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
