static char array[2000000000];

int main(void)
{
	array[1999999999] = 1;
	return array[0];
}
