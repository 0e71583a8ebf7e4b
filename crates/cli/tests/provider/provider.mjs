// A real OpenID provider for the tests of login: `node provider.mjs FOLDER CLIENTS`, where FOLDER has
// the packages and CLIENTS is JSON. It says `listening PORT` when it does. Anybody logs in as whoever.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const [folder, clients] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(`${folder}/node_modules/oidc-provider/lib/index.js`));

const key = (kind, options, alg) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }), kid: alg, alg, use: 'sig',
});
const server = createServer().listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
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
// It ends with whoever started it.
process.stdin.on('end', () => process.exit()).resume();
