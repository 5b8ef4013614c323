import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.net.URI;
import java.util.Set;

/** Verifies access tokens (RFC 9068) by the key set of the server. */
final class Verifier {
  private final JWKSource<SecurityContext> keys;

  Verifier(URI jwks) throws Exception {
    this(JWKSourceBuilder.create(jwks.toURL()).build());
  }

  Verifier(JWKSource<SecurityContext> keys) {
    this.keys = keys;
  }

  JWTClaimsSet verify(String token, String alg, String issuer, String audience) throws Exception {
    var processor = new DefaultJWTProcessor<SecurityContext>();
    processor.setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt")));
    processor.setJWSKeySelector(new JWSVerificationKeySelector<>(JWSAlgorithm.parse(alg), keys));
    processor.setJWTClaimsSetVerifier(
        new DefaultJWTClaimsVerifier<>(
            audience,
            new JWTClaimsSet.Builder().issuer(issuer).build(),
            Set.of("sub", "exp", "iat", "nbf", "jti", "client_id")));
    return processor.process(token, null);
  }

  void refuses(String token, String alg, String issuer, String audience) throws Exception {
    try {
      verify(token, alg, issuer, audience);
    } catch (BadJOSEException refused) {
      return;
    }
    throw new AssertionError("the verifier accepted it");
  }
}
