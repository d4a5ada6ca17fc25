import java.nio.file.Files;
import java.nio.file.Path;

public class Main {
    public static void main(String[] arguments) throws Exception {
        byte[] block = new byte[1 << 20];
        for (int number = 0; number < 80; number++) {
            Files.write(Path.of(String.valueOf(number)), block);
        }
        System.out.println("safe");
    }
}
