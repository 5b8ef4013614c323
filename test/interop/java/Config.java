import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.factories.DefaultJWSSignerFactory;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.oauth2.sdk.ParseException;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.util.JSONObjectUtils;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.UUID;
import net.minidev.json.JSONObject;

/** The registrations, read from standard input. */
record Config(JSONObject all) {

  /** A client's identifier and secret. */
  record Party(ClientID id, Secret secret) {
    static Party of(JSONObject o) {
      String secret = o.getAsString("secret");
      return new Party(new ClientID(o.getAsString("id")), secret == null ? null : new Secret(secret));
    }

    Party withSecret(String other) {
      return new Party(id, new Secret(other));
    }
  }

  /** An issuer of assertions. */
  record IdP(JSONObject all) {
    String text(String name) {
      return all.getAsString(name);
    }

    boolean clientAuth() {
      return (Boolean) all.get("client_auth");
    }

    SignedJWT assertion() throws Exception {
      var given = (JSONObject) all.get("header");
      var header = new JWSHeader.Builder(JWSAlgorithm.parse(text("alg"))).keyID(given.getAsString("kid"));
      if (given.containsKey("x5t#S256")) {
        header.x509CertSHA256Thumbprint(new Base64URL(given.getAsString("x5t#S256")));
      }
      var claims =
          new JWTClaimsSet.Builder()
              .issuer(text("iss"))
              .audience(text("audience"))
              .issueTime(new Date())
              .expirationTime(Date.from(Instant.now().plusSeconds(120)))
              .jwtID(UUID.randomUUID().toString());
      ((JSONObject) all.get("claims")).forEach(claims::claim);
      var assertion = new SignedJWT(header.build(), claims.build());
      JWK key = JWK.parse((JSONObject) all.get("key"));
      assertion.sign(new DefaultJWSSignerFactory().createJWSSigner(key, assertion.getHeader().getAlgorithm()));
      return assertion;
    }
  }

  static Config read() throws IOException, ParseException {
    return new Config(JSONObjectUtils.parse(new String(System.in.readAllBytes(), StandardCharsets.UTF_8)));
  }

  String text(String name) {
    return all.getAsString(name);
  }

  String user(String name) {
    return ((JSONObject) all.get("user")).getAsString(name);
  }

  Party party(String name) {
    return Party.of((JSONObject) all.get(name));
  }

  Party app(String alg) {
    return Party.of((JSONObject) ((JSONObject) all.get("clients")).get(alg));
  }

  /** The resource whose tokens have this algorithm. */
  String resource(String alg) {
    return resource(alg, "id");
  }

  String otherResource(String alg) {
    return resource(alg, "other");
  }

  private String resource(String alg, String name) {
    return ((JSONObject) ((JSONObject) all.get("resources")).get(alg)).getAsString(name);
  }

  List<IdP> idps(String alg) {
    var list = (List<?>) ((JSONObject) all.get("idps")).get(alg);
    return list.stream().map(o -> new IdP((JSONObject) o)).toList();
  }
}
