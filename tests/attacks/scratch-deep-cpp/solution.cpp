#include <filesystem>
#include <iostream>

int main()
{
	for (int level = 0; level < 20000; level++) {
		std::filesystem::create_directory("d");
		std::filesystem::current_path("d");
	}
	std::cout << "safe\n";
}
