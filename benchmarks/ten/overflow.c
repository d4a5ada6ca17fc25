#include <stdio.h>

int main(void)
{
    unsigned sum = 0, number;
    int count;
    if (scanf("%d", &count) != 1)
        return 1;
    while (count-- > 0 && scanf("%u", &number) == 1)
        sum += number;
    printf("%u\n", sum);
    return 0;
}
