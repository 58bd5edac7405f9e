// A certified authorization server (npm oidc-provider) on loopback that rotates refresh tokens and whose access tokens
// serve a second: what our own stand-in shares with its author, this one does not. It gives one refresh token away, says
// where it is in one line of JSON, and ends with its standard input.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const CLIENT = 'portal.example';
const SCOPE = 'openid offline_access';

const server = createServer();
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
  clients: [{
    client_id: CLIENT,
    client_secret: 'canary-client-secret',
    redirect_uris: [`${issuer}/callback`],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'client_secret_post',
  }],
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
  routes: { token: '/token', revocation: '/revoke' },
  rotateRefreshToken: true,
  ttl: { AccessToken: 1, RefreshToken: 3600, Grant: 3600, IdToken: 60 },
});

server.on('request', provider.callback());

const grant = new provider.Grant({ accountId: '1001', clientId: CLIENT });
grant.addOIDCScope(SCOPE);
const token = new provider.RefreshToken({
  accountId: '1001',
  client: await provider.Client.find(CLIENT),
  grantId: await grant.save(),
  gty: 'authorization_code',
  scope: SCOPE,
});
console.log(JSON.stringify({ issuer, refresh_token: await token.save() }));
process.stdin.resume().on('end', () => process.exit());
