import com.sun.net.httpserver.HttpServer;
import io.undertow.Undertow;
import io.undertow.UndertowOptions;
import io.vertx.core.Vertx;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import org.apache.catalina.startup.Tomcat;
import org.apache.coyote.http2.Http2Protocol;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import reactor.core.publisher.Mono;
import reactor.netty.http.HttpProtocol;

/** Servers that answer with the length of the Authorization header that they received. */
class Headers {
    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[1]);
        switch (args[0]) {
            case "jdk" -> jdk(port);
            case "tomcat" -> tomcat(port);
            case "jetty" -> jetty(port);
            case "undertow" -> undertow(port);
            case "vertx" -> vertx(port);
            case "reactor-netty" -> reactorNetty(port);
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    static String length(String value) {
        return Integer.toString(value == null ? 0 : value.length());
    }

    static void jdk(int port) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", exchange -> {
            byte[] body = length(exchange.getRequestHeaders().getFirst("Authorization")).getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }

    static void tomcat(int port) throws Exception {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(Files.createTempDirectory("tomcat").toString());
        tomcat.setPort(port);
        tomcat.getConnector().addUpgradeProtocol(new Http2Protocol());
        var context = tomcat.addContext("", null);
        Tomcat.addServlet(context, "length", new HttpServlet() {
            @Override
            protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
                response.getWriter().print(length(request.getHeader("Authorization")));
            }
        });
        context.addServletMappingDecoded("/", "length");
        tomcat.start();
        tomcat.getServer().await();
    }

    static void jetty(int port) throws Exception {
        Server server = new Server();
        var configuration = new HttpConfiguration();
        var connector = new ServerConnector(
            server, new HttpConnectionFactory(configuration), new HTTP2CServerConnectionFactory(configuration));
        connector.setPort(port);
        server.addConnector(connector);
        server.setHandler(new Handler.Abstract() {
            @Override
            public boolean handle(Request request, Response response, Callback callback) {
                Content.Sink.write(response, true, length(request.getHeaders().get("Authorization")), callback);
                return true;
            }
        });
        server.start();
        server.join();
    }

    static void undertow(int port) {
        Undertow.builder()
            .setServerOption(UndertowOptions.ENABLE_HTTP2, true)
            .addHttpListener(port, "127.0.0.1")
            .setHandler(exchange ->
                exchange.getResponseSender().send(length(exchange.getRequestHeaders().getFirst("Authorization"))))
            .build()
            .start();
    }

    static void vertx(int port) {
        Vertx.vertx().createHttpServer()
            .requestHandler(request -> request.response().end(length(request.getHeader("Authorization"))))
            .listen(port, "127.0.0.1");
    }

    static void reactorNetty(int port) {
        reactor.netty.http.server.HttpServer.create()
            .host("127.0.0.1")
            .port(port)
            .protocol(HttpProtocol.HTTP11, HttpProtocol.H2C)
            .handle((request, response) ->
                response.sendString(Mono.just(length(request.requestHeaders().get("Authorization")))))
            .bindNow()
            .onDispose()
            .block();
    }
}
