/* Dijkstra without a heap: n is at most 2 000, so looking for the nearest crossing each time is quick enough. */
#include <stdio.h>

enum { MAX_CROSSINGS = 2001, MAX_STREETS = 10000 };
static int first[MAX_CROSSINGS], next[MAX_STREETS + 1], target[MAX_STREETS + 1], length[MAX_STREETS + 1];
static long long distance[MAX_CROSSINGS];
static int done[MAX_CROSSINGS];

int main(void) {
  int n, m, start, goal;
  if (scanf("%d %d %d %d", &n, &m, &start, &goal) != 4) return 1;
  for (int i = 1; i <= m; i++) {
    int from;
    if (scanf("%d %d %d", &from, &target[i], &length[i]) != 3) return 1;
    next[i] = first[from];
    first[from] = i;
  }
  for (int i = 1; i <= n; i++) distance[i] = -1;
  distance[start] = 0;
  for (;;) {
    int here = 0;
    for (int i = 1; i <= n; i++)
      if (!done[i] && distance[i] >= 0 && (here == 0 || distance[i] < distance[here])) here = i;
    if (here == 0) break;
    done[here] = 1;
    for (int i = first[here]; i != 0; i = next[i]) {
      long long candidate = distance[here] + length[i];
      if (distance[target[i]] < 0 || candidate < distance[target[i]]) distance[target[i]] = candidate;
    }
  }
  printf("%lld\n", distance[goal]);
  return 0;
}
