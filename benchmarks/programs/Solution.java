import java.util.Scanner;

/** Adds the numbers up. */
public class Solution {
    public static void main(String[] arguments) {
        Scanner input = new Scanner(System.in);
        int count = input.nextInt();
        long sum = 0;
        while (count-- > 0) {
            sum += input.nextLong();
        }
        System.out.println(sum);
    }
}
