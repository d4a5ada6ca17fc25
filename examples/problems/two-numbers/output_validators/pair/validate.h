// What every validator needs: how it is called, and what its exit codes mean.
#ifndef VALIDATE_H
#define VALIDATE_H

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

// validator input answer feedback_dir/ < output
struct Call {
	std::ifstream input, answer;
	std::string feedback;

	Call(int count, char **words)
	{
		if (count < 4)
			std::exit(1);
		input.open(words[1]);
		answer.open(words[2]);
		feedback = words[3];
	}

	[[noreturn]] void accept() const { std::exit(42); }

	// `to_team` is shown to whoever submitted, `to_judges` stands in the execution log.
	[[noreturn]] void reject(const std::string &to_team, const std::string &to_judges) const
	{
		std::ofstream(feedback + "teammessage.txt") << to_team << "\n";
		std::ofstream(feedback + "judgemessage.txt") << to_judges << "\n";
		std::exit(43);
	}
};

#endif
