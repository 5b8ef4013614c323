// Serves the files of this folder on a loopback address: node serve.mjs [PORT]
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const files = new Map([
  ['/', ['index.html', 'text/html; charset=utf-8']],
  ['/app.js', ['app.js', 'text/javascript']],
  ['/oidc-client-ts.js', ['node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js', 'text/javascript']],
]);

const server = createServer(async (request, response) => {
  const found = files.get(new URL(request.url, 'http://app').pathname);
  if (request.method !== 'GET' || !found) {
    response.writeHead(404).end();
    return;
  }
  const [name, type] = found;
  const body = await readFile(new URL(name, import.meta.url));
  response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' }).end(body);
});
server.listen(Number(process.argv[2] ?? 8091), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
