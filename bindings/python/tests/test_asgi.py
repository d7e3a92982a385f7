# SPDX-License-Identifier: Apache-2.0
"""The example servers, over HTTP; and the middleware itself where HTTP does not reach."""
import asyncio
import os
import socket
import subprocess
import sys

import httpx
import pytest
from conftest import ROOT, SMALL
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, Router, WebSocketRoute
from support.rpc import until

import nrbac
from nrbac.asgi import Authorisation, for_everybody, needs

pytestmark = pytest.mark.transport("http")

EXAMPLES = ROOT / "bindings/python/examples"
POLICY = ROOT / "policy/examples/gp-practice"
DOCTOR = {"x-job-role": "R8000"}
EMERGENCY = {"x-job-role": "R8000", "x-activities": "B0168"}
CLERK = {"x-job-role": "R0010"}


class Server:
    """An example under uvicorn."""

    def __init__(self, app, source):
        with socket.create_server(("127.0.0.1", 0)) as found:
            port = found.getsockname()[1]
        self.process = subprocess.Popen([sys.executable, "-m", "uvicorn", "--port", str(port), "--log-level", "warning", app], cwd=EXAMPLES,
                                        env={**os.environ, "NRBAC_SOURCE": source, "PYTHONDONTWRITEBYTECODE": "1"})
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)
        assert until(self.answers), "the server does not start"

    def answers(self):
        assert self.process.poll() is None, "the server ended"
        try:
            return self.http.get("/health").status_code == 200
        except httpx.TransportError:
            return False

    def end(self):
        self.http.close()
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(params=["starlette_app:app", "fastapi_app:app"])
def server(request, serve):
    daemon = serve(POLICY)
    running = Server(request.param, f"unix:{daemon.socket}")
    running.daemon = daemon
    yield running
    running.end()


def told(response):
    return response.status_code, response.json().get("reason")


def test_the_example_servers_let_in_whom_the_policy_permits(server, serve):
    http = server.http
    assert http.get("/health").json() == {"status": "ok"}
    assert told(http.get("/patients/7")) == (401, "not-signed-in")
    assert http.get("/patients/7", headers=DOCTOR).json() == {"id": "7", "name": "Test Patient"}
    assert http.put("/patients/7", headers=DOCTOR).json() == {"amended": "7"}
    refused = http.get("/patients/7", headers=CLERK)
    assert told(refused) == (403, "requirement-not-met") and refused.json()["message"].endswith("may not View demographics.")
    assert refused.headers["content-type"] == "application/json" and refused.headers["cache-control"] == "no-store"
    assert told(http.put("/patients/7", headers=CLERK)) == (403, "requirement-not-met")
    assert http.get("/emergency/7", headers=EMERGENCY).json() == {"alerted": ["alert-privacy-officer"]}
    assert told(http.get("/emergency/7", headers=DOCTOR)) == (403, "requirement-not-met")
    assert told(http.get("/careless/7", headers=EMERGENCY)) == (403, "obligations-apply")
    assert told(http.get("/forgotten", headers=DOCTOR)) == (403, "not-declared")
    assert http.get("/nothing", headers=DOCTOR).status_code == 404
    assert http.delete("/patients/7", headers=DOCTOR).status_code == 405 and http.delete("/patients/7").status_code == 401

    server.daemon.stop()
    away = http.get("/patients/7", headers=DOCTOR)
    assert told(away) == (503, "decision-unavailable") and "later" in away.json()["message"]
    assert told(http.get("/patients/7")) == (401, "not-signed-in") and http.get("/health").status_code == 200
    serve(POLICY, path=server.daemon.socket)
    assert until(lambda: http.get("/patients/7", headers=DOCTOR).status_code == 200), "within the longest wait between two attempts"


def test_an_example_decides_in_its_own_process_too():
    running = Server("starlette_app:app", f"dir:{POLICY}")
    try:
        assert running.http.get("/patients/7", headers=DOCTOR).status_code == 200
        assert told(running.http.get("/patients/7", headers=CLERK)) == (403, "requirement-not-met")
    finally:
        running.end()


# ---- without a server ----------------------------------------------------------------------------------------------------


async def answer(request):
    return JSONResponse({"obligations": list(request.scope["nrbac"].obligations) if "nrbac" in request.scope else None})


def handler(declare=None):
    async def own(request):
        return await answer(request)
    return declare(own) if declare else own


