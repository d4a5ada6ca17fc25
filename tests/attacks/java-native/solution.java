import java.io.File;
import java.io.FileOutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;

public class Main {
    interface Attempt {
        void run() throws Throwable;
    }

    public static void main(String[] arguments) {
        Attempt[] attempts = {
            () -> System.load("/tmp/evil.so"),
            () -> new Socket().connect(new InetSocketAddress("169.254.170.2", 80), 100),
            () -> new FileOutputStream("/tmp/left-behind").close(),
            () -> new FileOutputStream("left-behind").close(),
            () -> File.createTempFile("left", "behind"),
            () -> new java.io.FileInputStream("/etc/shadow").close(),
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
