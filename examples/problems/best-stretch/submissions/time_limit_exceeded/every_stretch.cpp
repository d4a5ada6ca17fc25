// Adds up every stretch anew: too slow from the second group on.
#include <algorithm>
#include <iostream>
#include <vector>

int main()
{
	int days;
	std::cin >> days;
	std::vector<int> profits(days);
	for (int &profit : profits)
		std::cin >> profit;
	int best = profits[0];
	for (int first = 0; first < days; first++)
		for (int last = first; last < days; last++) {
			volatile int sum = 0; // as it is written, not as a compiler would have it
			for (int day = first; day <= last; day++)
				sum = sum + profits[day];
			best = std::max(best, +sum);
		}
	std::cout << best << "\n";
}
