import com.nimbusds.oauth2.sdk.util.JSONObjectUtils;
import java.net.URI;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import net.minidev.json.JSONObject;

/**
 * Apache HttpClient 4 and 5. Both write forms in ISO-8859-1 unless the caller gives another charset. HttpClient 5
 * always declares the charset in the content type. HttpClient 4 declares only a charset that the caller gives.
 */
final class Apache {
  private static final String PASSWORD = "grant_type=password";

  /** A client that posts a form, in the given charset or in its default. */
  interface Http {
    Answer post(String url, String authorization, List<String> form, Charset charset) throws Exception;
  }

  record Answer(int status, String body) {
    String text(String name) throws Exception {
      Check.equal(status, 200, "status of " + body);
      return JSONObjectUtils.parse(body).getAsString(name);
    }
  }

  private final Config config;
  private final String name;
  private final Http http;
  private final Verifier verifier;

  private Apache(Config config, String name, Http http) throws Exception {
    this.config = config;
    this.name = name;
    this.http = http;
    verifier = new Verifier(URI.create(config.text("jwks_uri")));
  }

  public static void main(String[] args) throws Exception {
    Config config = Config.read();
    new Apache(config, "HttpClient 4", Apache::four).run();
    new Apache(config, "HttpClient 5", Apache::five).run();
  }

  private void run() {
    check("client_credentials", () -> {
      var answer = post("token_endpoint", null, "grant_type=client_credentials", "scope=read write");
      holds(answer.text("access_token"), app().id().getValue());
    });
    check("password in ISO-8859-1", () -> holds(login(StandardCharsets.ISO_8859_1).text("access_token"), latin1("id")));
    check("password in UTF-8", () -> holds(login(StandardCharsets.UTF_8).text("access_token"), latin1("id")));
    check("refresh_token", () -> {
      var answer = post("token_endpoint", null, "grant_type=refresh_token", "refresh_token=" + login(StandardCharsets.UTF_8).text("refresh_token"));
      holds(answer.text("access_token"), latin1("id"));
    });
    check("introspection and revocation", () -> {
      String token = "token=" + login(StandardCharsets.ISO_8859_1).text("access_token");
      Check.equal(post("introspection_endpoint", null, token).text("username"), latin1("name"), "username");
      Check.equal(post("revocation_endpoint", null, token).status(), 200, "status of the revocation");
      Check.equal(post("introspection_endpoint", null, token).text("active"), "false", "active");
    });
    check("invalid_grant for a wrong password", () -> {
      var answer = post("token_endpoint", StandardCharsets.ISO_8859_1, PASSWORD, "username=" + latin1("username"), "password=fälsch");
      Check.equal(answer.status(), 400, "status");
      Check.equal(JSONObjectUtils.parse(answer.body()).getAsString("error"), "invalid_grant", "error");
    });
  }

  private void check(String what, Check.Body body) {
    Check.check(name + " " + what, body);
  }

  private Config.Party app() {
    return config.app("RS256");
  }

  /** A member of the user whose name and password have letters of ISO-8859-1. */
  private String latin1(String member) {
    return ((JSONObject) config.all().get("latin1_user")).getAsString(member);
  }

  private Answer login(Charset charset) throws Exception {
    return post("token_endpoint", charset, PASSWORD, "username=" + latin1("username"), "password=" + latin1("password"));
  }

  private Answer post(String endpoint, Charset charset, String... form) throws Exception {
    String proof = app().id().getValue() + ":" + app().secret().getValue();
    String basic = "Basic " + Base64.getEncoder().encodeToString(proof.getBytes(StandardCharsets.UTF_8));
    return http.post(config.text(endpoint), basic, Arrays.asList(form), charset);
  }

  private void holds(String token, String sub) throws Exception {
    var claims = verifier.verify(token, "RS256", config.text("issuer"), config.resource("RS256"));
    Check.equal(claims.getSubject(), sub, "sub");
  }

  private static Answer four(String url, String authorization, List<String> form, Charset charset) throws Exception {
    var pairs =
        form.stream()
            .map(pair -> pair.split("=", 2))
            .map(pair -> new org.apache.http.message.BasicNameValuePair(pair[0], pair[1]))
            .collect(Collectors.toList());
    var request = new org.apache.http.client.methods.HttpPost(url);
    request.setHeader("Authorization", authorization);
    request.setEntity(
        charset == null
            ? new org.apache.http.client.entity.UrlEncodedFormEntity(pairs)
            : new org.apache.http.client.entity.UrlEncodedFormEntity(pairs, charset));
    try (var client = org.apache.http.impl.client.HttpClients.createDefault(); var response = client.execute(request)) {
      String body = org.apache.http.util.EntityUtils.toString(response.getEntity());
      return new Answer(response.getStatusLine().getStatusCode(), body);
    }
  }

  private static Answer five(String url, String authorization, List<String> form, Charset charset) throws Exception {
    var pairs =
        form.stream()
            .map(pair -> pair.split("=", 2))
            .map(pair -> new org.apache.hc.core5.http.message.BasicNameValuePair(pair[0], pair[1]))
            .collect(Collectors.toList());
    var request = new org.apache.hc.client5.http.classic.methods.HttpPost(url);
    request.setHeader("Authorization", authorization);
    request.setEntity(
        charset == null
            ? new org.apache.hc.client5.http.entity.UrlEncodedFormEntity(pairs)
            : new org.apache.hc.client5.http.entity.UrlEncodedFormEntity(pairs, charset));
    try (var client = org.apache.hc.client5.http.impl.classic.HttpClients.createDefault()) {
      return client.execute(request, response ->
          new Answer(response.getCode(), org.apache.hc.core5.http.io.entity.EntityUtils.toString(response.getEntity())));
    }
  }
}
