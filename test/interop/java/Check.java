import com.nimbusds.oauth2.sdk.ErrorObject;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import net.minidev.json.JSONObject;

/** Runs a check and prints its result. */
final class Check {
  private Check() {}

  interface Body {
    void run() throws Exception;
  }

  static void check(String name, Body body) {
    var report = new JSONObject(Map.of("check", name, "ok", true, "detail", ""));
    try {
      body.run();
    } catch (Exception | AssertionError e) {
      report.put("ok", false);
      report.put("detail", e + " at " + List.of(e.getStackTrace()));
    }
    System.out.println(report.toJSONString());
  }

  static void equal(Object got, Object want, String what) {
    if (!Objects.equals(got, want)) {
      throw new AssertionError(what + ": got " + got + ", want " + want);
    }
  }

  /** Requires the SDK's error object to have the error code of the server. */
  static void refused(String code, Body attempt) throws Exception {
    try {
      attempt.run();
    } catch (Client.Refused refused) {
      ErrorObject error = refused.error;
      equal(error.getCode(), code, "error");
      equal(error.getDescription() == null, false, "no error_description");
      return;
    }
    throw new AssertionError("it was accepted");
  }
}
