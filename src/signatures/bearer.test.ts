import { createHmac } from "node:crypto";
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import nock from "nock";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { answerByNock } from "../../test/support/nock.ts";
import type { PublicFiles } from "../contract/adapter.ts";
import { hasBearer } from "./bearer.ts";
import { createPublicFiles } from "./public-files.ts";

const minute = 60_000;
const provider = "https://id.example";
const rules = { issuer: provider, audience: "norce-psp-worker", jwksUrl: `${provider}/keys?of=merchant` };
const seconds = (inMs: number): number => Math.floor((Date.now() + inMs) / 1_000);
const right: JWTPayload = { iss: provider, aud: ["other", rules.audience], exp: seconds(5 * minute) };

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
const pairs: Pair[] = [];
let clock = 0;
let files: PublicFiles;

answerByNock();
beforeAll(async () => {
  for (const algorithm of ["RS256", "RS256", "ES256"])
    pairs.push(await generateKeyPair(algorithm, { extractable: true }));
});
beforeEach(() => {
  clock = Date.now();
  files = createPublicFiles({ now: () => clock });
});

const pairAt = (place: number): Pair => pairs[place] as Pair;

/** The provider shows the public keys at these places, each named by its place, so many times. */
async function shows(places: readonly number[], times = 1): Promise<void> {
  const keys = await Promise.all(
    places.map(async (at) => ({ ...(await exportJWK(pairAt(at).publicKey)), kid: `k${at}` })),
  );
  nock(provider).get("/keys?of=merchant").times(times).reply(200, { keys });
}

async function tokenBy(place: number, claims: JWTPayload = right, header: object = {}): Promise<string> {
  const alg = place === 2 ? "ES256" : "RS256";
  const { privateKey } = pairAt(place);
  return await new SignJWT(claims).setProtectedHeader({ alg, kid: `k${place}`, ...header }).sign(privateKey);
}

const asked = async (authorization: string | undefined): Promise<boolean | undefined> =>
  await hasBearer(
    {
      method: "POST",
      url: "/",
      query: new URLSearchParams(),
      headers: authorization === undefined ? {} : { authorization },
      body: Buffer.alloc(0),
    },
    rules,
    files,
  );
const asks = async (token: string): Promise<boolean | undefined> => await asked(`Bearer ${token}`);
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("a bearer token", () => {
  it.each([0, 2])("of the provider's key %i is one, and the keys are fetched once", async (place) => {
    await shows([0, 2]);
    expect(await asks(await tokenBy(place))).toBe(true);
    expect(await asked(`bearer  ${await tokenBy(place)}`)).toBe(true);
    expect(nock.isDone()).toBe(true);
  });

  it.each<[string, JWTPayload]>([
    ["of another issuer", { ...right, iss: `${provider}/` }],
    ["of no issuer", { aud: rules.audience, exp: seconds(minute) }],
    ["for somebody else", { ...right, aud: "other" }],
    ["for nobody", { iss: provider, exp: seconds(minute) }],
    ["that has expired", { ...right, exp: seconds(-2 * minute) }],
    ["that never expires", { iss: provider, aud: rules.audience }],
    ["that does not count yet", { ...right, nbf: seconds(5 * minute) }],
  ])("%s is none", async (_, claims) => {
    await shows([0]);
    expect(await asks(await tokenBy(0, claims))).toBe(false);
  });

  it("of another key that calls itself the provider's is none", async () => {
    await shows([0]);
    expect(await asks(await tokenBy(1, right, { kid: "k0" }))).toBe(false);
  });

  it("whose text was changed is none", async () => {
    await shows([0]);
    const [head, , signature] = (await tokenBy(0)).split(".");
    expect(await asks([head, part({ ...right, sub: "somebody" }), signature].join("."))).toBe(false);
  });

  it("that nobody signed, or with the public key for a secret, is none", async () => {
    await shows([0]);
    expect(await asks(`${part({ alg: "none" })}.${part(right)}.`)).toBe(false);
    const text = `${part({ alg: "HS256", kid: "k0" })}.${part(right)}`;
    for (const secret of [await exportSPKI(pairAt(0).publicKey), JSON.stringify(await exportJWK(pairAt(0).publicKey))])
      expect(await asks(`${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`)).toBe(false);
  });

  it.each([undefined, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer not-a-token", "Bearer a.b.c"])(
    "is not %j",
    async (authorization) => {
      await shows([0]);
      expect(await asked(authorization)).toBe(false);
    },
  );
});

describe("the provider's keys", () => {
  it("are fetched anew for a key that is new, and not at each token that names none of them", async () => {
    await shows([0]);
    expect(await asks(await tokenBy(0))).toBe(true);
    for (const _ of ["again", "and again"]) expect(await asks(await tokenBy(2))).toBe(false);
    clock += minute;
    await shows([2]);
    expect(await asks(await tokenBy(2))).toBe(true);
    expect(await asks(await tokenBy(0)), "a key that was taken away").toBe(false);
  });

  it("are fetched anew after ten minutes; where they cannot be, the old ones serve for a day", async () => {
    await shows([0]);
    const token = await tokenBy(0);
    expect(await asks(token)).toBe(true);
    clock += 11 * minute;
    nock(provider).get("/keys?of=merchant").times(3).reply(503);
    expect(await asks(token)).toBe(true);
    clock += 24 * 60 * minute;
    nock(provider).get("/keys?of=merchant").times(3).reply(503);
    expect(await asks(token)).toBeUndefined();
  });

  it.each<[string, number, string]>([
    ["are not there", 404, ""],
    ["are a web page", 200, "<html></html>"],
    ["are none", 200, '{"keys":[]}'],
    ["are no keys", 200, '{"keys":[1]}'],
    ["are too many", 200, JSON.stringify({ keys: [{ kty: "RSA", n: "a".repeat(100_000) }] })],
    ["have moved", 302, ""],
  ])("nobody knows where they %s, and nobody is let in", async (_, status, body) => {
    nock(provider)
      .get("/keys?of=merchant")
      .times(3)
      .reply(status, body, { location: `${provider}/other` });
    expect(await asks(await tokenBy(0))).toBeUndefined();
  });

  it("are not asked for where there is no token", async () => {
    expect(await asked("Basic YTpi")).toBe(false);
    expect(nock.pendingMocks()).toEqual([]);
  });
});
