import { beforeEach, describe, expect, test } from "vitest";
import type { CommonConfig, PaymentKey } from "../../contract/adapter.ts";
import { isWorkerError } from "../../lib/errors.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import type { Claimable, Holder } from "../../queue/references.ts";
import { current, key } from "../../../test/support/money.ts";
import { claimReference, type ClaimParts, renewClaim } from "./claim.ts";

const other: PaymentKey = { ...key, orderId: "o_2", paymentId: "p_2" };
const adapter = { id: "any", secrets: ["password"] };
const settings = {
  adapterId: "a",
  apiUrl: "https://psp.example",
  merchantReference: "paymentId",
  publishActions: "off",
  username: "u",
  password: "one",
} as const satisfies CommonConfig & Record<string, unknown>;
type Found = Parameters<typeof claimReference>[2];
const account = (over: object = {}): Found => ({ adapter, settings: { ...settings, ...over } }) as unknown as Found;

const records = new Map<string, Holder & { readonly days: number }>();
let holder: CurrentPayment | null = current({ state: "reserved" });
/** Happens while the holder is asked about. */
let meanwhile: () => void = () => undefined;
const idOf = ({ account: of, reference }: Claimable): string => JSON.stringify([of, reference]);
const parts: ClaimParts = {
  claims: {
    async claim(of, what, days) {
      const standing = records.get(idOf(what));
      if (standing !== undefined) return standing.key.paymentId === of.paymentId ? undefined : standing;
      records.set(idOf(what), { key: of, version: "1", days });
      return undefined;
    },
    async takeOver(of, what, days, { version }) {
      if (records.get(idOf(what))?.version !== version) return false;
      records.set(idOf(what), { key: of, version: `${version}1`, days });
      return true;
    },
  },
  norce: {
    async payment() {
      const answer = holder;
      meanwhile();
      return answer;
    },
  },
};
const claim = async (of: PaymentKey, reference = "ref-1", found = account()): Promise<unknown> => {
  try {
    await claimReference(of, reference, found, parts);
    return "claimed";
  } catch (error) {
    return isWorkerError(error, "Refused") ? error.context : error;
  }
};

beforeEach(() => {
  records.clear();
  holder = current({ state: "reserved" });
  meanwhile = () => undefined;
});

describe("a reference belongs to one payment", () => {
  test("who binds it first has it, both are named, and only the holder may claim it again", async () => {
    expect(await claim(key)).toBe("claimed");
    expect(await claim(key)).toBe("claimed");
    expect(await claim(other)).toEqual({
      reason: "reference-taken",
      reference: "ref-1",
      orderId: "o_2",
      paymentId: "p_2",
      holderOrderId: "o_1",
      holderPaymentId: "p_1",
      holderMerchant: "acme",
      holderChannel: "se",
    });
    expect(await claim(other, "ref-2")).toBe("claimed");
  });

  test("another payment of the same order is another payment", async () => {
    await claim(key);
    expect(await claim({ ...key, paymentId: "p_2" })).toMatchObject({ reason: "reference-taken" });
  });

  test.each<readonly [string, CurrentPayment | null, boolean]>([
    ["is gone", null, true],
    ["is removed", current({ state: "removed" }), true],
    ["is cancelled", current({ state: "cancelled" }), true],
    ["has failed", current({ state: "failed" }), true],
    ["was declined", current({ state: "declined" }), true],
    ["carries another reference by now", current({ state: "reserved", reference: "ref-9" }), true],
    ["is bound to another reference by now", current({ state: "reserved", record: { bound: "ref-9" } }), true],
    ["is open", current(), false],
    ["is captured", current({ state: "captured" }), false],
    ["has no reference yet", current({ reference: null }), false],
    ["is bound to it, whatever somebody wrote", current({ reference: "ref-9", record: { bound: "ref-1" } }), false],
  ])("a holder that %s", async (_, payment, gives) => {
    await claim(key);
    holder = payment;
    expect(await claim(other)).toEqual(gives ? "claimed" : expect.objectContaining({ reason: "reference-taken" }));
    expect([...records.values()].map(({ key: of }) => of)).toEqual([gives ? other : key]);
  });

  test("a claim that changed hands while its holder was asked about is not overwritten", async () => {
    await claim(key);
    const third = { ...key, orderId: "o_3", paymentId: "p_3" };
    holder = null;
    meanwhile = () => {
      for (const [id, record] of records) records.set(id, { ...record, key: third, version: "9" });
      meanwhile = () => undefined;
      holder = current({ state: "reserved" });
    };
    expect(await claim(other)).toMatchObject({ reason: "reference-taken", holderPaymentId: "p_3" });
  });

  test("accounts are told apart by what is not secret: a rotated password frees nothing, another account's id is another id", async () => {
    await claim(key);
    expect(await claim(other, "ref-1", account({ password: "two" }))).toMatchObject({ reason: "reference-taken" });
    expect(await claim(other, "ref-1", account({ adapterId: "b", merchantReference: "orderId" }))).toMatchObject({
      reason: "reference-taken",
    });
    expect(await claim(other, "ref-1", account({ username: "v" }))).toBe("claimed");
  });

  test("it holds as long as a payment can be paid and refunded", async () => {
    await claim(key);
    expect([...records.values()].map(({ days }) => days)).toEqual([210]);
  });
});

describe("a payment that is bound claims again, from a store that has forgotten it", () => {
  const renewed = async (): Promise<unknown> => {
    await claim(other);
    const found = await renewClaim(key, "ref-1", account(), parts);
    return [found?.name, [...records.values()].map(({ key: of }) => of.paymentId)];
  };

  test("and has it, where nobody came first", async () => {
    expect(await renewClaim(key, "ref-1", account(), parts)).toBeUndefined();
    expect(await claim(other)).toMatchObject({ reason: "reference-taken", holderPaymentId: "p_1" });
  });

  test.each<readonly [string, CurrentPayment | null]>([
    ["only claimed it", current({ state: "reserved" })],
    ["is bound to another one", current({ state: "reserved", record: { bound: "ref-9" } })],
    ["is gone", null],
    ["has failed", current({ state: "failed", record: { bound: "ref-1" } })],
  ])("and takes it from one that %s", async (_, payment) => {
    holder = payment;
    expect(await renewed()).toEqual([undefined, ["p_1"]]);
  });

  test("and is told of with the other, where both are bound to it", async () => {
    holder = current({ state: "reserved", record: { bound: "ref-1" } });
    expect(await renewed()).toEqual(["reference-taken", ["p_2"]]);
    const facts = { reference: "ref-1", paymentId: "p_1", holderPaymentId: "p_2" };
    expect(await renewClaim(key, "ref-1", account(), parts)).toMatchObject({ id: "ref-1", facts });
  });
});
