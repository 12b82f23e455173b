"""An RTSP server for the tests: GStreamer's, which sends a film of H.264 in MP4 to each client, from its beginning.

usage: CAMERA_LOGIN=USER:PASSWORD /usr/bin/python3 rtsp_server.py FILM

Prints its port, and serves rtsp://127.0.0.1:PORT/film until its standard input is closed."""

import os
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402


def protect(server, factory, user, password):
    """Only `user` may see the film."""
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS, True)
    permissions.add_permission_for_role("viewer", GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, True)
    factory.set_permissions(permissions)


def main():
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    source = f'filesrc location="{sys.argv[1]}" ! qtdemux'
    factory.set_launch(f"( {source} ! rtph264pay name=pay0 pt=96 config-interval=-1 )")
    if "CAMERA_LOGIN" in os.environ:
        protect(server, factory, *os.environ["CAMERA_LOGIN"].split(":"))
    server.get_mount_points().add_factory("/film", factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    loop = GLib.MainLoop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    loop.run()


main()
