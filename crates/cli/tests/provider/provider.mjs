// A real OpenID provider for the tests of login: `node provider.mjs FOLDER CLIENTS [PEM]`, where FOLDER
// has the packages, CLIENTS is JSON, and PEM is a certificate with its key, for TLS. It says `listening
// PORT` when it does. Each line that it reads names another such file, which it shows from then on.
// Anybody logs in as whoever.
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [folder, clients, pem] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(`${folder}/node_modules/oidc-provider/lib/index.js`));

const key = (kind, options, alg) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }), kid: alg, alg, use: 'sig',
});
const shown = file => ({ cert: readFileSync(file), key: readFileSync(file) });
const [scheme, server] = pem ? ['https', https.createServer(shown(pem))] : ['http', http.createServer()];
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const provider = new Provider(`${scheme}://127.0.0.1:${port}`, {
    clients: JSON.parse(clients),
    cookies: { keys: ['only for tests'] },
    features: { deviceFlow: { enabled: true } },
    jwks: {
      keys: [
        key('rsa', { modulusLength: 2048 }, 'RS256'),
        key('ec', { namedCurve: 'P-256' }, 'ES256'),
        key('ed25519', {}, 'EdDSA'),
      ],
    },
    pkce: { required: () => true },
  });
  server.on('request', provider.callback());
  console.log(`listening ${port}`);
});
const lines = createInterface({ input: process.stdin });
lines.on('line', file => {
  server.setSecureContext(shown(file));
  // A connection of before would go on with the certificate of before.
  server.closeAllConnections();
  console.log('shows another');
});
// It ends with whoever started it.
lines.on('close', () => process.exit());
