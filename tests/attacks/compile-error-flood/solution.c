#define A(x) x x x x x x x x x x
A(A(A(A(A(A($))))))
int main(void) { return 0; }
