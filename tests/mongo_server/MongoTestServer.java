import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * Serves MongoDB's wire protocol on 127.0.0.1 from one H2 file, until its standard input ends.
 *
 * <p>Arguments: the file, and the port (0 for a free one). The port it listens on is the first line it
 * prints. Ending with standard input means that it cannot outlive whoever started it.
 */
public final class MongoTestServer {

    /** The driver refuses servers older than this; the library itself announces at most wire version 8. */
    private static final MongoVersion OLDEST_THE_DRIVER_ACCEPTS = new MongoVersion() {
        @Override
        public List<Integer> getVersionArray() {
            return List.of(4, 4, 0);
        }

        @Override
        public int getWireVersion() {
            return 9;
        }
    };

    private MongoTestServer() {
    }

    public static void main(String[] arguments) {
        try {
            serve(arguments[0], Integer.parseInt(arguments[1]));
        } catch (Exception failure) {
            System.err.println("cannot serve: " + failure);
            System.exit(1); // the libraries' own threads would keep the process alive
        }
        System.exit(0);
    }

    private static void serve(String file, int port) throws IOException {
        H2Backend backend = new H2Backend(file);
        backend.version(OLDEST_THE_DRIVER_ACCEPTS);
        MongoServer server = new MongoServer(backend);
        server.bind(new InetSocketAddress("127.0.0.1", port));
        System.out.println(server.getLocalAddress().getPort());
        System.out.flush();
        while (System.in.read() != -1) {
            continue;
        }
        server.stopListening();
        backend.close(); // writes what is not on disk yet
    }
}
