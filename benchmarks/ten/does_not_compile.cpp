#include <bits/stdc++.h>

int main() {
    std::vector<long long> numbers;
    std::cout << numbers.total() << '\n';
}
