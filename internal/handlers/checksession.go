package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"authserver/internal/store"
	"authserver/internal/web"
)

// CheckSessionPath is the path of the page that applications load in a frame to check the session.
const CheckSessionPath = "/oauth2/check-session"

// CheckSession is GET /oauth2/check-session (OpenID Connect Session Management 1.0 §3.2). Only
// programs use the page: it shows nothing, and is the same for every browser.
type CheckSession struct {
	Registered interface {
		// FramingOrigin reports whether a client with session management has a redirect URI of
		// the origin.
		FramingOrigin(ctx context.Context, origin string) (bool, error)
	}
}

// checkSessionScript answers "changed" or "unchanged" to the page of an application that sends its
// client_id and session_state, as [authorize.Authorizer] makes that. Without the state cookie,
// every session_state of a signed-in person counts as changed.
const checkSessionScript = `"use strict";
const name = (location.protocol === "https:" ? "__Host-" : "") + "` + stateCookie + `=";
function browserState() {
  const found = document.cookie.split("; ").find((cookie) => cookie.startsWith(name));
  return found === undefined ? "" : found.slice(name.length);
}
async function status(message, origin) {
  const blank = message.lastIndexOf(" ");
  const [hash, salt, more] = message.slice(blank + 1).split(".");
  if (blank < 1 || !hash || !salt || more !== undefined) return "error";
  const text = [message.slice(0, blank), origin, browserState(), salt].join(" ");
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  const now = btoa(String.fromCharCode(...sum)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return now === hash ? "unchanged" : "changed";
}
addEventListener("message", async (event) => {
  if (typeof event.data !== "string" || event.source === null || event.origin === "null") return;
  const answer = await status(event.data, event.origin).catch(() => "error");
  event.source.postMessage(answer, event.origin);
});
`

// serve lets the page be framed by a page of a client with session management, which the browser
// names in Referer. The header does not list other origins, so a page does not learn them.
func (e *CheckSession) serve(w http.ResponseWriter, r *http.Request, _ *web.RequestInfo) error {
	header, ancestors := w.Header(), "'none'"
	if origin := store.Origin(r.Referer()); origin != "" {
		framing, err := e.Registered.FramingOrigin(r.Context(), origin)
		if err != nil {
			return err
		}
		if framing {
			ancestors = origin
		}
	}
	if ancestors == "'none'" {
		header.Set("X-Frame-Options", "DENY") // for browsers without frame-ancestors
	}
	sum := sha256.Sum256([]byte(checkSessionScript))
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Vary", "Referer")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
	header.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; script-src 'sha256-"+
		base64.StdEncoding.EncodeToString(sum[:])+"'; frame-ancestors "+ancestors)
	_, _ = w.Write([]byte("<!doctype html><html lang=en><meta charset=utf-8><title>Session</title><script>" + checkSessionScript + "</script></html>"))
	return nil
}
