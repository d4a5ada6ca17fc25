import java.io.File;

public class Main {
    public static void main(String[] arguments) {
        new File("d/".repeat(100)).mkdirs();
        System.out.println("safe");
    }
}
