public class Main {
    public static void main(String[] arguments) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> { while (true) { } }));
        System.out.println("safe");
        System.exit(0);
    }
}
