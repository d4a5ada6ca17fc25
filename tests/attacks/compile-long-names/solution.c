#define T(x) x##x##x
#define J(a, b) a##b
#define D(x) J(x, x)
#define E(x) D(D(D(D(x))))
#define F(x) x x x x x x x x x x x x x x x x
int main(void) { return F(F(F(F(undeclared +)))) undeclared_at_the_end; }
