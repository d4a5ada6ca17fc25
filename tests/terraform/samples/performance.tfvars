ecs_task_cpu         = "1024"
ecs_task_memory      = "2048"
ecs_cpu_target_value = 60
