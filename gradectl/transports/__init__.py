"""Changes the transport of a running environment: ActiveMQ to Amazon SQS, or back."""
