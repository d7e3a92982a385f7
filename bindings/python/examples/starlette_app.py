# SPDX-License-Identifier: Apache-2.0
"""A small patient record behind nrbac, with Starlette.

    NRBAC_SOURCE=unix:/run/nrbac uvicorn starlette_app:app
"""
import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

import nrbac.aio
from nrbac.asgi import Authorisation, for_everybody, needs


def subject_of(scope):
    """Who is signed in. Here headers say it; a real application takes the tokens that it keeps for its session."""
    headers = Request(scope).headers
    if "x-job-role" not in headers:
        return None
    profile = {"id": "555254242102", "role": headers["x-job-role"], "organisation": "RBA",
               "activities": headers.get("x-activities", "").split()}
    return {"subject": {"type": "healthcare-worker", "properties": {"profile": profile, "aal": 3}}, "context": {"organisation": "RBA"}}


@for_everybody
async def health(request):
    return JSONResponse({"status": "ok"})


@needs("patient.view")
async def view(request):
    return JSONResponse({"id": request.path_params["id"], "name": "Test Patient"})


@needs("patient.amend")
async def amend(request):
    return JSONResponse({"amended": request.path_params["id"]})


@needs("scr.emergency", meets=["alert-privacy-officer"])
async def emergency(request):
    return JSONResponse({"alerted": list(request.scope["nrbac"].obligations)})


@needs("scr.emergency")  # does not meet the obligation, and so never gets a permit
async def careless(request):
    return JSONResponse({"alerted": []})


async def forgotten(request):  # nothing is declared: nobody gets in
    return JSONResponse({})


source = os.environ.get("NRBAC_SOURCE", "unix:/run/nrbac")
decide = nrbac.aio.open(source, timeout=1) if source.startswith("unix:") else nrbac.open(source)

app = Starlette(routes=[
    Route("/health", health),
    Route("/patients/{id}", view),
    Route("/patients/{id}", amend, methods=["PUT"]),
    Mount("/emergency", routes=[Route("/{id}", emergency)]),
    Route("/careless/{id}", careless),
    Route("/forgotten", forgotten),
])
app.add_middleware(Authorisation, decide=decide, subject=subject_of)
