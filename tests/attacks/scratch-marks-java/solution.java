import java.nio.file.Files;
import java.nio.file.Path;

public class Main {
    public static void main(String[] arguments) throws Exception {
        int found = 0;
        for (String place : new String[] {".", "../run", "/tmp", "/dev/shm"}) {
            try {
                Files.getAttribute(Path.of(place), "user:mark");
                found++;
            } catch (Exception none) {
                found += 0;
            }
            try {
                Files.setAttribute(Path.of(place), "user:mark", new byte[] {1});
            } catch (Exception refused) {
                found += 0;
            }
        }
        found += Files.size(Path.of(".")) > 8192 ? 1 : 0;
        for (int number = 0; number < 500; number++) {
            Path file = Path.of(String.format("%020d", number));
            Files.createFile(file);
            if (number % 2 == 0) {
                Files.delete(file);
            }
        }
        System.out.println(found > 0 ? "leaked" : "safe");
    }
}
