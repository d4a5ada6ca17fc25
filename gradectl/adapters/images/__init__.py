"""Builders of container images, their base image, and their list of components."""
