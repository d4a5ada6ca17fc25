// Accepts any two places whose numbers have the wanted sum.
#include "validate.h"

#include <vector>

int main(int count, char **words)
{
	Call call(count, words);
	long long numbers, wanted;
	std::string expected, first, extra;

	call.answer >> expected;
	if (!(call.input >> numbers >> wanted && std::cin >> first))
		call.reject("nothing was printed", "no output");
	if (first == "impossible") {
		if (expected != "impossible")
			call.reject("there are two such numbers", "it said impossible");
	} else {
		std::vector<long long> values(numbers + 1);
		for (long long place = 1; place <= numbers; place++)
			call.input >> values[place];
		char *end;
		const long long one = std::strtoll(first.c_str(), &end, 10);
		long long other;
		if (*end || !(std::cin >> other))
			call.reject("that is neither two places nor impossible", "first word: " + first);
		if (one < 1 || one > numbers || other < 1 || other > numbers)
			call.reject("there is no such place", "places outside the input");
		if (one == other)
			call.reject("the two places are the same", "the same place twice");
		if (values[one] + values[other] != wanted)
			call.reject("these two have another sum",
				    "sum " + std::to_string(values[one] + values[other]));
	}
	if (std::cin >> extra)
		call.reject("there is more output than was asked for", "more output");
	call.accept();
}
