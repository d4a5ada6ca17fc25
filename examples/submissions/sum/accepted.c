/* Adds as it reads; 100 000 numbers of up to 1e9 need 64 bits. */
#include <stdio.h>

int main(void) {
  long n, number;
  long long sum = 0;
  if (scanf("%ld", &n) != 1) return 1;
  for (long i = 0; i < n; i++) {
    if (scanf("%ld", &number) != 1) return 1;
    sum += number;
  }
  printf("%lld\n", sum);
  return 0;
}
