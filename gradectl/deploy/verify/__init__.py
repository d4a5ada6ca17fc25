"""The pre-flight checks of an environment: reads only, and decides by pure functions."""
