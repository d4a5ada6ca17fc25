template <int Depth, typename One> struct Bomb {
	using Left = Bomb<Depth - 1, Bomb<Depth, One>>;
	using Right = Bomb<Depth - 1, Bomb<Depth, Left>>;
	static constexpr long value = Left::value + Right::value;
};
template <typename One> struct Bomb<0, One> {
	static constexpr long value = sizeof(One);
};
int main() { return static_cast<int>(Bomb<300, int>::value); }
