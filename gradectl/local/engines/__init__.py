"""The real engines behind the emulated services: ActiveMQ, MariaDB and Redis."""
