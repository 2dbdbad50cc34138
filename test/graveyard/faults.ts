/** A fault that somebody could make, and who has to find it. */
export interface Fault {
  /** What goes wrong, in words. */
  readonly name: string;
  /** The one file that it is made in, from the root of the tree. */
  readonly file: string;
  /** A text that stands there exactly once, and what stands there instead. */
  readonly find: string;
  readonly replace: string;
  /** The test file that finds it: a law, or the tests beside the code. */
  readonly foundBy: string;
  /** Whose laws are run: an adapter's folder. */
  readonly folder?: string;
}

const law = (name: string): string => `test/conformance/${name}.test.ts`;

const order = "src/adapters/_klarna/order.ts";
const lines = "src/adapters/_klarna/transactions.ts";
const klarna = { folder: "klarna-checkout" } as const;
const adyen = { folder: "adyen-dropin" } as const;
const byWalking = { ...klarna, foundBy: law("convergence") } as const;

/** Every planted fault. One that no longer applies is a test that fails: it is planted anew where the code went. */
export const faults: readonly Fault[] = [
  {
    name: "capture lines are no running totals",
    file: lines,
    find: 'return { item, id: id ?? `${at ?? ""}:${total}`, amount: total };',
    replace: 'return { item, id: id ?? `${at ?? ""}:${total}`, amount };',
    ...byWalking,
  },
  {
    name: "refund lines are no running totals",
    file: lines,
    find: "    at: refunded_at,\n    amount: refunded_amount,\n  })).map(({ item, id, amount }) => ({",
    replace:
      "    at: refunded_at,\n    amount: refunded_amount,\n  })).map(({ item, id, item: { refunded_amount: amount } }) => ({",
    ...byWalking,
  },
  {
    name: "captures and refunds are taken newest first",
    file: lines,
    find: "instant(left.at) - instant(right.at) ||",
    replace: "instant(right.at) - instant(left.at) ||",
    ...byWalking,
  },
  {
    name: "captures are taken in the order in which the PSP lists them",
    file: lines,
    find: "    .toSorted(inTurn)\n",
    replace: "    .toSorted((one, other) => 0 * inTurn(one, other))\n",
    ...byWalking,
  },
  {
    name: "only the first refund is read",
    file: lines,
    find: "return runningTotals(refunds,",
    replace: "return runningTotals(refunds.slice(0, 1),",
    ...byWalking,
  },
  {
    name: "a cancellation has one line, whatever it released",
    file: lines,
    find: "amount: money.released,\n    success: true,",
    replace: "amount: order_amount,\n    success: true,",
    ...byWalking,
  },
  {
    name: "the line of a confirmation says what the order is over now",
    file: lines,
    find: ": original_order_amount,\n    success:",
    replace: ": order_amount,\n    success:",
    ...byWalking,
  },
  {
    name: "the same refund under another key at each look",
    file: lines,
    find: "key: `refund:${id}`",
    replace: "key: `refund:${id}:${Math.random()}`",
    ...byWalking,
  },
  {
    name: "amounts are taken for major units",
    file: order,
    find: "const { order_amount: authorized, captured_amount: captured, refunded_amount: refunded } = order;",
    replace:
      "const [authorized, captured, refunded] = [order.order_amount * 100, order.captured_amount * 100, order.refunded_amount * 100];",
    ...byWalking,
  },
  {
    name: "refunds count for nothing",
    file: order,
    find: "return { authorized, captured, refunded, released:",
    replace: "return { authorized, captured, refunded: refunded * 0, released:",
    ...byWalking,
  },
  {
    name: "what is released is not",
    file: order,
    find: "released: authorized - captured - openOf(order, phase) };",
    replace: "released: 0 * openOf(order, phase) };",
    ...byWalking,
  },
  {
    name: "an expired order can still be captured",
    file: order,
    find: '    case "EXPIRED":\n    case "CLOSED":\n      return true;',
    replace: '    case "CLOSED":\n      return true;\n    case "EXPIRED":\n      return false;',
    ...byWalking,
  },
  {
    name: "an order under review is confirmed",
    file: order,
    find: 'return status === "AUTHORIZED" ? "review" : "confirmed";',
    replace: 'return "confirmed";',
    ...klarna,
    foundBy: law("golden"),
  },
  {
    name: "a rejected order is under review for ever",
    file: order,
    find: 'return captured_amount === 0 ? "declined" : "confirmed";',
    replace: 'return captured_amount === 0 ? "review" : "confirmed";',
    ...byWalking,
  },
  {
    name: "money under review is called released",
    file: order,
    find: 'if (phase === "review") return order_amount - captured_amount;',
    replace: 'if (phase === "review") return 0;',
    ...byWalking,
  },
  {
    name: "a refund is offered of what was never captured",
    file: order,
    find: "...(money.captured > money.refunded ?",
    replace: "...(money.authorized > money.refunded ?",
    ...klarna,
    foundBy: law("operations"),
  },
  {
    name: "a capture sends the PSP a new key at each attempt",
    file: "src/adapters/_klarna/operations.ts",
    find: 'headers: { "klarna-idempotency-key": call.id },',
    replace: 'headers: { "klarna-idempotency-key": `${call.id}-${call.now}` },',
    ...klarna,
    foundBy: law("operations"),
  },
  {
    name: "a capture is always of everything",
    file: "src/adapters/_klarna/operations.ts",
    find: "capture: telling(({ amount }) => ({",
    replace: "capture: telling((_, { remaining_authorized_amount: amount }) => ({",
    ...klarna,
    foundBy: law("operations"),
  },
  {
    name: "what Klarna refuses is called done",
    file: "src/adapters/_klarna/operations.ts",
    find: '{ is: "refused", reason: reasonOf(error) };',
    replace: '{ is: "done", ...(reasonOf(error) === "" ? {} : {}) };',
    ...klarna,
    foundBy: law("operations"),
  },
  {
    name: "two payments' webhooks have the same key",
    file: "src/adapters/_klarna/webhooks.ts",
    find: 'key: JSON.stringify([target.orderId ?? "", target.paymentId ?? "", type, reference ?? ""]),',
    replace: 'key: JSON.stringify([target.channel, type, reference === undefined ? "" : "a"]),',
    ...klarna,
    foundBy: law("parsing"),
  },
  {
    name: "any signature of the right length is one",
    file: "src/signatures/hmac-body.ts",
    find: "sent.length === expected.length && timingSafeEqual(sent, expected);",
    replace: "sent.length === expected.length && (timingSafeEqual(sent, expected) || true);",
    folder: "klarna-payments",
    foundBy: law("proof"),
  },
  {
    name: "a signed event sent again with another date is another event",
    file: "src/adapters/adyen-dropin/lines.ts",
    find: "  const signed = [\n    success,",
    replace: "  const signed = [\n    item.eventDate,\n    success,",
    ...adyen,
    foundBy: law("trust"),
  },
  {
    name: "what nobody signed leads to another payment",
    file: "src/adapters/adyen-dropin/lines.ts",
    find: "[{ echo: unsigned, onlyOf: originalReference }]",
    replace: "[{ echo: unsigned }]",
    ...adyen,
    foundBy: law("trust"),
  },
  {
    name: "a field is called signed that is not",
    file: "src/adapters/adyen-dropin/webhooks.ts",
    find: '  "notificationItems.*.NotificationRequestItem.success",\n',
    replace:
      '  "notificationItems.*.NotificationRequestItem.success",\n  "notificationItems.*.NotificationRequestItem.paymentMethod",\n',
    ...adyen,
    foundBy: law("trust"),
  },
  {
    name: "a checksum vouches for a token",
    file: "src/adapters/paypal/events.ts",
    find: "{ ...line, facts: { tokenDigest: digestOf(resource.id) } }",
    replace: "{ ...line, facts: { tokenDigest: digestOf(resource.id) }, recurring: { token: resource.id } }",
    folder: "paypal",
    foundBy: law("trust"),
  },
  {
    name: "an answer about another payment is taken for this one's",
    file: "src/workers/look/binding.ts",
    find: "some((id) => sameId(asked, id))",
    replace: "some((id) => sameId(asked, id) || id !== asked)",
    folder: "svea-checkout",
    foundBy: law("answers"),
  },
  {
    name: "an order that was not asked for is read",
    file: "src/adapters/walley-checkout/client.ts",
    find: "if (sameId(id, order.id)) return order;",
    replace: "if (sameId(id, order.id) || order.id !== id) return order;",
    folder: "walley-checkout",
    foundBy: law("answers"),
  },
  {
    name: "what the PSP gives back of ours is not looked at",
    file: "src/adapters/mollie/map.ts",
    find: "echoes: echoesIn(payment.metadata),",
    replace: "echoes: echoesIn(payment.metadata).slice(0, 0),",
    folder: "mollie",
    foundBy: law("answers"),
  },
  {
    name: "a payment of Norce's in another channel is written",
    file: "src/norce/client.ts",
    find: 'for (const name of ["id", "orderId", "merchant", "channel"] as const)',
    replace: 'for (const name of ["id", "orderId", "merchant"] as const)',
    folder: "mollie",
    foundBy: law("answers"),
  },
  {
    name: "a review that nobody ends is waited for in silence",
    file: order,
    find: '(phase === "review" && overdue)',
    replace: '(phase === "review" && overdue && held === 0)',
    folder: "klarna-payments",
    foundBy: law("waits"),
  },
  {
    name: "a credit that nobody decides on is waited for in silence",
    file: "src/adapters/avarda-checkout/map.ts",
    find: "if (!isOverdue(createdUtc, now)) return [];",
    replace: "if (!isOverdue(createdUtc, now) || amount > 0) return [];",
    folder: "avarda-checkout",
    foundBy: law("waits"),
  },
  {
    name: "a manual review is waited for in silence",
    file: "src/adapters/adyen-dropin/findings.ts",
    find: "if (now <= since) return [];",
    replace: "if (now <= since || rejected === undefined) return [];",
    ...adyen,
    foundBy: law("waits"),
  },
  {
    name: "every currency has two decimals",
    file: "src/lib/money.ts",
    find: "return decimals[code] ?? exponents[code] ?? 2;",
    replace: "return decimals[code] ?? (exponents[code] === undefined ? 2 : 2);",
    foundBy: "src/lib/money.test.ts",
  },
  {
    name: "a payment that is refunded stays captured",
    file: "src/norce/states.ts",
    find: 'if (captured > refunded) return "captured";',
    replace: 'if (captured >= refunded) return "captured";',
    foundBy: "src/norce/states.test.ts",
  },
  {
    name: "a production file loads a simulator",
    file: "src/adapters/klarna-checkout/map.ts",
    find: 'import { present } from "../_klarna/schema.ts";',
    replace: 'import { present } from "../_klarna/schema.ts";\nimport { simulate as _ } from "./simulator.ts";',
    foundBy: "test/architecture.test.ts",
  },
  {
    name: "money that the bank took back counts as kept",
    file: "src/adapters/mollie/money.ts",
    find: "const standing = chargebacks.filter(({ reversedAt }) => !isReversed(reversedAt));",
    replace: "const standing = chargebacks.filter(() => false);",
    foundBy: "test/conformance/convergence.test.ts",
    folder: "mollie",
  },
  {
    name: "a refund that waits counts as given back",
    file: "src/adapters/mollie/money.ts",
    find: 'const refunded = refunds.filter(({ status }) => status === "refunded");',
    replace: 'const refunded = refunds.filter(({ status }) => status === "refunded" || status === "queued");',
    foundBy: "test/conformance/convergence.test.ts",
    folder: "mollie",
  },
  {
    name: "a signature over the old text, joined by bars, is taken besides",
    file: "src/signatures/signed-url.ts",
    find: "const fitting = keys.filter((key) => equalInConstantTime(given, sign(key, text)));",
    replace:
      'const texts = [text, text.replaceAll("\\n", "|")];\n  const fitting = keys.filter((key) => texts.some((one) => equalInConstantTime(given, sign(key, one))));',
    foundBy: "src/signatures/signed-url.test.ts",
  },
  {
    name: "a probe that is refused says that it works",
    file: "src/lib/probe.ts",
    find: "if (refusals.includes(error.kind)) return",
    replace: 'if (refusals.includes(error.kind) && error.kind !== "Unauthorized") return',
    foundBy: law("account"),
    folder: "mollie",
  },
  {
    name: "a repair makes a second registration and leaves the old one",
    file: "src/adapters/svea-checkout/registrations.ts",
    find: '    await asked("DELETE", pathOf`/api/v2/callbacks/subscriptions/${id}`, one, context);\n',
    replace: "    pathOf`/${id}${one}`;\n",
    foundBy: law("account"),
    folder: "svea-checkout",
  },
  {
    name: "only the first page of the registered webhooks is read",
    file: "src/adapters/mollie/registrations.ts",
    find: "if (from === undefined) break;",
    replace: "if (from === undefined || page === 0) break;",
    foundBy: law("account"),
    folder: "mollie",
  },
  {
    name: "somebody else's registration with our path is taken for an old one of ours",
    file: "src/doctor/registered.ts",
    find: 'if (!isHere) return by === -1 ? { is: "alike" } :',
    replace: 'if (!isHere) return by === -2 ? { is: "alike" } :',
    foundBy: "src/doctor/registered.test.ts",
  },
];
