import type { AnyAdapter, CommonConfig } from "../contract/adapter.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { SigningKeys } from "./signing-keys.ts";

/** A secret in the configuration, by its fingerprint. */
export interface KnownKey {
  readonly key: string;
  /** `URL_SIGNING_KEYS`, or the setting's name. */
  readonly setting: string;
  /** 0: the newest of its setting. */
  readonly place: number;
}

/** The name under which the master keys of signed URLs are configured. */
export const urlKeys = "URL_SIGNING_KEYS";

/** The master keys of signed URLs, newest first. */
export function knownUrlKeys({ masters }: Pick<SigningKeys, "masters">): readonly KnownKey[] {
  return masters.map((key, place) => ({ key, setting: urlKeys, place }));
}

/** An account's secrets, whether or not they prove webhooks: a list is one secret that is being changed, newest first. */
export function knownSecrets(adapter: Pick<AnyAdapter, "secrets">, settings: CommonConfig): readonly KnownKey[] {
  const values: Readonly<Record<string, unknown>> = { ...settings };
  return adapter.secrets.flatMap((setting) => {
    const value = values[setting];
    const listed = Array.isArray(value);
    const secrets: readonly unknown[] =
      typeof value === "object" && value !== null ? Object.values(value) : value === undefined ? [] : [value];
    return secrets
      .flat()
      .filter((secret) => typeof secret === "string")
      .map((secret, index) => ({ key: fingerprintOf(secret), setting, place: listed ? index : 0 }));
  });
}

/** Whether a webhook was proven by the newest secret of its setting; `unknown` where no setting has it any more. */
export function ageOf(key: string, known: readonly KnownKey[]): "newest" | "older" | "unknown" {
  const found = known.filter((one) => one.key === key);
  if (found.length === 0) return "unknown";
  return found.some(({ place }) => place === 0) ? "newest" : "older";
}
