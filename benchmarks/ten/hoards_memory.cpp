#include <bits/stdc++.h>

int main() {
    int count;
    std::cin >> count;
    std::vector<std::vector<char>> hoard;
    long long sum = 0, number;
    while (count-- > 0 && std::cin >> number) {
        while (number >= 2000000000) hoard.emplace_back(1 << 20, 'x');
        sum += number;
    }
    std::cout << sum << '\n';
}
