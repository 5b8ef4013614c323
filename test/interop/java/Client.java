import com.nimbusds.oauth2.sdk.AuthorizationGrant;
import com.nimbusds.oauth2.sdk.ErrorObject;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenIntrospectionRequest;
import com.nimbusds.oauth2.sdk.TokenIntrospectionResponse;
import com.nimbusds.oauth2.sdk.TokenIntrospectionSuccessResponse;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.TokenRevocationRequest;
import com.nimbusds.oauth2.sdk.as.AuthorizationServerMetadata;
import com.nimbusds.oauth2.sdk.auth.ClientAuthentication;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.token.Token;
import com.nimbusds.oauth2.sdk.token.Tokens;
import java.net.URI;

/** Requests of the Nimbus OAuth 2.0 SDK: of a confidential client, a public one (no proof) or no client (no id). */
record Client(AuthorizationServerMetadata server, ClientAuthentication proof, ClientID id) {

  /** The error that the SDK reads from an answer. */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1;

    final transient ErrorObject error;

    Refused(ErrorObject error) {
      super(error.getCode() + ": " + error.getDescription());
      this.error = error;
    }
  }

  Tokens token(AuthorizationGrant grant, String scope, String... resources) throws Exception {
    URI endpoint = server.getTokenEndpointURI();
    TokenRequest.Builder request =
        proof != null ? new TokenRequest.Builder(endpoint, proof, grant)
        : id != null ? new TokenRequest.Builder(endpoint, id, grant)
        : new TokenRequest.Builder(endpoint, grant);
    if (scope != null) {
      request.scope(Scope.parse(scope));
    }
    URI[] uris = new URI[resources.length];
    for (int i = 0; i < uris.length; i++) {
      uris[i] = URI.create(resources[i]);
    }
    if (uris.length > 0) {
      request.resources(uris);
    }
    TokenResponse answer = TokenResponse.parse(request.build().toHTTPRequest().send());
    if (!answer.indicatesSuccess()) {
      throw new Refused(answer.toErrorResponse().getErrorObject());
    }
    return answer.toSuccessResponse().getTokens();
  }

  TokenIntrospectionSuccessResponse introspect(Token token) throws Exception {
    var request = new TokenIntrospectionRequest(server.getIntrospectionEndpointURI(), proof, token);
    TokenIntrospectionResponse answer = TokenIntrospectionResponse.parse(request.toHTTPRequest().send());
    if (!answer.indicatesSuccess()) {
      throw new Refused(answer.toErrorResponse().getErrorObject());
    }
    return answer.toSuccessResponse();
  }

  void revoke(Token token) throws Exception {
    var answer = new TokenRevocationRequest(server.getRevocationEndpointURI(), proof, token).toHTTPRequest().send();
    if (!answer.indicatesSuccess()) {
      throw new Refused(ErrorObject.parse(answer));
    }
  }
}