def call(routes, path, subject=None, engine=None, kind="http", app=None):
    """What the application sends first, and last."""
    app = app or Starlette(routes=routes)
    app.add_middleware(Authorisation, decide=engine, subject=subject or (lambda scope: {"subject": {
        "type": "healthcare-worker", "properties": {"profile": {"role": "R8000", "organisation": "RBA"}}}}))
    sent = []

    async def receive():
        return {"type": f"{kind}.connect" if kind == "websocket" else "http.request"}

    async def send(message):
        sent.append(message)
    scope = {"type": kind, "path": path, "root_path": "", "method": "GET", "headers": [], "query_string": b"", "nrbac": "from outside"}
    asyncio.run(app(scope, receive, send))
    return sent


def status(*arguments, **keywords):
    return call(*arguments, **keywords)[0]["status"]


def test_what_is_mounted_is_guarded_too(engine):
    inner = Starlette(routes=[Route("/view", handler(needs("patient.view"))), Route("/open", handler(for_everybody)), Route("/closed", handler())])

    async def app(scope, receive, send):
        await JSONResponse({})(scope, receive, send)
    open_app = for_everybody(lambda scope, receive, send: app(scope, receive, send))
    routes = [Mount("/inner", inner), Mount("/plain", app), Mount("/open", open_app), Mount("/router", Router([Route("/x", handler())], default=app))]
    wanted = {"/inner/view": 200, "/inner/open": 200, "/inner/closed": 403, "/inner/none": 403, "/plain/": 403, "/plain/x": 403, "/open/x": 200,
              "/router/x": 403, "/router/y": 403}
    assert {path: status(routes, path, engine=engine) for path in wanted} == wanted


def test_an_application_that_answers_where_no_route_is_gets_no_requests(engine):
    app = Starlette()

    async def everything(scope, receive, send):
        await JSONResponse({})(scope, receive, send)
    assert status(None, "/x", engine=engine, app=Starlette()) == 404
    app.router.default = everything
    assert status(None, "/x", engine=engine, app=app) == 403


def test_an_application_whose_routes_are_not_known_gets_no_requests(engine):
    called, sent = [], []

    async def app(scope, receive, send):
        called.append(scope["type"])

    async def send(message):
        sent.append(message)
    guarded = Authorisation(app, decide=engine, subject=lambda scope: None)
    asyncio.run(guarded({"type": "lifespan"}, None, send))
    asyncio.run(guarded({"type": "http", "path": "/"}, None, send))
    assert called == ["lifespan"] and sent[0]["status"] == 403


def test_a_handler_is_told_of_its_obligations_and_of_nothing_else(engine):
    routes = [Route("/emergency", handler(needs("scr.emergency", meets=["notify-access", "more"]))), Route("/open", handler(for_everybody))]
    assert call(routes, "/emergency", engine=engine)[1]["body"] == b'{"obligations":["notify-access"]}'
    assert call(routes, "/open", engine=engine)[1]["body"] == b'{"obligations":null}', "what stood in the scope before does not count"


def test_sockets_are_refused_before_they_are_accepted(engine):
    async def own(websocket):
        await websocket.accept()
        await websocket.close()
    async def forgotten(websocket):
        await own(websocket)
    routes = [WebSocketRoute("/view", needs("patient.view")(own)), WebSocketRoute("/no", forgotten)]
    assert call(routes, "/view", engine=engine, kind="websocket")[0]["type"] == "websocket.accept"
    refused = call(routes, "/no", engine=engine, kind="websocket")
    assert [message["type"] for message in refused] == ["websocket.close"] and refused[0]["code"] == 1008


def test_whatever_goes_wrong_is_no_permit(engine):
    routes = [Route("/view", handler(needs("patient.view")))]

    def broken(scope):
        raise KeyError("subject")
    for subject in (broken, lambda scope: 7, lambda scope: "text"):
        with pytest.raises((KeyError, TypeError)):
            call(routes, "/view", engine=engine, subject=subject)
    assert status(routes, "/view", engine=engine, subject=lambda scope: {}) == 403
    engine.close()
    assert status(routes, "/view", engine=engine) == 503


def test_clients_that_would_hold_up_the_loop_are_refused(tmp_path):
    for decide in (nrbac.open(f"unix:{tmp_path}/no.sock"), None, object()):
        with pytest.raises(TypeError):
            Authorisation(None, decide=decide, subject=lambda scope: None)


def test_the_small_policy_permits_the_doctor_and_nobody_else(policies):
    """What the tests above rest on."""
    with nrbac.open(f"dir:{policies(SMALL)}") as engine:
        assert status([Route("/view", handler(needs("patient.view")))], "/view", engine=engine) == 200
        assert status([Route("/view", handler(needs("no.such")))], "/view", engine=engine) == 403
