import java.util.ArrayList;
import java.util.List;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** An API with Spring Boot's auto-configuration. If the first argument is at+jwt, it also has the bean of AtJwt. */
@EnableAutoConfiguration
@RestController
class Api {
  @GetMapping("/")
  String subject(@AuthenticationPrincipal Jwt token) {
    return token.getSubject();
  }

  public static void main(String[] args) {
    List<Class<?>> beans = new ArrayList<>(List.of(Api.class));
    if (args.length > 0 && args[0].equals("at+jwt")) {
      beans.add(AtJwt.class);
    }
    var context = new SpringApplication(beans.toArray(new Class<?>[0])).run(args);
    System.out.println("listening on " + context.getEnvironment().getProperty("local.server.port"));
  }
}
