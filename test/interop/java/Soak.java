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
 * A verifier that runs during the whole soak. The first line of standard input is the configuration, and each later
 * line is a token. The verifier answers each token with a line of JSON.
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
    System.exit(0); // otherwise the thread that refreshes the keys keeps the process alive
  }

  private static JWKSource<SecurityContext> keys(Map<String, Object> config) throws Exception {
    long lifetime = JSONObjectUtils.getLong(config, "max_age_seconds") * 1000;
    // The default timeout is half a second, which is too short on a busy machine.
    var http = new DefaultResourceRetriever(5000, 5000);
    http.setHeaders(Map.of("User-Agent", List.of(JSONObjectUtils.getString(config, "user_agent"))));
    // The defaults ignore Cache-Control, and are for a lifetime of 5 minutes: the library renews the set in the
    // background in its last 30 s, and begins at most two fetches in 30 s. These values are the same fractions of the
    // lifetime. The time to wait for another thread's fetch, 15 s by default, must fit into the rest.
    return JWKSourceBuilder.create(URI.create(JSONObjectUtils.getString(config, "jwks_uri")).toURL(), http)
        .cache(lifetime, lifetime * 9 / 10)
        .refreshAheadCache(lifetime / 10, false)
        .rateLimited(lifetime / 10)
        .build();
  }
}
