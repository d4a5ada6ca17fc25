print("safe" * 32_500)
