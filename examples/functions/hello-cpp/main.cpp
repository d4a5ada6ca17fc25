// Adds the numbers of a JSON list: [1, 2, 3] gives {"sum": 6}.
#include <cstdio>

int main() {
    long sum = 0, number;
    for (int next = std::getchar(); next != EOF; next = std::getchar()) {
        if (next != '-' && (next < '0' || next > '9')) continue;
        std::ungetc(next, stdin);
        if (std::scanf("%ld", &number) != 1) return 1;
        sum += number;
    }
    std::printf("{\"sum\": %ld}\n", sum);
}
