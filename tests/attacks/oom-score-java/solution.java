import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

public class Main {
    public static void main(String[] arguments) throws IOException {
        Path path = Path.of("/proc/self/oom_score_adj");
        try {
            Files.writeString(path, "0");
        } catch (IOException refused) {
            // as it should be
        }
        if (Files.readString(path).trim().equals("1000")) {
            System.out.println("safe");
        }
    }
}
