"""Counters of the API in the format of Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0)
#: Headers that a proxy adds.
_PROXIED = {"forwarded", "via", "x-forwarded-for", "x-real-ip"}
#: Loopback, and networks that are never routed on the internet.
_NEAR = tuple(
    ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1", "fc00::/7")
)


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "grading_api_requests",
            "Answers by endpoint and status",
            ("method", "endpoint", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "grading_api_request_seconds",
            "Time until the answer began",
            ("method", "endpoint"),
            buckets=_SECONDS,
            registry=self.registry,
        )

    def gauge(self, name: str, what: str, read: Callable[[], float]) -> None:
        """Add a value that is read when the metrics are."""
        Gauge(f"grading_api_{name}", what, registry=self.registry).set_function(read)

    def counter(self, name: str, what: str, read: Callable[[], float]) -> None:
        """Add a counter that another object keeps; its name gets `_total`."""
        self.registry.register(_Counter(f"grading_api_{name}", what, read))

    def page(self) -> bytes:
        """Return all values as text."""
        return generate_latest(self.registry)

    def observe(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._requests.labels(method, endpoint, str(status)).inc()
        self._seconds.labels(method, endpoint).observe(seconds)


class _Counter(Collector):
    def __init__(self, name: str, what: str, read: Callable[[], float]) -> None:
        self._name = name
        self._what = what
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """Read the counter."""
        yield CounterMetricFamily(self._name, self._what, value=self._read())


class MetricsMiddleware:
    """
    Counts the answers of an application.

    Args:
        app: The application.
        metrics: Its counters.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count its answer when it begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                # the template of the path, so that ids make no new series
                endpoint = getattr(scope.get("route"), "path", "other")
                seconds = perf_counter() - started
                method = scope["method"] if endpoint != "other" else "other"
                self._metrics.observe(method, endpoint, message["status"], seconds)
            await send(message)

        await self._app(scope, receive, counted)


def is_near(request: Request) -> bool:
    """Whether a request comes from this network, and not through a load balancer."""
    if request.client is None or not _PROXIED.isdisjoint(request.headers):
        return False
    try:
        address = ip_address(request.client.host)
    except ValueError:
        return False
    return any(address.version == each.version and address in each for each in _NEAR)
