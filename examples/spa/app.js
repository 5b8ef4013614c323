// An app that runs only in the browser: it signs people in by the authorization code flow with PKCE.
// Its client is public, because a browser cannot keep a secret.
const { UserManager, WebStorageStateStore } = window.oidc;

// To try the app with another server: /?issuer=…&client_id=…
const given = new URLSearchParams(location.search);
for (const name of ['issuer', 'client_id']) {
  if (given.has(name)) sessionStorage.setItem(name, given.get(name));
}

const home = location.origin + '/';
const manager = new UserManager({
  authority: sessionStorage.getItem('issuer') ?? 'http://127.0.0.1:8080',
  client_id: sessionStorage.getItem('client_id') ?? 'spa',
  redirect_uri: home,
  post_logout_redirect_uri: home,
  scope: 'openid profile email',
  loadUserInfo: true,
  // The browser deletes the tokens when the tab is closed.
  userStore: new WebStorageStateStore({ store: window.sessionStorage }),
});

const element = (id) => document.getElementById(id);

function show(user, said) {
  element('status').textContent = said ?? (user ? `Signed in as ${user.profile.name ?? user.profile.sub}` : 'Signed out');
  element('sign-in').hidden = Boolean(user);
  element('refresh').hidden = element('sign-out').hidden = !user;
  element('profile').textContent = user ? JSON.stringify(user.profile, null, 2) : '';
}

// on runs the action of a button, and shows the error if it fails.
function on(id, act) {
  element(id).addEventListener('click', () => act().catch((error) => show(null, String(error))));
}

on('sign-in', () => manager.signinRedirect());
on('refresh', async () => {
  const user = await manager.signinSilent(); // by the refresh token
  show(user, `Refreshed for ${user.profile.name ?? user.profile.sub}`);
});
on('sign-out', () => manager.signoutRedirect());

try {
  if (given.has('state')) { // the answer of the server
    if (given.has('code') || given.has('error')) await manager.signinCallback();
    history.replaceState(null, '', home); // a code in the address is good once
  }
  show(await manager.getUser());
} catch (error) {
  history.replaceState(null, '', home);
  show(null, String(error));
}
