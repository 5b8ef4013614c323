import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.factories.DefaultJWSSignerFactory;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.oauth2.sdk.AuthorizationGrant;
import com.nimbusds.oauth2.sdk.ClientCredentialsGrant;
import com.nimbusds.oauth2.sdk.GrantType;
import com.nimbusds.oauth2.sdk.JWTBearerGrant;
import com.nimbusds.oauth2.sdk.RefreshTokenGrant;
import com.nimbusds.oauth2.sdk.ResourceOwnerPasswordCredentialsGrant;
import com.nimbusds.oauth2.sdk.as.AuthorizationServerMetadata;
import com.nimbusds.oauth2.sdk.auth.ClientAuthenticationMethod;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.ClientSecretPost;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.token.BearerAccessToken;
import com.nimbusds.oauth2.sdk.token.RefreshToken;
import com.nimbusds.oauth2.sdk.token.Tokens;
import com.nimbusds.oauth2.sdk.util.JSONObjectUtils;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import net.minidev.json.JSONObject;

/**
 * Nimbus OAuth 2.0 SDK and Nimbus JOSE+JWT against authserver: reads the configuration from standard input and prints
 * one line of JSON per check.
 */
final class Main {
  private static final String BOTH = "read write";

  private final JSONObject config;
  private final String issuer;
  private final AuthorizationServerMetadata server;
  private final Verifier verifier;

  private interface Body {
    void run() throws Exception;
  }

  private Main(JSONObject config) throws Exception {
    this.config = config;
    issuer = config.getAsString("issuer");
    server = AuthorizationServerMetadata.resolve(new Issuer(issuer));
    verifier = new Verifier(server.getJWKSetURI());
  }

  public static void main(String[] args) throws Exception {
    var text = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    new Main(JSONObjectUtils.parse(text)).run();
  }

  private void run() {
    check("metadata found by RFC 8414", this::metadata);
    for (String alg : List.of("RS256", "ES256")) {
      grants(alg);
    }
    clients();
    introspection();
    revocation();
    refusals();
  }

  private static void check(String name, Body body) {
    var report = new JSONObject(Map.of("check", name, "ok", true, "detail", ""));
    try {
      body.run();
    } catch (Exception | AssertionError e) {
      report.put("ok", false);
      report.put("detail", e + " at " + List.of(e.getStackTrace()).toString());
    }
    System.out.println(report.toJSONString());
  }

  private static void equal(Object got, Object want, String what) {
    if (!Objects.equals(got, want)) {
      throw new AssertionError(what + ": got " + got + ", want " + want);
    }
  }

  private void metadata() {
    equal(server.getIssuer().getValue(), issuer, "issuer");
    equal(server.getTokenEndpointURI().toString(), config.get("token_endpoint"), "token_endpoint");
    equal(server.getJWKSetURI().toString(), config.get("jwks_uri"), "jwks_uri");
    equal(server.getIntrospectionEndpointURI().toString(), config.get("introspection_endpoint"), "introspection_endpoint");
    equal(server.getRevocationEndpointURI().toString(), config.get("revocation_endpoint"), "revocation_endpoint");
    var grants = Set.of(GrantType.CLIENT_CREDENTIALS, GrantType.PASSWORD, GrantType.REFRESH_TOKEN, GrantType.JWT_BEARER);
    equal(server.getGrantTypes().containsAll(grants), true, "grant_types_supported");
    var methods =
        Set.of(
            ClientAuthenticationMethod.CLIENT_SECRET_BASIC,
            ClientAuthenticationMethod.CLIENT_SECRET_POST,
            ClientAuthenticationMethod.NONE);
    equal(server.getTokenEndpointAuthMethods().containsAll(methods), true, "token_endpoint_auth_methods_supported");
  }

  private JSONObject in(String name, String member) {
    return (JSONObject) ((JSONObject) config.get(name)).get(member);
  }

  private JSONObject app(String alg) {
    return in("clients", alg);
  }

  private Client basic(JSONObject client) {
    return new Client(server, new ClientSecretBasic(id(client), secret(client)), null);
  }

