"""Servers that answer with the length of the Authorization header that they received."""

import http.server
import sys


def wsgi(environ, start_response):
    body = str(len(environ.get("HTTP_AUTHORIZATION", ""))).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    body = str(sum(len(value) for name, value in scope["headers"] if name == b"authorization")).encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = str(len(self.headers.get("Authorization", ""))).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve_aiohttp(port):
    from aiohttp import web

    async def answer(request):
        return web.Response(text=str(len(request.headers.get("Authorization", ""))))

    app = web.Application()
    app.router.add_get("/", answer)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    kind, port = sys.argv[1], int(sys.argv[2])
    if kind == "http.server":
        http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
    elif kind == "werkzeug":
        from werkzeug.serving import run_simple

        run_simple("127.0.0.1", port, wsgi, threaded=True)
    elif kind == "aiohttp":
        serve_aiohttp(port)
