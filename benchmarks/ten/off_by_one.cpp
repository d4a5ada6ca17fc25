#include <bits/stdc++.h>

int main() {
    int count;
    std::cin >> count;
    std::vector<long long> numbers(count);
    for (auto& number : numbers) std::cin >> number;
    long long sum = numbers[0];
    for (int i = 2; i < count; i++) sum += numbers[i];
    std::cout << sum << '\n';
}
