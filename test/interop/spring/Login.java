import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.event.EventListener;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.oauth2.client.OAuth2AuthorizeRequest;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.RefreshTokenOAuth2AuthorizedClientProvider;
import org.springframework.security.oauth2.client.authentication.OAuth2AuthenticationToken;
import org.springframework.security.oauth2.client.endpoint.RestClientRefreshTokenTokenResponseClient;
import org.springframework.security.oauth2.client.oidc.authentication.event.OidcUserRefreshedEvent;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizedClientRepository;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.csrf.CsrfToken;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** An application to which people sign in with Spring Security's oauth2Login. */
@EnableAutoConfiguration
@RestController
class Login {
  private final OAuth2AuthorizedClientRepository clients;
  private final OAuth2AuthorizedClientManager manager;
  private volatile boolean refreshed;

  Login(OAuth2AuthorizedClientRepository clients, OAuth2AuthorizedClientManager manager) {
    this.clients = clients;
    this.manager = manager;
  }

  static class Beans {
    @Bean
    SecurityFilterChain chain(HttpSecurity http, ClientRegistrationRepository registrations) throws Exception {
      var out = new OidcClientInitiatedLogoutSuccessHandler(registrations);
      out.setPostLogoutRedirectUri("{baseUrl}/out");
      return http
          .authorizeHttpRequests(requests -> requests.requestMatchers("/out").permitAll().anyRequest().authenticated())
          .oauth2Login(Customizer.withDefaults())
          .logout(logout -> logout.logoutSuccessHandler(out))
          .oidcLogout(logout -> logout.backChannel(Customizer.withDefaults()))
          .build();
    }

    /** Refreshes each token before the application uses it. */
    @Bean
    RefreshTokenOAuth2AuthorizedClientProvider refreshing() {
      var provider = new RefreshTokenOAuth2AuthorizedClientProvider();
      provider.setClockSkew(Duration.ofDays(1));
      // The default of Spring Security 6.5 omits the client_id of a public client.
      provider.setAccessTokenResponseClient(new RestClientRefreshTokenTokenResponseClient());
      return provider;
    }
  }

  /** Spring sends this event after it has compared the ID token of a refresh with that of the sign-in. */
  @EventListener
  void refreshed(OidcUserRefreshedEvent event) {
    refreshed = true;
  }

  @GetMapping("/")
  Map<String, Object> home(OAuth2AuthenticationToken person, CsrfToken csrf, HttpServletRequest request) {
    return shown(person, csrf, clients.loadAuthorizedClient(person.getAuthorizedClientRegistrationId(), person, request));
  }

  @GetMapping("/refresh")
  Map<String, Object> refresh(OAuth2AuthenticationToken person, CsrfToken csrf, HttpServletRequest request, HttpServletResponse response) {
    refreshed = false;
    var client = manager.authorize(OAuth2AuthorizeRequest.withClientRegistrationId(person.getAuthorizedClientRegistrationId())
        .principal(person).attribute(HttpServletRequest.class.getName(), request)
        .attribute(HttpServletResponse.class.getName(), response).build());
    return shown(person, csrf, client);
  }

  @GetMapping("/out")
  String out() {
    return "signed out";
  }

  private Map<String, Object> shown(OAuth2AuthenticationToken person, CsrfToken csrf, OAuth2AuthorizedClient client) {
    var user = (OidcUser) person.getPrincipal();
    var shown = new HashMap<String, Object>();
    shown.put("id_claims", user.getIdToken().getClaims());
    shown.put("userinfo", user.getUserInfo().getClaims());
    shown.put("access_token", client.getAccessToken().getTokenValue());
    shown.put("refresh_token", client.getRefreshToken().getTokenValue());
    shown.put("csrf_name", csrf.getParameterName());
    shown.put("csrf", csrf.getToken());
    shown.put("refreshed", refreshed);
    return shown;
  }

  public static void main(String[] args) {
    new SpringApplication(Login.class, Beans.class).run(args);
  }
}
