"""The lives that are tested, the longest first."""

from lives import api, dev, local, production, transport, workers
from lives.background import Life

LIVES = {
    "production": Life(production.prepare, production.live),
    "local": Life(local.prepare, local.live, one_provider=False),
    "transport": Life(transport.prepare, transport.live),
    "dev": Life(dev.prepare, dev.live),
    "api": Life(api.prepare, api.live),
    "workers": Life(workers.prepare, workers.live),
}
