char array[4000000000u] = {1};
int main(void) { return array[0]; }
