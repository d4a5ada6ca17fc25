"""ActiveMQ over STOMP: the connection, and the ports that are built on it."""
