#include <stdio.h>
#include <string.h>

int main(void)
{
	static char block[1 << 20];
	char name[16];
	memset(block, 'x', sizeof block);
	for (int number = 0; number < 80; number++) {
		snprintf(name, sizeof name, "%d", number);
		FILE *file = fopen(name, "w");
		if (!file || fwrite(block, 1, sizeof block, file) != sizeof block)
			break;
		fclose(file);
	}
	puts("safe");
}
