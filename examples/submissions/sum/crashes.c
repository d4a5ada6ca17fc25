/* Writes through a null pointer. */
#include <stdio.h>

int main(void) {
  volatile int *nowhere = NULL;
  *nowhere = 1;
  puts("0");
  return 0;
}
