import { expect, it } from "vitest";
import { signingKeysOf } from "../../test/support/signing.ts";
import { callbackSignature } from "../signatures/signed-url.ts";
import { type Kinship, kinshipOf } from "./registered.ts";

const target = { adapter: "mollie", merchant: "acme", channel: "se" };
const keys = signingKeysOf("the-newest-master-key", "the-master-key-before").of("callback", target);
const sigs = keys.map((key) => callbackSignature(key, target, "event"));
const path = "/mollie/api/checkout/v1/callback/orders/event";
const url = `https://psp.example.com/in${path}?merchant=acme&channel=se&sig=${sigs[0] ?? ""}`;
const of = (base: string, sig: string | undefined, query = "merchant=acme&channel=se"): string =>
  `${base}${path}?${query}${sig === undefined ? "" : `&sig=${sig}`}`;

it.each<[string, string, Kinship, Kinship]>([
  ["as we make it now", url, "ours", "ours"],
  [
    "with its query in another order",
    `https://psp.example.com/in${path}?sig=${sigs[0] ?? ""}&channel=se&merchant=acme`,
    "ours",
    "ours",
  ],
  ["without a sig", of("https://psp.example.com/in", undefined), "ours", "old"],
  ["signed with an older key", of("https://psp.example.com/in", sigs[1]), "old", "old"],
  ["signed with no key of ours", of("https://psp.example.com/in", "another"), "old", "old"],
  ["at another address, signed by us", of("https://before.example.com", sigs[1]), "old", "old"],
  ["below another path, signed by us", of("https://psp.example.com", sigs[0]), "old", "old"],
  ["at another address, signed by somebody else", of("https://staging.example.com", "another"), "alike", "alike"],
  ["at another address, without a sig", of("https://staging.example.com", undefined), "alike", "alike"],
  ["another channel's", of("https://psp.example.com/in", sigs[0], "merchant=acme&channel=no"), "foreign", "foreign"],
  ["another webhook's", url.replace("/event?", "/charge?"), "foreign", "foreign"],
  ["a shop's", "https://shop.example.com/hooks", "foreign", "foreign"],
  ["no URL", "nothing", "foreign", "foreign"],
])("%s", (_, registered, proven, hint) => {
  const wanted = { target, webhook: "event", url, keys };
  expect(kinshipOf({ url: registered }, { ...wanted, needsSig: false }).is).toBe(proven);
  expect(kinshipOf({ url: registered }, { ...wanted, needsSig: true }).is).toBe(hint);
});
