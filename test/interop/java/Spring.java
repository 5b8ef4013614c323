import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.OctetSequenceKey;
import java.net.URI;
import net.minidev.json.JSONObject;
import org.springframework.security.oauth2.client.endpoint.NimbusJwtClientAuthenticationParametersConverter;
import org.springframework.security.oauth2.client.endpoint.OAuth2ClientCredentialsGrantRequest;
import org.springframework.security.oauth2.client.endpoint.RestClientClientCredentialsTokenResponseClient;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;

/** Spring Security with clients that send no secret: they sign a JWT for the URL of the token endpoint. */
final class Spring {
  private final Config config;
  private final Verifier verifier;

  private Spring(Config config) throws Exception {
    this.config = config;
    verifier = new Verifier(URI.create(config.text("jwks_uri")));
  }

  public static void main(String[] args) throws Exception {
    var spring = new Spring(Config.read());
    Check.check("private_key_jwt", spring::privateKeyJWT);
    Check.check("client_secret_jwt", spring::clientSecretJWT);
  }

  private void privateKeyJWT() throws Exception {
    var key = JWK.parse((JSONObject) ((JSONObject) config.all().get("key_client")).get("key"));
    obtains(config.party("key_client"), ClientAuthenticationMethod.PRIVATE_KEY_JWT, key);
  }

  private void clientSecretJWT() throws Exception {
    var client = config.party("hmac_client");
    obtains(client, ClientAuthenticationMethod.CLIENT_SECRET_JWT, new OctetSequenceKey.Builder(client.secret().getValueBytes()).build());
  }

  private void obtains(Config.Party client, ClientAuthenticationMethod method, JWK key) throws Exception {
    String id = client.id().getValue();
    String resource = config.resource("ES256");
    var registration =
        ClientRegistration.withRegistrationId("authserver")
            .clientId(id)
            .clientAuthenticationMethod(method)
            .authorizationGrantType(AuthorizationGrantType.CLIENT_CREDENTIALS)
            .tokenUri(config.text("token_endpoint"))
            .build();
    var tokens = new RestClientClientCredentialsTokenResponseClient();
    tokens.addParametersConverter(new NimbusJwtClientAuthenticationParametersConverter<OAuth2ClientCredentialsGrantRequest>(any -> key));
    tokens.setParametersCustomizer(parameters -> parameters.add("resource", resource));
    for (int i = 0; i < 2; i++) {
      var answer = tokens.getTokenResponse(new OAuth2ClientCredentialsGrantRequest(registration));
      var claims = verifier.verify(answer.getAccessToken().getTokenValue(), "ES256", config.text("issuer"), resource);
      Check.equal(claims.getSubject(), id, "sub");
    }
  }
}
