"""Charges cards. Calls nobody."""
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Payment(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        seen = {name.lower(): value for name, value in self.headers.items() if name.lower().startswith("x-waybill-")}
        report = {"service": "payment", "authorization": self.headers["authorization"], "headers": seen, "calls": []}
        body = json.dumps(report).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Payment)
print("ready", flush=True)
server.serve_forever()
