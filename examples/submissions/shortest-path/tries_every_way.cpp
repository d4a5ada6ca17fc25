// Right, and far too slow on a town of any size: it walks each way there is.
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <utility>
#include <vector>

static std::vector<std::vector<std::pair<int, std::int64_t>>> streets;
static std::vector<bool> on_the_way;
static std::int64_t best = -1;

static void walk(int here, int goal, std::int64_t so_far) {
  if (here == goal) {
    best = best < 0 ? so_far : std::min(best, so_far);
    return;
  }
  on_the_way[here] = true;
  for (const auto& [there, seconds] : streets[here]) {
    if (!on_the_way[there]) walk(there, goal, so_far + seconds);
  }
  on_the_way[here] = false;
}

int main() {
  int n, m, start, goal;
  std::cin >> n >> m >> start >> goal;
  streets.resize(n + 1);
  on_the_way.resize(n + 1);
  for (int i = 0; i < m; i++) {
    int u, v;
    std::int64_t seconds;
    std::cin >> u >> v >> seconds;
    streets[u].emplace_back(v, seconds);
  }
  walk(start, goal, 0);
  std::cout << best << '\n';
}
