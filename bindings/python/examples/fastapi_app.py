# SPDX-License-Identifier: Apache-2.0
"""The same small patient record, with FastAPI.

    NRBAC_SOURCE=unix:/run/nrbac uvicorn fastapi_app:app
"""
import os

from fastapi import FastAPI, Request

import nrbac.aio
from nrbac.asgi import Authorisation, for_everybody, needs


async def subject_of(scope):
    """Who is signed in. Here headers say it; a real application takes the tokens that it keeps for its session."""
    headers = Request(scope).headers
    if "x-job-role" not in headers:
        return None
    profile = {"id": "555254242102", "role": headers["x-job-role"], "organisation": "RBA",
               "activities": headers.get("x-activities", "").split()}
    return {"subject": {"type": "healthcare-worker", "properties": {"profile": profile, "aal": 3}}, "context": {"organisation": "RBA"}}


source = os.environ.get("NRBAC_SOURCE", "unix:/run/nrbac")
decide = nrbac.aio.open(source, timeout=1) if source.startswith("unix:") else nrbac.open(source)

app = FastAPI()
app.add_middleware(Authorisation, decide=decide, subject=subject_of)


@app.get("/health")
@for_everybody
async def health():
    return {"status": "ok"}


@app.get("/patients/{id}")
@needs("patient.view")
async def view(id: str):
    return {"id": id, "name": "Test Patient"}


@app.put("/patients/{id}")
@needs("patient.amend")
def amend(id: str):
    return {"amended": id}


@app.get("/emergency/{id}")
@needs("scr.emergency", meets=["alert-privacy-officer"])
async def emergency(id: str, request: Request):
    return {"alerted": list(request.scope["nrbac"].obligations)}


@app.get("/careless/{id}")
@needs("scr.emergency")  # does not meet the obligation, and so never gets a permit
async def careless(id: str):
    return {"alerted": []}


@app.get("/forgotten")
async def forgotten():  # nothing is declared: nobody gets in
    return {}
