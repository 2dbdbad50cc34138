import { z } from "zod";
import { commonConfig } from "../../contract/adapter.ts";
import { liveAt } from "../../lib/probe.ts";

const either = "give username and password, or apiKey";

/** Rules across fields run even where a field is wrong by itself, so that start-up reports every fault at once. */
const always = { when: ({ value }: { value: unknown }) => typeof value === "object" && value !== null };

/** Settings of every Klarna product. Klarna authenticates by user name and password, or by one newer API key. */
export const klarnaConfig = commonConfig.extend({
  // RFC 7617: a colon ends the user name.
  username: z
    .string()
    .min(1)
    .regex(/^[^:]*$/, "must not contain a colon")
    .optional(),
  password: z.string().min(1).optional(),
  /** `klarna_live_api_…` or `klarna_test_api_…`: goes into the header as it is, so it must fit there. */
  apiKey: z
    .string()
    .regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces")
    .optional(),
});

export type KlarnaConfig = Readonly<z.infer<typeof klarnaConfig>>;

/** The schema, with the rule that exactly one kind of credentials is given. */
export function withCredentials<Schema extends z.ZodType<KlarnaConfig>>(schema: Schema): Schema {
  return schema
    .refine((c) => c.apiKey !== undefined || c.username !== undefined, { ...always, path: ["username"], error: either })
    .refine((c) => c.apiKey !== undefined || c.password !== undefined, { ...always, path: ["password"], error: either })
    .refine((c) => c.apiKey === undefined || (c.username === undefined && c.password === undefined), {
      ...always,
      path: ["apiKey"],
      error: `${either}, not both`,
    })
    .superRefine((c, context) => {
      const [host, key] = [isLive(c), liveBy(c.apiKey)];
      if (host === undefined || key === undefined || host === key) return;
      const message = key ? "is a live key, apiUrl is a host for tests" : "is a key for tests, apiUrl is the live host";
      context.addIssue({ code: "custom", path: ["apiKey"], message });
    });
}

/** Klarna's hosts and Kustom's (docs/psp/klarna.md, a). */
const hosts = {
  live: ["api.klarna.com", "api-na.klarna.com", "api-oc.klarna.com", "api-global.klarna.com", "api.kustom.co"],
  test: ["playground.klarna.com", "test.klarna.com", "playground.kustom.co"],
};

/** Whether payments there are of real money; `undefined` for an address that is none of Klarna's or Kustom's. */
export function isLive({ apiUrl }: Pick<KlarnaConfig, "apiUrl">): boolean | undefined {
  return liveAt(apiUrl, hosts);
}

/** What the key says of itself. */
function liveBy(apiKey = ""): boolean | undefined {
  if (apiKey.startsWith("klarna_live_")) return true;
  return apiKey.startsWith("klarna_test_") ? false : undefined;
}

/**
 * The `Authorization` header. The API key stands bare after `Basic`, without base64: Klarna's own departure from RFC 7617
 * (https://docs.klarna.com/api/api-urls).
 */
export function authorizationFrom({ username, password, apiKey }: KlarnaConfig): string {
  if (apiKey !== undefined) return `Basic ${apiKey}`;
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}
