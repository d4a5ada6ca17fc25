import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

public class Main {
    public static void main(String[] arguments) {
        List<Object> kept = new ArrayList<>();
        while (true) {
            try {
                kept.add(new byte[1 << 20]);
                kept.add(ByteBuffer.allocateDirect(1 << 20));
            } catch (OutOfMemoryError refused) {
                continue;
            }
        }
    }
}
