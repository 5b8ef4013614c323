import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.oauth2.sdk.ClientCredentialsGrant;
import com.nimbusds.oauth2.sdk.as.AuthorizationServerMetadata;
import com.nimbusds.oauth2.sdk.auth.ClientAuthentication;
import com.nimbusds.oauth2.sdk.auth.ClientSecretJWT;
import com.nimbusds.oauth2.sdk.auth.PrivateKeyJWT;
import com.nimbusds.oauth2.sdk.id.Issuer;
import java.net.URI;
import net.minidev.json.JSONObject;

/** Nimbus OAuth 2.0 SDK with clients that send no secret: they sign a JWT for each request. */
final class Trust {
  private final Config config;
  private final URI issuer;
  private final AuthorizationServerMetadata server;
  private final Verifier verifier;

  private Trust(Config config) throws Exception {
    this.config = config;
    issuer = URI.create(config.text("issuer"));
    server = AuthorizationServerMetadata.resolve(new Issuer(issuer));
    verifier = new Verifier(server.getJWKSetURI());
  }

  public static void main(String[] args) throws Exception {
    var trust = new Trust(Config.read());
    Check.check("private_key_jwt", trust::privateKeyJWT);
    Check.check("client_secret_jwt", trust::clientSecretJWT);
  }

  private void privateKeyJWT() throws Exception {
    var client = config.party("key_client");
    var key = ECKey.parse((JSONObject) ((JSONObject) config.all().get("key_client")).get("key"));
    obtains(client, new PrivateKeyJWT(client.id(), issuer, JWSAlgorithm.ES256, key.toECPrivateKey(), key.getKeyID(), null));
  }

  private void clientSecretJWT() throws Exception {
    var client = config.party("hmac_client");
    obtains(client, new ClientSecretJWT(client.id(), issuer, JWSAlgorithm.HS256, client.secret()));
  }

  private void obtains(Config.Party client, ClientAuthentication proof) throws Exception {
    String resource = config.resource("ES256");
    var tokens = new Client(server, proof, null).token(new ClientCredentialsGrant(), null, resource);
    var claims = verifier.verify(tokens.getAccessToken().getValue(), "ES256", issuer.toString(), resource);
    Check.equal(claims.getSubject(), client.id().getValue(), "sub");
  }
}
