/* Wrong on large tills: the sum does not fit into 32 bits. */
#include <stdint.h>
#include <stdio.h>

int main(void) {
  long n, number;
  uint32_t sum = 0;
  if (scanf("%ld", &n) != 1) return 1;
  for (long i = 0; i < n; i++) {
    if (scanf("%ld", &number) != 1) return 1;
    sum += (uint32_t)number;
  }
  printf("%ld\n", (long)(int32_t)sum);
  return 0;
}
