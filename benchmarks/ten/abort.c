#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    long long sum = 0, number;
    int count;
    if (scanf("%d", &count) != 1)
        return 1;
    while (count-- > 0 && scanf("%lld", &number) == 1) {
        if (number >= 2000000000)
            abort();
        sum += number;
    }
    printf("%lld\n", sum);
    return 0;
}
