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
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.token.BearerAccessToken;
import com.nimbusds.oauth2.sdk.token.RefreshToken;
import com.nimbusds.oauth2.sdk.token.Tokens;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.minidev.json.JSONObject;

/**
 * Nimbus OAuth 2.0 SDK and Nimbus JOSE+JWT against authserver: reads the configuration from standard input and prints
 * one line of JSON per check.
 */
final class Main {
  private static final List<String> ALGS = List.of("RS256", "ES256");
  private static final String BOTH = "read write";
  private static final AuthorizationGrant OWN = new ClientCredentialsGrant();

  private final Config config;
  private final String issuer;
  private final AuthorizationServerMetadata server;
  private final Verifier verifier;

  private Main(Config config) throws Exception {
    this.config = config;
    issuer = config.text("issuer");
    server = AuthorizationServerMetadata.resolve(new Issuer(issuer));
    verifier = new Verifier(server.getJWKSetURI());
  }

  public static void main(String[] args) throws Exception {
    new Main(Config.read()).run();
  }

  private void run() {
    Check.check("metadata found by RFC 8414", this::metadata);
    ALGS.forEach(this::grants);
    ALGS.forEach(this::verifierRefuses);
    Check.check("verifier goes on through a key rotation", this::rotation);
    clients();
    introspection();
    revocation();
    refusals();
  }

  private void metadata() {
    Check.equal(server.getIssuer().getValue(), issuer, "issuer");
    var endpoints =
        Map.of(
            "token_endpoint", server.getTokenEndpointURI(),
            "jwks_uri", server.getJWKSetURI(),
            "introspection_endpoint", server.getIntrospectionEndpointURI(),
            "revocation_endpoint", server.getRevocationEndpointURI());
    endpoints.forEach((name, uri) -> Check.equal(uri.toString(), config.text(name), name));
    var grants = Set.of(GrantType.CLIENT_CREDENTIALS, GrantType.PASSWORD, GrantType.REFRESH_TOKEN, GrantType.JWT_BEARER);
    Check.equal(server.getGrantTypes().containsAll(grants), true, "grant_types_supported");
    var methods =
        Set.of(
            ClientAuthenticationMethod.CLIENT_SECRET_BASIC,
            ClientAuthenticationMethod.CLIENT_SECRET_POST,
            ClientAuthenticationMethod.NONE);
    Check.equal(server.getTokenEndpointAuthMethods().containsAll(methods), true, "token_endpoint_auth_methods_supported");
  }

  private Client basic(Config.Party p) {
    return new Client(server, new ClientSecretBasic(p.id(), p.secret()), null);
  }

  private Client post(Config.Party p) {
    return new Client(server, new ClientSecretPost(p.id(), p.secret()), null);
  }

  private Client nobody() {
    return new Client(server, null, null);
  }

  private AuthorizationGrant login() {
    return new ResourceOwnerPasswordCredentialsGrant(config.user("username"), new Secret(config.user("password")));
  }

  /** Verifies the token of an answer and compares its claims. */
  private void holds(String alg, Tokens answer, String sub, String clientId) throws Exception {
    BearerAccessToken token = answer.getBearerAccessToken();
    Check.equal(token.getLifetime() > 0, true, "expires_in");
    Check.equal(token.getScope().toString(), BOTH, "scope of the answer");
    JWTClaimsSet claims = verifier.verify(token.getValue(), alg, issuer, config.resource(alg));
    Check.equal(claims.getAudience(), List.of(config.resource(alg)), "aud");
    Check.equal(claims.getSubject(), sub, "sub");
    Check.equal(claims.getStringClaim("client_id"), clientId, "client_id");
    Check.equal(claims.getStringClaim("scope"), BOTH, "scope");
  }

  private void grants(String alg) {
    Config.Party app = config.app(alg);
    String id = app.id().getValue();
    String resource = config.resource(alg);
    for (Client client : List.of(basic(app), post(app))) {
      Check.check(alg + " client_credentials by " + client.proof().getMethod(), () -> {
        Tokens answer = client.token(OWN, BOTH, resource);
        Check.equal(answer.getRefreshToken(), null, "refresh_token");
        holds(alg, answer, id, id);
      });
    }
    Check.check(alg + " password", () -> holds(alg, basic(app).token(login(), BOTH, resource), config.user("id"), id));
    Check.check(alg + " refresh_token", () -> {
      RefreshToken first = post(app).token(login(), BOTH, resource).getRefreshToken();
      Tokens second = post(app).token(new RefreshTokenGrant(first), null);
      Check.equal(second.getRefreshToken().equals(first), false, "the same refresh token");
      holds(alg, second, config.user("id"), id);
    });
    for (Config.IdP idp : config.idps(alg)) {
      Check.check(alg + " jwt-bearer with an " + idp.text("alg") + " assertion", () -> {
        Client client = idp.clientAuth() ? basic(app) : nobody();
        Tokens answer = client.token(new JWTBearerGrant(idp.assertion()), BOTH);
        Check.equal(answer.getRefreshToken(), null, "refresh_token");
        holds(alg, answer, idp.text("expect_sub"), idp.clientAuth() ? id : idp.text("iss"));
      });
    }
  }

