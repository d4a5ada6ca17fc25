// The standard library does the adding.
#include <cstdint>
#include <iostream>
#include <iterator>
#include <numeric>

int main() {
  std::ios::sync_with_stdio(false);
  std::cin.tie(nullptr);
  int n = 0;
  std::cin >> n;
  const std::istream_iterator<std::int64_t> first(std::cin), last;
  std::cout << std::accumulate(first, last, std::int64_t{0}) << '\n';
}
