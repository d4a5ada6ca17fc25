"""The command line that deploys and operates the grading system."""

__version__ = "0.1.0"