  private void verifierRefuses(String alg) {
    Client client = basic(config.app(alg));
    String resource = config.resource(alg);
    Check.check(alg + " verifier refuses another audience", () -> {
      String token = client.token(OWN, null, config.otherResource(alg)).getAccessToken().getValue();
      verifier.verify(token, alg, issuer, config.otherResource(alg));
      verifier.refuses(token, alg, issuer, resource);
    });
    Check.check(alg + " verifier refuses an altered payload", () -> {
      String token = client.token(OWN, null, resource).getAccessToken().getValue();
      Map<String, Object> claims = verifier.verify(token, alg, issuer, resource).toJSONObject();
      claims.put("scope", "admin");
      String[] parts = token.split("\\.");
      String payload = Base64URL.encode(new JSONObject(claims).toJSONString()).toString();
      verifier.refuses(parts[0] + "." + payload + "." + parts[2], alg, issuer, resource);
    });
    Check.check(alg + " verifier refuses another issuer", () -> {
      String token = client.token(OWN, null, resource).getAccessToken().getValue();
      verifier.refuses(token, alg, issuer + "/another", resource);
    });
  }

  /** Verifies with the key set from an earlier fetch. */
  private void rotation() throws Exception {
    var tokens = new LinkedHashMap<SignedJWT, String>();
    var before = new LinkedHashMap<String, String>();
    for (String alg : ALGS) {
      SignedJWT token = SignedJWT.parse(basic(config.app(alg)).token(OWN, null).getAccessToken().getValue());
      tokens.put(token, alg);
      before.put(alg, token.getHeader().getKeyID());
    }
    var rotate = new HTTPRequest(HTTPRequest.Method.POST, URI.create(config.text("rotate_url")));
    Check.equal(rotate.send().getStatusCode(), 204, "rotate_url");
    for (String alg : ALGS) {
      SignedJWT token = SignedJWT.parse(basic(config.app(alg)).token(OWN, null).getAccessToken().getValue());
      tokens.put(token, alg);
      Check.equal(token.getHeader().getKeyID().equals(before.get(alg)), false, "the same key signs " + alg);
    }
    for (var token : tokens.entrySet()) {
      verifier.verify(token.getKey().serialize(), token.getValue(), issuer, config.resource(token.getValue()));
    }
  }

  private void clients() {
    Config.Party odd = config.party("odd_client");
    for (Client client : List.of(basic(odd), post(odd))) {
      Check.check("secret that needs escaping by " + client.proof().getMethod(), () -> {
        String token = client.token(OWN, null).getAccessToken().getValue();
        Check.equal(SignedJWT.parse(token).getJWTClaimsSet().getSubject(), odd.id().getValue(), "sub");
      });
    }
    Check.check("public client refreshes", () -> {
      ClientID id = config.party("public_client").id();
      Client client = new Client(server, null, id);
      Tokens second = client.token(new RefreshTokenGrant(client.token(login(), null).getRefreshToken()), null);
      String token = second.getAccessToken().getValue();
      Check.equal(SignedJWT.parse(token).getJWTClaimsSet().getStringClaim("client_id"), id.getValue(), "client_id");
    });
    Client client = basic(config.app("RS256"));
    Check.check("token for two resources", () -> {
      String[] both = {config.resource("RS256"), config.otherResource("RS256")};
      String token = client.token(OWN, null, both).getAccessToken().getValue();
      for (String audience : both) {
        verifier.verify(token, "RS256", issuer, audience);
      }
    });
    Check.check("refresh narrows the scope", () -> {
      RefreshToken first = client.token(login(), null).getRefreshToken();
      Tokens second = client.token(new RefreshTokenGrant(first), "read");
      Check.equal(second.getAccessToken().getScope().toString(), "read", "scope");
    });
    Check.check("refresh retried gets the same successor", () -> {
      var grant = new RefreshTokenGrant(client.token(login(), null).getRefreshToken());
      RefreshToken first = client.token(grant, null).getRefreshToken();
      Check.equal(client.token(grant, null).getRefreshToken(), first, "refresh_token");
    });
  }