  private Client post(JSONObject client) {
    return new Client(server, new ClientSecretPost(id(client), secret(client)), null);
  }

  private static ClientID id(JSONObject client) {
    return new ClientID(client.getAsString("id"));
  }

  private static Secret secret(JSONObject client) {
    return new Secret(client.getAsString("secret"));
  }

  private AuthorizationGrant login() {
    var user = (JSONObject) config.get("user");
    return new ResourceOwnerPasswordCredentialsGrant(user.getAsString("username"), new Secret(user.getAsString("password")));
  }

  private String user(String member) {
    return ((JSONObject) config.get("user")).getAsString(member);
  }

  /** Verifies the token of an answer and compares what it says. */
  private void holds(String alg, Tokens answer, String sub, String clientId) throws Exception {
    BearerAccessToken token = answer.getBearerAccessToken();
    equal(token.getLifetime() > 0, true, "expires_in");
    equal(token.getScope().toString(), BOTH, "scope of the answer");
    String resource = in("resources", alg).getAsString("id");
    JWTClaimsSet claims = verifier.verify(token.getValue(), alg, issuer, resource);
    equal(claims.getAudience(), List.of(resource), "aud");
    equal(claims.getSubject(), sub, "sub");
    equal(claims.getStringClaim("client_id"), clientId, "client_id");
    equal(claims.getStringClaim("scope"), BOTH, "scope");
  }

  private void grants(String alg) {
    String id = app(alg).getAsString("id");
    String resource = in("resources", alg).getAsString("id");
    String other = in("resources", alg).getAsString("other");
    var ways = new LinkedHashMap<String, Client>();
    ways.put("client_secret_basic", basic(app(alg)));
    ways.put("client_secret_post", post(app(alg)));
    ways.forEach((way, client) ->
        check(alg + " client_credentials by " + way, () -> {
          Tokens answer = client.token(new ClientCredentialsGrant(), BOTH, resource);
          equal(answer.getRefreshToken(), null, "refresh_token");
          holds(alg, answer, id, id);
        }));
    Client client = basic(app(alg));
    check(alg + " password", () -> holds(alg, client.token(login(), BOTH, resource), user("id"), id));
    check(alg + " refresh_token", () -> {
      Client poster = post(app(alg));
      RefreshToken first = poster.token(login(), BOTH, resource).getRefreshToken();
      Tokens second = poster.token(new RefreshTokenGrant(first), null);
      equal(second.getRefreshToken().equals(first), false, "the same refresh token");
      holds(alg, second, user("id"), id);
    });
    for (Object entry : (List<?>) ((JSONObject) config.get("idps")).get(alg)) {
      var idp = (JSONObject) entry;
      check(alg + " jwt-bearer with an " + idp.getAsString("alg") + " assertion", () -> {
        boolean authenticates = (Boolean) idp.get("client_auth");
        Client who = authenticates ? client : new Client(server, null, null);
        Tokens answer = who.token(new JWTBearerGrant(assertion(idp)), BOTH);
        equal(answer.getRefreshToken(), null, "refresh_token");
        holds(alg, answer, idp.getAsString("expect_sub"), authenticates ? id : idp.getAsString("iss"));
      });
    }
    check(alg + " verifier refuses another audience", () -> {
      String token = client.token(new ClientCredentialsGrant(), null, other).getAccessToken().getValue();
      verifier.verify(token, alg, issuer, other);
      verifier.refuses(token, alg, issuer, resource);
    });
    check(alg + " verifier refuses an altered payload", () -> {
      String token = client.token(new ClientCredentialsGrant(), null, resource).getAccessToken().getValue();
      Map<String, Object> claims = verifier.verify(token, alg, issuer, resource).toJSONObject();
      claims.put("scope", "admin");
      String[] parts = token.split("\\.");
      String payload = Base64URL.encode(new JSONObject(claims).toJSONString()).toString();
      verifier.refuses(parts[0] + "." + payload + "." + parts[2], alg, issuer, resource);
    });
    check(alg + " verifier refuses another issuer", () -> {
      String token = client.token(new ClientCredentialsGrant(), null, resource).getAccessToken().getValue();
      verifier.refuses(token, alg, issuer + "/another", resource);
    });
  }

