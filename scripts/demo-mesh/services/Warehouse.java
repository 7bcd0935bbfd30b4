import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.stream.Collectors;

/** Picks goods from the shelves. Calls nobody. */
public class Warehouse {
    public static void main(String[] args) throws IOException {
        var address = new InetSocketAddress(
            InetAddress.getLoopbackAddress(), Integer.parseInt(System.getenv("PORT")));
        var server = HttpServer.create(address, 0);
        server.createContext("/", Warehouse::pick);
        server.start();
        System.out.println("ready");
    }

    private static void pick(HttpExchange exchange) throws IOException {
        exchange.getRequestBody().readAllBytes();
        var headers = exchange.getRequestHeaders().entrySet().stream()
            .filter(header -> header.getKey().toLowerCase().startsWith("x-waybill-"))
            .map(header -> text(header.getKey().toLowerCase()) + ":" + text(header.getValue().get(0)))
            .collect(Collectors.joining(","));
        var report = "{\"service\":\"warehouse\",\"authorization\":"
            + text(exchange.getRequestHeaders().getFirst("authorization"))
            + ",\"headers\":{" + headers + "},\"calls\":[]}";
        var body = report.getBytes();
        exchange.getResponseHeaders().set("content-type", "application/json");
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private static String text(String value) {
        return value == null ? "null" : "\"" + value.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }
}
