import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import java.net.InetSocketAddress;
import java.util.List;

/** Serves MongoDB's wire protocol on every address of its container from one H2 file, until SIGTERM. */
public final class MongoStandIn {

    /** As in tests/mongo_server: the oldest version that the driver takes. */
    private static final MongoVersion VERSION = new MongoVersion() {
        @Override
        public List<Integer> getVersionArray() {
            return List.of(4, 4, 0);
        }

        @Override
        public int getWireVersion() {
            return 9;
        }
    };

    private MongoStandIn() {
    }

    public static void main(String[] arguments) {
        H2Backend backend = new H2Backend("/data/db/stand-in.mv");
        backend.version(VERSION);
        MongoServer server = new MongoServer(backend);
        server.bind(new InetSocketAddress("0.0.0.0", 27017));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            server.stopListening();
            backend.close(); // writes what is not on disk yet
        }));
    }
}