  private void introspection() {
    Client client = basic(config.app("RS256"));
    var readers = Map.of("client", client, "resource server", basic(config.party("resource_server")));
    readers.forEach((name, reader) ->
        Check.check("introspection by the " + name, () -> {
          var token = client.token(login(), "read").getAccessToken();
          var seen = reader.introspect(token);
          var claims = SignedJWT.parse(token.getValue()).getJWTClaimsSet();
          Check.equal(seen.isActive(), true, "active");
          Check.equal(seen.getIssuer().getValue(), claims.getIssuer(), "iss");
          Check.equal(seen.getSubject().getValue(), claims.getSubject(), "sub");
          Check.equal(seen.getAudience().get(0).getValue(), claims.getAudience().get(0), "aud");
          Check.equal(seen.getExpirationTime(), claims.getExpirationTime(), "exp");
          Check.equal(seen.getIssueTime(), claims.getIssueTime(), "iat");
          Check.equal(seen.getJWTID().getValue(), claims.getJWTID(), "jti");
          Check.equal(seen.getClientID().getValue(), claims.getStringClaim("client_id"), "client_id");
          Check.equal(seen.getScope().toString(), claims.getStringClaim("scope"), "scope");
          Check.equal(seen.getUsername(), config.user("name"), "username");
        }));
    Check.check("introspection of a refresh token", () -> {
      var seen = post(config.app("RS256")).introspect(client.token(login(), null).getRefreshToken());
      Check.equal(seen.isActive(), true, "active");
      Check.equal(seen.getClientID(), config.app("RS256").id(), "client_id");
    });
    Check.check("introspection of an unknown token", () -> {
      var seen = client.introspect(new BearerAccessToken("unknown"));
      Check.equal(seen.toJSONObject(), Map.of("active", false), "answer");
    });
  }

  private void revocation() {
    Client client = basic(config.app("RS256"));
    Check.check("revocation of an access token", () -> {
      var token = client.token(OWN, null).getAccessToken();
      Check.equal(client.introspect(token).isActive(), true, "active before");
      client.revoke(token);
      Check.equal(client.introspect(token).isActive(), false, "active after");
    });
    Check.check("revocation of a refresh token ends its family", () -> {
      Tokens tokens = client.token(login(), null);
      post(config.app("RS256")).revoke(tokens.getRefreshToken());
      Check.equal(client.introspect(tokens.getAccessToken()).isActive(), false, "active after");
      Check.refused("invalid_grant", () -> client.token(new RefreshTokenGrant(tokens.getRefreshToken()), null));
    });
  }

  private void refusals() {
    Client client = basic(config.app("RS256"));
    Config.Party wrong = config.app("RS256").withSecret("wrong");
    var token = new BearerAccessToken("unknown");
    var wrongPassword = new ResourceOwnerPasswordCredentialsGrant(config.user("username"), new Secret("wrong password"));
    var unknownGrant = new AuthorizationGrant(new GrantType("urn:example:nothing")) {
      @Override
      public Map<String, List<String>> toParameters() {
        return Map.of("grant_type", List.of(getType().getValue()));
      }
    };
    refusal("invalid_client for a wrong secret by client_secret_basic", () -> basic(wrong).token(OWN, null));
    refusal("invalid_client for a wrong secret by client_secret_post", () -> post(wrong).token(OWN, null));
    refusal("invalid_client at the introspection endpoint", () -> basic(wrong).introspect(token));
    refusal("invalid_client at the revocation endpoint", () -> basic(wrong).revoke(token));
    refusal("invalid_grant for a wrong password", () -> client.token(wrongPassword, null));
    refusal("invalid_grant for an unknown refresh token", () ->
        client.token(new RefreshTokenGrant(new RefreshToken("unknown")), null));
    refusal("invalid_grant for an assertion that was used", () -> {
      var used = new JWTBearerGrant(config.idps("RS256").get(0).assertion());
      nobody().token(used, null);
      nobody().token(used, null);
    });
    refusal("invalid_scope for a scope that is not allowed", () -> client.token(OWN, "admin"));
    refusal("invalid_target for a resource that is not allowed", () -> client.token(OWN, null, "https://nobody.example"));
    refusal("unauthorized_client for a grant that the client does not have", () ->
        basic(config.party("resource_server")).token(OWN, null));
    refusal("unsupported_grant_type for an unknown grant", () -> client.token(unknownGrant, null));
  }

  private static void refusal(String name, Check.Body attempt) {
    Check.check(name, () -> Check.refused(name.split(" ")[0], attempt));
  }
}
