import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jose.util.JSONObjectUtils;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * A verifier that lives through the soak: the first line of standard input is the configuration, each one after it a
 * token; each token is answered with a line of JSON.
 */
final class Soak {
  private Soak() {}

  public static void main(String[] args) throws Exception {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    Map<String, Object> config = JSONObjectUtils.parse(in.readLine());
    String issuer = JSONObjectUtils.getString(config, "issuer");
    var verifier = new Verifier(keys(config));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      Map<String, Object> asked = JSONObjectUtils.parse(line);
      var answer = JSONObjectUtils.newJSONObject();
      answer.put("token_id", asked.get("token_id"));
      try {
        verifier.verify((String) asked.get("token"), (String) asked.get("alg"), issuer, (String) asked.get("audience"));
        answer.put("ok", true);
      } catch (Exception e) {
        answer.put("ok", false);
        answer.put("detail", e + " at " + List.of(e.getStackTrace()));
      }
      System.out.println(JSONObjectUtils.toJSONString(answer));
      System.out.flush();
    }
    System.exit(0); // the thread that refreshes the keys would go on
  }

  private static JWKSource<SecurityContext> keys(Map<String, Object> config) throws Exception {
    long lifetime = JSONObjectUtils.getLong(config, "max_age_seconds") * 1000;
    // The defaults give up after half a second, which a busy machine can take.
    var http = new DefaultResourceRetriever(5000, 5000);
    http.setHeaders(Map.of("User-Agent", List.of(JSONObjectUtils.getString(config, "user_agent"))));
    // The defaults are for a lifetime of 5 minutes, whatever Cache-Control says: the set is renewed in the background
    // in its last 30 s, and at most two fetches may begin in 30 s. They are scaled down alike. The default of 15 s to
    // wait for another thread's fetch has to fit beside.
    return JWKSourceBuilder.create(URI.create(JSONObjectUtils.getString(config, "jwks_uri")).toURL(), http)
        .cache(lifetime, lifetime * 9 / 10)
        .refreshAheadCache(lifetime / 10, false)
        .rateLimited(lifetime / 10)
        .build();
  }
}
