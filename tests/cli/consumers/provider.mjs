// An OpenID provider: prints its URL, and ends with its input. `POST /rotate` gives it a new key beside the last one,
// `GET /read` says how often its keys were read. Browsers sign in for the server at the URL that it is started with, and are
// always the same person, who agrees to everything. With the files of a certificate and its key it speaks TLS.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createRequire } from "node:module";
import { generateKeyPairSync } from "node:crypto";
import { pathToFileURL } from "node:url";

const found = createRequire(import.meta.url).resolve("oidc-provider");
const { Provider } = await import(pathToFileURL(found).href);

const clients = {
    till: { roles: ["staff"] },
    kim: { roles: ["customer"], customer: 7, grade: "VIP" },
    reader: { roles: ["staff"] },
};
const shop = {
    client_id: "shop",
    client_secret: "secret of shop",
    grant_types: ["authorization_code"],
    response_types: ["code"],
    redirect_uris: [`${process.argv[2]}/callback`],
    id_token_signed_response_alg: "ES256",
};
let keys = [];
let provider;
let read = 0;

function rotate() {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = { ...privateKey.export({ format: "jwk" }), kid: `key${keys.length}`, alg: "ES256", use: "sig" };
    keys = [key, ...keys].slice(0, 2);
    provider = new Provider(url, {
        jwks: { keys },
        clients: [shop, ...Object.keys(clients).map((name) => ({
            client_id: name,
            client_secret: `secret of ${name}`,
            grant_types: ["client_credentials"],
            redirect_uris: [],
            response_types: [],
            id_token_signed_response_alg: "ES256",
        }))],
        scopes: ["openid", "holdfast:movie"],
        claims: { openid: ["sub", "roles", "customer"] },
        conformIdTokenClaims: false,
        findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, roles: ["customer"], customer: 7 }) }),
        cookies: { keys: ["a key of a test"] },
        pkce: { required: () => true },
        features: {
            devInteractions: { enabled: false },
            clientCredentials: { enabled: true },
            resourceIndicators: {
                enabled: true,
                defaultResource: (context) =>
                    context.oidc.client.clientId === "shop" ? undefined : "urn:holdfast",
                getResourceServerInfo: () => ({
                    audience: "holdfast",
                    scope: "holdfast:movie",
                    accessTokenFormat: "jwt",
                    jwt: { sign: { alg: "ES256" } },
                }),
            },
        },
        extraTokenClaims: (_, token) => clients[token.clientId],
    });
}

// What a person would do on the pages of the provider.
async function interact(request, response) {
    const { prompt, params, session } = await provider.interactionDetails(request, response);
    if (prompt.name === "login") {
        return provider.interactionFinished(request, response, { login: { accountId: "kim" } });
    }
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    const grantId = await grant.save();
    return provider.interactionFinished(request, response, { consent: { grantId } });
}

function answer(request, response) {
    if (request.url.startsWith("/interaction/")) return interact(request, response);
    if (request.url === "/rotate") {
        rotate();
        return response.end();
    }
    if (request.url === "/read") return response.end(`${read}`);
    if (request.url === "/jwks") read += 1;
    return provider.callback()(request, response);
}

const [, , , cert, key] = process.argv;
const server = cert
    ? createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, answer)
    : createServer(answer);
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const url = `${cert ? "https" : "http"}://127.0.0.1:${server.address().port}`;
rotate();
console.log(url);
process.stdin.resume().on("end", () => process.exit());
