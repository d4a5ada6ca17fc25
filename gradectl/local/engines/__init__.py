"""The real engines behind the emulated services: ActiveMQ and MariaDB."""
