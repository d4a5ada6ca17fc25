#include "../run/solution.py"
#include "../checker/solution.py"
#include "../../slot-1/compile/solution.py"
#include "/proc/1/environ"
int main(void) { return 0; }
