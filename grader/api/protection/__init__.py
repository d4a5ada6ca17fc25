"""
What stands in front of every endpoint: limits, credentials, and headers of every answer.

Pure ASGI, so that it works before a body is read, and costs little. `grader.api.protection.stack`
puts the parts in order.
"""
