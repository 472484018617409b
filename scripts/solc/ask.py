"""Looks like the Solidity compiler and passes on to server.js: ask.py SOCKET OPTION…, with the request on its input."""

import json
import socket
import sys

with socket.socket(socket.AF_UNIX) as server:
    server.connect(sys.argv[1])
    server.sendall(json.dumps({"words": sys.argv[2:], "input": sys.stdin.read()}).encode())
    server.shutdown(socket.SHUT_WR)
    reply = json.loads(b"".join(iter(lambda: server.recv(1 << 20), b"")))
if "error" in reply:
    sys.exit(reply["error"])
sys.stdout.write(reply["output"])
