#include <fstream>
#include <iostream>
#include <string>

int main()
{
	const std::string block(1 << 20, 'x');
	for (int number = 0; number < 80; number++)
		std::ofstream(std::to_string(number)) << block;
	std::cout << "safe\n";
}
