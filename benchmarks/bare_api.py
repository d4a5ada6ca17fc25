"""The bare framework: an endpoint that reads the body of a submission and does nothing else."""

from __future__ import annotations

import socket
import sys

import uvicorn
from fastapi import FastAPI

from grader.api.models import Accepted, NewSubmission

app = FastAPI()


@app.post("/v1/submissions", status_code=202)
async def submit(body: NewSubmission) -> Accepted:
    """Answer as the API does."""
    url = f"/v1/submissions/{body.problem_id}"
    return Accepted(request_id="req_bare", status="queued", url=url, events_url=f"{url}/events")


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        print("listens on port", listening.getsockname()[1], file=sys.stderr, flush=True)
        uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_keep_alive=65)).run(
            sockets=[listening]
        )
