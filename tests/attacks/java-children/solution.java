public class Main {
    public static void main(String[] arguments) {
        for (int i = 0; i < 5; i++) {
            try {
                new ProcessBuilder("/usr/bin/setsid", "/bin/sleep", "1000").start();
            } catch (Exception refused) {
                break;
            }
        }
        System.out.println("safe");
        Runtime.getRuntime().halt(0);
    }
}
