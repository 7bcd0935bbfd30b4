import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.source.ImmutableJWKSet;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import com.nimbusds.jose.JOSEObjectType;
import java.io.BufferedReader;
import java.io.InputStreamReader;

/** Verifies the tokens of standard input, a line each of name, key as JWK, token and algorithm, as it comes and with the type allowed. */
class Tokens {
    public static void main(String[] args) throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            var input = JSONObjectUtils.parse("{\"line\":" + line + "}");
            var cells = (java.util.List<?>) input.get("line");
            check("nimbus", cells, false);
            check("nimbus-typed", cells, true);
        }
    }

    static void check(String library, java.util.List<?> cells, boolean typed) {
        try {
            var set = JWKSet.parse("{\"keys\":[" + cells.get(1) + "]}");
            var processor = new DefaultJWTProcessor<SecurityContext>();
            if (typed) processor.setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt"), JOSEObjectType.JWT));
            processor.setJWSKeySelector(new JWSVerificationKeySelector<>(JWSAlgorithm.parse((String) cells.get(3)), new ImmutableJWKSet<>(set)));
            processor.process((String) cells.get(2), null);
            System.out.println(library + " " + cells.get(0) + " accepted");
        } catch (Exception error) {
            System.out.println(library + " " + cells.get(0) + " refused " + error.getMessage());
        }
    }
}
