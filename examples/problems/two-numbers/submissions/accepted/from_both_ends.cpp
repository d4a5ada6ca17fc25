// Sorts, and comes in from both ends; finds another pair than the one in the answer files.
#include <algorithm>
#include <iostream>
#include <utility>
#include <vector>

int main()
{
	long long count, wanted;
	std::cin >> count >> wanted;
	std::vector<std::pair<long long, int>> numbers(count);
	for (int place = 0; place < count; place++) {
		std::cin >> numbers[place].first;
		numbers[place].second = place + 1;
	}
	std::sort(numbers.begin(), numbers.end());
	for (std::size_t low = 0, high = numbers.size() - 1; low < high;) {
		const long long sum = numbers[low].first + numbers[high].first;
		if (sum == wanted) {
			std::cout << numbers[high].second << " " << numbers[low].second << "\n";
			return 0;
		}
		sum < wanted ? low++ : high--;
	}
	std::cout << "impossible\n";
}
