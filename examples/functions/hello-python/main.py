"""Greets: {"name": "Ada"} gives {"message": "Hello, Ada!"}."""

import json
import sys

given = json.load(sys.stdin) or {}
json.dump({"message": f"Hello, {given.get('name', 'world')}!"}, sys.stdout)
