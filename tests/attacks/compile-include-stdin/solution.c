#include "/dev/stdin"
#include "/proc/self/environ"
#include "/proc/self/fd/3"
int main(void) { return 0 }
