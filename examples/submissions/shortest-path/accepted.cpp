// Dijkstra with a priority queue.
#include <cstdint>
#include <functional>
#include <iostream>
#include <queue>
#include <utility>
#include <vector>

int main() {
  std::ios::sync_with_stdio(false);
  std::cin.tie(nullptr);
  int n, m, start, goal;
  std::cin >> n >> m >> start >> goal;
  std::vector<std::vector<std::pair<int, std::int64_t>>> streets(n + 1);
  for (int i = 0; i < m; i++) {
    int u, v;
    std::int64_t seconds;
    std::cin >> u >> v >> seconds;
    streets[u].emplace_back(v, seconds);
  }
  using Reached = std::pair<std::int64_t, int>;
  std::priority_queue<Reached, std::vector<Reached>, std::greater<>> queue;
  std::vector<bool> done(n + 1);
  queue.emplace(0, start);
  while (!queue.empty()) {
    const auto [so_far, here] = queue.top();
    queue.pop();
    if (done[here]) continue;
    done[here] = true;
    if (here == goal) {
      std::cout << so_far << '\n';
      return 0;
    }
    for (const auto& [there, seconds] : streets[here]) {
      if (!done[there]) queue.emplace(so_far + seconds, there);
    }
  }
  std::cout << -1 << '\n';
}