  private static SignedJWT assertion(JSONObject idp) throws Exception {
    var given = (JSONObject) idp.get("header");
    var header = new JWSHeader.Builder(JWSAlgorithm.parse(idp.getAsString("alg"))).keyID(given.getAsString("kid"));
    if (given.containsKey("x5t#S256")) {
      header.x509CertSHA256Thumbprint(new Base64URL(given.getAsString("x5t#S256")));
    }
    var claims =
        new JWTClaimsSet.Builder()
            .issuer(idp.getAsString("iss"))
            .audience(idp.getAsString("audience"))
            .issueTime(new Date())
            .expirationTime(Date.from(Instant.now().plusSeconds(120)))
            .jwtID(UUID.randomUUID().toString());
    ((JSONObject) idp.get("claims")).forEach(claims::claim);
    var assertion = new SignedJWT(header.build(), claims.build());
    JWK key = JWK.parse((JSONObject) idp.get("key"));
    assertion.sign(new DefaultJWSSignerFactory().createJWSSigner(key, header.build().getAlgorithm()));
    return assertion;
  }

  private void clients() {
    var odd = (JSONObject) config.get("odd_client");
    for (Client client : List.of(basic(odd), post(odd))) {
      check("secret that needs escaping by " + client.proof().getMethod(), () -> {
        String token = client.token(new ClientCredentialsGrant(), null).getAccessToken().getValue();
        equal(SignedJWT.parse(token).getJWTClaimsSet().getSubject(), odd.getAsString("id"), "sub");
      });
    }
    check("public client refreshes", () -> {
      ClientID id = id((JSONObject) config.get("public_client"));
      Client client = new Client(server, null, id);
      Tokens second = client.token(new RefreshTokenGrant(client.token(login(), null).getRefreshToken()), null);
      String token = second.getAccessToken().getValue();
      equal(SignedJWT.parse(token).getJWTClaimsSet().getStringClaim("client_id"), id.getValue(), "client_id");
    });
    Client client = basic(app("RS256"));
    check("token for two resources", () -> {
      var resource = in("resources", "RS256");
      String[] both = {resource.getAsString("id"), resource.getAsString("other")};
      String token = client.token(new ClientCredentialsGrant(), null, both).getAccessToken().getValue();
      for (String audience : both) {
        verifier.verify(token, "RS256", issuer, audience);
      }
    });
    check("refresh narrows the scope", () -> {
      RefreshToken first = client.token(login(), null).getRefreshToken();
      Tokens second = client.token(new RefreshTokenGrant(first), "read");
      equal(second.getAccessToken().getScope().toString(), "read", "scope");
    });
    check("refresh retried gets the same successor", () -> {
      var grant = new RefreshTokenGrant(client.token(login(), null).getRefreshToken());
      equal(client.token(grant, null).getRefreshToken(), client.token(grant, null).getRefreshToken(), "refresh_token");
    });
  }

  private void introspection() {
    Client client = basic(app("RS256"));
    var readers = new LinkedHashMap<String, Client>();
    readers.put("client", client);
    readers.put("resource server", basic((JSONObject) config.get("resource_server")));
    readers.forEach((name, reader) ->
        check("introspection by the " + name, () -> {
          var token = client.token(login(), "read").getAccessToken();
          var seen = reader.introspect(token);
          var claims = SignedJWT.parse(token.getValue()).getJWTClaimsSet();
          equal(seen.isActive(), true, "active");
          equal(seen.getIssuer().getValue(), claims.getIssuer(), "iss");
          equal(seen.getSubject().getValue(), claims.getSubject(), "sub");
          equal(seen.getAudience().get(0).getValue(), claims.getAudience().get(0), "aud");
          equal(seen.getExpirationTime(), claims.getExpirationTime(), "exp");
          equal(seen.getIssueTime(), claims.getIssueTime(), "iat");
          equal(seen.getJWTID().getValue(), claims.getJWTID(), "jti");
          equal(seen.getClientID().getValue(), claims.getStringClaim("client_id"), "client_id");
          equal(seen.getScope().toString(), claims.getStringClaim("scope"), "scope");
          equal(seen.getUsername(), user("name"), "username");
        }));
    check("introspection of a refresh token", () -> {
      var seen = post(app("RS256")).introspect(client.token(login(), null).getRefreshToken());
      equal(seen.isActive(), true, "active");
      equal(seen.getClientID(), id(app("RS256")), "client_id");
    });
    check("introspection of an unknown token", () ->
        equal(client.introspect(new BearerAccessToken("unknown")).toJSONObject(), Map.of("active", false), "answer"));
  }

