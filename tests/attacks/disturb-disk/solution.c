#include <unistd.h>

static char block[1 << 20];

int main(void)
{
	for (;;) {
		for (int i = 0; i < 15; i++)
			if (pwrite(1, block, sizeof block, (off_t)i * (off_t)sizeof block) < 0)
				return 1;
		fsync(1);
	}
}
