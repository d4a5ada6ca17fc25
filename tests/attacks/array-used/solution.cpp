#include <iostream>

static long long numbers[50000000];

int main()
{
	numbers[1] = 1;
	for (int i = 2; i < 50000000; i++)
		numbers[i] = numbers[i - 1] + numbers[i - 2];
	std::cout << "safe" << std::endl;
}
