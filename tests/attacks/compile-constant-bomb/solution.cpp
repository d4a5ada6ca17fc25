constexpr int spin(int rounds)
{
	int sum = 0;
	for (int i = 0; i < rounds; ++i)
		for (int j = 0; j < rounds; ++j)
			sum ^= i + j;
	return sum;
}
constexpr int one = spin(30000), two = spin(30001), three = spin(30002);
static_assert(one + two + three == 0, "not that");
int main() { return one; }
