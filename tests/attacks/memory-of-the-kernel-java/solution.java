import java.io.FileInputStream;
import java.nio.file.FileSystems;

public class Main {
    interface Attempt {
        void run() throws Throwable;
    }

    public static void main(String[] arguments) {
        Attempt[] attempts = {
            () -> FileSystems.getDefault().newWatchService().close(),
            () -> new FileInputStream("/etc/passwd").getChannel().lock(2, 1, true),
        };
        for (Attempt attempt : attempts) {
            try {
                attempt.run();
            } catch (Throwable refused) {
                continue;
            }
            System.out.println("leaked");
        }
        System.out.println("safe");
    }
}
