import { z } from "zod";
import { listOf, secretSetting, secretText } from "../../lib/secrets.ts";
import { basicCredentials, type ShownSecret } from "../../signatures/shared-secret.ts";
import { commonConfig } from "../../contract/adapter.ts";

const either = "give clientId, apiSecret and scope, or username, sharedKey and storeId";

/** Rules across fields run even where a field is wrong by itself, so that start-up reports every fault at once. */
const always = { when: ({ value }: { value: unknown }) => typeof value === "object" && value !== null };

const text = z.string().min(1);
/** RFC 7617: a colon ends the user name. */
const user = text.regex(/^[^:]*$/, "must not contain a colon");

/** One merchant's settings: a client of the current API (OAuth2), or a user of the legacy checkout API (SharedKey). */
export const config = commonConfig
  .extend({
    /** Where access tokens come from: the whole address, or only its host. `apiUrl` where it is left out. */
    authenticationUrl: z.url({ protocol: /^https?$/ }).optional(),
    scope: text.optional(),
    clientId: text.optional(),
    /** Walley lets two live side by side; each dies after six months unless somebody chose otherwise. */
    apiSecret: secretSetting.optional(),
    storeId: z.union([text, z.int().nonnegative().transform(String)]).optional(),
    username: user.optional(),
    sharedKey: secretText.optional(),
    /** Whether the storefront offers an upsell, so that `payment.upsell` is kept. */
    useUpsell: z.boolean().default(false),
    webhookHmacKey: secretSetting.optional(),
    webhookUsername: user.optional(),
    webhookPassword: secretSetting.optional(),
  })
  .refine((c) => hasClient(c) || hasUser(c), { ...always, path: ["clientId"], error: either })
  .refine((c) => !hasClient(c) || c.apiSecret !== undefined, { ...always, path: ["apiSecret"], error: either })
  .refine((c) => !hasClient(c) || c.scope !== undefined, { ...always, path: ["scope"], error: either })
  .refine((c) => !hasUser(c) || c.username !== undefined, { ...always, path: ["username"], error: either })
  .refine((c) => !hasUser(c) || c.storeId !== undefined, { ...always, path: ["storeId"], error: either })
  .refine((c) => !hasClient(c) || !hasUser(c), { ...always, path: ["sharedKey"], error: `${either}, not both` })
  .refine((c) => (c.webhookUsername === undefined) === (c.webhookPassword === undefined), {
    ...always,
    path: ["webhookPassword"],
    error: "give webhookUsername and webhookPassword, or neither",
  });

export type Config = Readonly<z.infer<typeof config>>;

interface Accounts {
  readonly clientId?: unknown;
  readonly apiSecret?: unknown;
  readonly sharedKey?: unknown;
}

function hasClient({ clientId, apiSecret }: Accounts): boolean {
  return clientId !== undefined || apiSecret !== undefined;
}

function hasUser({ sharedKey }: Accounts): boolean {
  return sharedKey !== undefined;
}

/** An account of the legacy checkout API: it can be asked about sessions, and about nothing that comes after them. */
export interface LegacyAccount {
  readonly username: string;
  readonly sharedKey: string;
  readonly storeId: string;
}

/** The legacy account, where this merchant has one instead of a client. */
export function legacyAccount({ username, sharedKey, storeId }: Config): LegacyAccount | undefined {
  if (username === undefined || sharedKey === undefined || storeId === undefined) return undefined;
  return { username, sharedKey, storeId };
}

/** What may stand in the `Authorization` header of a store-level webhook; nothing where none was configured. */
export function webhookAuthorizations({ webhookUsername, webhookPassword }: Config): readonly ShownSecret[] {
  return webhookUsername === undefined ? [] : basicCredentials(webhookUsername, listOf(webhookPassword));
}

/** The address that grants access tokens. https://dev.walleypay.com/docs/manage/getting-started/authentication */
export function tokenUrl({ authenticationUrl, apiUrl }: Config): URL {
  const given = (authenticationUrl ?? apiUrl).replace(/\/+$/, "");
  return new URL(given.endsWith("/token") ? given : `${given}/oauth2/v2.0/token`);
}

/** Which of Walley's own environments this is; `undefined` for an address that is none of them. */
export function environmentOf({ apiUrl }: Config): "live" | "test" | undefined {
  const { hostname } = new URL(apiUrl);
  if (/(^|\.)walleydev\.com$|-uat\.collector\.se$/.test(hostname)) return "test";
  return /(^|\.)(walleypay\.com|collector\.se)$/.test(hostname) ? "live" : undefined;
}
