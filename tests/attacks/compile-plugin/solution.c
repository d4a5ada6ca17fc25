#pragma GCC optimize("plugin=/tmp/evil.so", "dump-tree-all=/tmp/left-behind")
#pragma GCC dependency "/etc/passwd"
#pragma GCC pch_preprocess "/tmp/evil.gch"
#include <stdio.h>

__attribute__((optimize("-fplugin=/tmp/evil.so", "-wrapper=/bin/sh"))) int main(void)
{
	puts("safe");
	return 0;
}
