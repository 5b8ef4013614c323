import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jwt.JWT;
import com.nimbusds.oauth2.sdk.AuthorizationCodeGrant;
import com.nimbusds.oauth2.sdk.AuthorizationGrant;
import com.nimbusds.oauth2.sdk.RefreshTokenGrant;
import com.nimbusds.oauth2.sdk.ResponseType;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.id.State;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;
import com.nimbusds.openid.connect.sdk.AuthenticationRequest;
import com.nimbusds.openid.connect.sdk.AuthenticationResponseParser;
import com.nimbusds.openid.connect.sdk.LogoutRequest;
import com.nimbusds.openid.connect.sdk.Nonce;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponse;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponseParser;
import com.nimbusds.openid.connect.sdk.UserInfoRequest;
import com.nimbusds.openid.connect.sdk.UserInfoResponse;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.token.OIDCTokens;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import net.minidev.json.JSONArray;
import net.minidev.json.JSONObject;

/** The Nimbus OpenID Connect SDK as an application to which people sign in. */
final class SignIn {
  private final Config config;
  private final OIDCProviderMetadata server;
  private final Config.Party client;
  private final URI redirectURI;
  private OIDCTokens tokens;

  private SignIn(Config config, Config.Party client) throws Exception {
    this.config = config;
    this.client = client;
    server = OIDCProviderMetadata.resolve(new Issuer(config.text("issuer")));
    redirectURI = URI.create(config.text("redirect_uri"));
  }

  public static void main(String[] args) throws Exception {
    var config = Config.read();
    for (Object registered : (JSONArray) config.all().get("clients")) {
      var app = new SignIn(config, Config.Party.of((JSONObject) registered));
      String id = app.client.id().getValue();
      Check.check(id + " signs in", app::signsIn);
      Check.check(id + " userinfo", app::userinfo);
      Check.check(id + " refreshes", app::refreshes);
      Check.check(id + " logs out", app::logsOut);
    }
  }

  private void signsIn() throws Exception {
    var verifier = new CodeVerifier();
    var state = new State();
    var nonce = new Nonce();
    var request =
        new AuthenticationRequest.Builder(ResponseType.CODE, new Scope("openid", "profile", "email"), client.id(), redirectURI)
            .endpointURI(server.getAuthorizationEndpointURI())
            .state(state)
            .nonce(nonce)
            .codeChallenge(verifier, CodeChallengeMethod.S256)
            .build();
    var answer = AuthenticationResponseParser.parse(browse(request.toURI()));
    if (!answer.indicatesSuccess()) {
      throw new Client.Refused(answer.toErrorResponse().getErrorObject());
    }
    Check.equal(answer.getState(), state, "state");
    Check.equal(answer.getIssuer(), server.getIssuer(), "iss");
    tokens = exchange(new AuthorizationCodeGrant(answer.toSuccessResponse().getAuthorizationCode(), redirectURI, verifier));
    verify(tokens.getIDToken(), nonce);
  }

  private void userinfo() throws Exception {
    var request = new UserInfoRequest(server.getUserInfoEndpointURI(), tokens.getAccessToken());
    var answer = UserInfoResponse.parse(request.toHTTPRequest().send());
    if (!answer.indicatesSuccess()) {
      throw new Client.Refused(answer.toErrorResponse().getErrorObject());
    }
    var info = answer.toSuccessResponse().getUserInfo();
    Check.equal(info.getSubject().getValue(), config.user("id"), "sub");
    Check.equal(info.getEmailAddress(), "zoe@example.com", "email");
  }

  private void refreshes() throws Exception {
    var old = tokens.getRefreshToken();
    tokens = exchange(new RefreshTokenGrant(old));
    Check.equal(tokens.getRefreshToken().equals(old), false, "the same refresh token");
    verify(tokens.getIDToken(), null);
    userinfo();
  }

  private void logsOut() throws Exception {
    var request = new LogoutRequest(server.getEndSessionEndpointURI(), tokens.getIDToken(), URI.create(config.text("home")), new State("out"));
    Check.equal(browse(request.toURI()).toString(), config.text("home") + "?state=out", "where the logout ends");
    Check.refused("invalid_grant", () -> exchange(new RefreshTokenGrant(tokens.getRefreshToken())));
  }

  private OIDCTokens exchange(AuthorizationGrant grant) throws Exception {
    URI endpoint = server.getTokenEndpointURI();
    var request =
        client.secret() == null
            ? new TokenRequest.Builder(endpoint, client.id(), grant)
            : new TokenRequest.Builder(endpoint, new ClientSecretBasic(client.id(), client.secret()), grant);
    TokenResponse answer = OIDCTokenResponseParser.parse(request.build().toHTTPRequest().send());
    if (!answer.indicatesSuccess()) {
      throw new Client.Refused(answer.toErrorResponse().getErrorObject());
    }
    return ((OIDCTokenResponse) answer.toSuccessResponse()).getOIDCTokens();
  }

  private void verify(JWT idToken, Nonce nonce) throws Exception {
    var validator = new IDTokenValidator(server.getIssuer(), client.id(), JWSAlgorithm.RS256, server.getJWKSetURI().toURL());
    var claims = validator.validate(idToken, nonce);
    Check.equal(claims.getSubject().getValue(), config.user("id"), "sub");
  }

  /** Makes a person open an address, and returns the address to which the browser was sent. */
  private URI browse(URI address) throws Exception {
    String name = URLEncoder.encode("nimbus " + client.id(), StandardCharsets.UTF_8);
    var request =
        HttpRequest.newBuilder(URI.create(config.text("browse_url") + "?name=" + name))
            .POST(HttpRequest.BodyPublishers.ofString(address.toString()))
            .build();
    var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    Check.equal(answer.statusCode(), 200, answer.body());
    return URI.create(answer.body());
  }
}
