// An OpenID provider: prints its URL, and ends with its input. `POST /rotate` gives it a new key beside the last one,
// `GET /read` says how often its keys were read.
import { createServer } from "node:http";
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
let keys = [];
let provider;
let read = 0;

function rotate() {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = { ...privateKey.export({ format: "jwk" }), kid: `key${keys.length}`, alg: "ES256", use: "sig" };
    keys = [key, ...keys].slice(0, 2);
    provider = new Provider(url, {
        jwks: { keys },
        clients: Object.keys(clients).map((name) => ({
            client_id: name,
            client_secret: `secret of ${name}`,
            grant_types: ["client_credentials"],
            redirect_uris: [],
            response_types: [],
            id_token_signed_response_alg: "ES256",
        })),
        scopes: ["holdfast:movie"],
        features: {
            devInteractions: { enabled: false },
            clientCredentials: { enabled: true },
            resourceIndicators: {
                enabled: true,
                defaultResource: () => "urn:holdfast",
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

const server = createServer((request, response) => {
    if (request.url === "/rotate") {
        rotate();
        return response.end();
    }
    if (request.url === "/read") return response.end(`${read}`);
    if (request.url === "/jwks") read += 1;
    return provider.callback()(request, response);
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const url = `http://127.0.0.1:${server.address().port}`;
rotate();
console.log(url);
process.stdin.resume().on("end", () => process.exit());
