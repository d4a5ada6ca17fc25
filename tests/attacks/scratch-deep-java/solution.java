import java.io.File;

public class Main {
    public static void main(String[] arguments) {
        StringBuilder path = new StringBuilder();
        for (int level = 0; level < 100; level++) {
            new File(path.append("d/").toString()).mkdir(); // mkdirs would resolve all of it each time
        }
        System.out.println("safe");
    }
}
