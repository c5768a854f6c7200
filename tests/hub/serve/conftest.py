"""The server with its pages, asked without a network."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from headstart.hub.hub import Hub
from headstart.hub.serve.app import create_app
from headstart.web.site import add_pages
from tests.hub.serve.talk import Talk


@pytest.fixture
def app(hub: Hub) -> FastAPI:
    made = create_app(hub)
    add_pages(made)
    return made


@pytest.fixture
def talk(app: FastAPI) -> Talk:
    return Talk(TestClient(app, raise_server_exceptions=False, follow_redirects=False))
