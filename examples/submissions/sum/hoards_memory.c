/* Takes memory, writes to all of it and gives nothing back, until it is stopped. */
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 20 };
struct chunk {
  struct chunk *previous;
  char bytes[CHUNK_BYTES];
};

int main(void) {
  struct chunk *volatile last = NULL;
  for (;;) {
    struct chunk *more = malloc(sizeof *more);
    more->previous = last;
    memset(more->bytes, 1, CHUNK_BYTES);
    last = more;
  }
}
