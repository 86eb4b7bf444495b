// An identity provider for the end-to-end tests: panva's oidc-provider (OpenID certified) with a few clients.
//
//   node identity-provider.mjs NODE_MODULES     prints "issuer http://127.0.0.1:PORT" when it listens; SIGTERM ends it
//
// Endpoints by discovery (/.well-known/openid-configuration): client credentials, authorization code + PKCE, device
// code, refresh tokens, token exchange (RFC 8693), introspection (RFC 7662), revocation (RFC 7009). Access tokens are
// for the audience "open-cli-toolbox": JWTs of RFC 9068, for clients whose id begins with "opaque" opaque ones.
//
// Clients (secret = id + "-secret"), each with the scopes it may ask for:
//   reader    bundle:orders + one tool                  robot     bundle:orders (ES256)
//   operator  every right over the runtime              edward    bundle:orders (EdDSA)
//   opaque    as reader, opaque tokens                  short     as robot, tokens that live 12 seconds
//   asks      may introspect, client_secret_basic       asks-post the same, client_secret_post
//   person    public, for people with a browser: authorization code, device code, refresh token
// People sign in under any name: the built-in pages take two posted forms, login and consent.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const { Provider, errors } = await import(pathToFileURL(`${process.argv[2]}/oidc-provider/lib/index.js`));
const { jwtVerify, createLocalJWKSet } = await import(pathToFileURL(`${process.argv[2]}/jose/dist/webapi/index.js`));

const AUDIENCE = 'open-cli-toolbox';
const RESOURCE = 'urn:open-cli:toolbox';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const ORDERS = 'bundle:orders';
const READ = `${ORDERS} tool:orders:listOrders tool:orders:getOrder`;
const RIGHTS = 'audit:read trace:read metrics:read refresh runtime:admin approve:*';
const ALL = `${READ} ${RIGHTS} bundle:ghost profile:clerk openid offline_access`;

const jwk = (kind, options, extra) => ({ ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }), ...extra });
const jwks = {
  keys: [
    jwk('rsa', { modulusLength: 2048 }, { kid: 'rsa', use: 'sig' }),
    jwk('ec', { namedCurve: 'P-256' }, { kid: 'p256', use: 'sig', alg: 'ES256' }),
    jwk('ed25519', {}, { kid: 'ed', use: 'sig', alg: 'EdDSA' }),
  ],
};
const algorithms = { robot: 'ES256', edward: 'EdDSA' };

const machine = (id, scope, more = {}) => ({
  client_id: id, client_secret: `${id}-secret`, grant_types: ['client_credentials', EXCHANGE], response_types: [],
  redirect_uris: [], token_endpoint_auth_method: 'client_secret_post', ...(scope && { scope }), ...more,
});
const clients = [
  machine('reader', READ), machine('robot', ORDERS), machine('edward', ORDERS), machine('short', ORDERS),
  machine('opaque', READ), machine('operator', ALL),
  machine('asks', undefined, { token_endpoint_auth_method: 'client_secret_basic' }), machine('asks-post'),
  {
    client_id: 'person', application_type: 'native', token_endpoint_auth_method: 'none', scope: ALL,
    redirect_uris: ['http://127.0.0.1/callback'], response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code', EXCHANGE],
  },
];

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const lifetime = (client) => (client.clientId === 'short' ? 12 : 600);
const provider = new Provider(issuer, {
  clients,
  jwks,
  scopes: ALL.split(' '),
  clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
  cookies: { keys: [randomUUID()] },
  pkce: { required: () => true },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  extraTokenClaims: (ctx) => ctx?.oidc?.entities?.Delegation,
  issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  ttl: { AccessToken: (_, __, client) => lifetime(client), ClientCredentials: (_, __, client) => lifetime(client), RefreshToken: 3600, Grant: 3600, Session: 3600, Interaction: 600, DeviceCode: 600 },
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (_, client) => client.clientId.startsWith('asks') },
    revocation: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, __, client) => ({
        scope: ALL,
        audience: AUDIENCE,
        accessTokenTTL: lifetime(client),
        accessTokenFormat: client.clientId.startsWith('opaque') ? 'opaque' : 'jwt',
        jwt: { sign: { alg: algorithms[client.clientId] ?? 'RS256' } },
      }),
    },
  },
});

// RFC 8693: a token of somebody's, exchanged by a client for one that says who acts for whom.
const keys = createLocalJWKSet({ keys: jwks.keys.map(({ d, p, q, dp, dq, qi, ...key }) => key) });
provider.registerGrantType(EXCHANGE, async (ctx) => {
  const { params, client } = ctx.oidc;
  if (params.subject_token_type !== ACCESS_TOKEN) throw new errors.InvalidRequest('subject_token_type');
  if (params.audience && params.audience !== AUDIENCE) throw new errors.InvalidTarget();
  let parent;
  try {
    parent = (await jwtVerify(params.subject_token, keys, { issuer, audience: AUDIENCE })).payload;
  } catch {
    throw new errors.InvalidGrant('subject_token');
  }
  const had = new Set((parent.scope ?? '').split(' '));
  const wanted = (params.scope || parent.scope || '').split(' ');
  if (!wanted.every((one) => had.has(one))) throw new errors.InvalidScope('not in the subject token', params.scope);
  const actor = params.actor_id ? { actor_id: params.actor_id } : {};
  ctx.oidc.entity('Delegation', {
    sub: parent.sub, delegated_by: parent.sub, delegation_id: randomUUID(), act: { sub: client.clientId, ...actor },
  });
  const token = new provider.ClientCredentials({ client, scope: wanted.join(' '), extra: ctx.oidc.entities.Delegation });
  token.resourceServer = new provider.ResourceServer(RESOURCE, {
    scope: ALL, audience: AUDIENCE, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'RS256' } },
  });
  ctx.body = {
    access_token: await token.save(), issued_token_type: ACCESS_TOKEN, token_type: 'Bearer', expires_in: 300, scope: token.scope,
  };
}, ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'scope', 'actor_id', 'agent_profile'], []);

provider.on('server_error', (_, error) => console.error(error));
server.on('request', provider.callback());
process.on('SIGTERM', () => process.exit(0));
console.log(`issuer ${issuer}`);
