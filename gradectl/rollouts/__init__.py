"""What runs in ECS after an apply: rollouts, revisions and one-off tasks."""
