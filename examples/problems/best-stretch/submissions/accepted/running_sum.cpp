// The best stretch that ends today is today's profit, with yesterday's best where that helps.
#include <algorithm>
#include <iostream>

int main()
{
	int days, best = -1'000'000, ending_today = 0;
	std::cin >> days;
	for (int profit; std::cin >> profit;) {
		ending_today = profit + std::max(ending_today, 0);
		best = std::max(best, ending_today);
	}
	std::cout << best << "\n";
}
