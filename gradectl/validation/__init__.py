"""`gradectl validate`: each check is a small declaration; the runner gives them time and room."""
