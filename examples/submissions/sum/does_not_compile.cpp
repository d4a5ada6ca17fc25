// The brace of main is never closed, and `total` was never declared.
#include <iostream>

int main() {
  std::cout << total << '\n';