  private void revocation() {
    Client client = basic(app("RS256"));
    check("revocation of an access token", () -> {
      var token = client.token(new ClientCredentialsGrant(), null).getAccessToken();
      equal(client.introspect(token).isActive(), true, "active before");
      client.revoke(token);
      equal(client.introspect(token).isActive(), false, "active after");
    });
    check("revocation of a refresh token ends its family", () -> {
      Tokens tokens = client.token(login(), null);
      post(app("RS256")).revoke(tokens.getRefreshToken());
      equal(client.introspect(tokens.getAccessToken()).isActive(), false, "active after");
      refused("invalid_grant", () -> client.token(new RefreshTokenGrant(tokens.getRefreshToken()), null));
    });
  }

  private static void refused(String code, Body attempt) throws Exception {
    try {
      attempt.run();
    } catch (Client.Refused refused) {
      equal(refused.error.getCode(), code, "error");
      equal(refused.error.getDescription() == null, false, "no error_description");
      return;
    }
    throw new AssertionError("it was accepted");
  }

  private void refusals() {
    var app = app("RS256");
    var wrong = new JSONObject(app);
    wrong.put("secret", "wrong");
    Client client = basic(app);
    var unknown = new BearerAccessToken("unknown");
    var grant = new ClientCredentialsGrant();
    var all = new LinkedHashMap<String, Body>();
    all.put("invalid_client for a wrong secret by client_secret_basic", () -> basic(wrong).token(grant, null));
    all.put("invalid_client for a wrong secret by client_secret_post", () -> post(wrong).token(grant, null));
    all.put("invalid_client at the introspection endpoint", () -> basic(wrong).introspect(unknown));
    all.put("invalid_client at the revocation endpoint", () -> basic(wrong).revoke(unknown));
    all.put("invalid_grant for a wrong password", () ->
        client.token(new ResourceOwnerPasswordCredentialsGrant(user("username"), new Secret("wrong password")), null));
    all.put("invalid_grant for an unknown refresh token", () ->
        client.token(new RefreshTokenGrant(new RefreshToken("unknown")), null));
    all.put("invalid_grant for an assertion that was used", () -> {
      var idp = (JSONObject) ((List<?>) ((JSONObject) config.get("idps")).get("RS256")).get(0);
      var bearer = new JWTBearerGrant(assertion(idp));
      new Client(server, null, null).token(bearer, null);
      new Client(server, null, null).token(bearer, null);
    });
    all.put("invalid_scope for a scope that is not allowed", () -> client.token(grant, "admin"));
    all.put("invalid_target for a resource that is not allowed", () -> client.token(grant, null, "https://nobody.example"));
    all.put("unauthorized_client for a grant that the client does not have", () ->
        basic((JSONObject) config.get("resource_server")).token(grant, null));
    all.put("unsupported_grant_type for a grant that nobody knows", () ->
        client.token(new AuthorizationGrant(new GrantType("urn:example:nothing")) {
          @Override
          public Map<String, List<String>> toParameters() {
            return Map.of("grant_type", List.of(getType().getValue()));
          }
        }, null));
    all.forEach((name, attempt) -> check(name, () -> refused(name.split(" ")[0], attempt)));
  }
}
