import type { Fault } from "./fault.ts";

/** Faults in what all adapters share: whose payment it is, whether it is paid, how long it is waited. Found by the tests beside the code. */
const inCore: readonly Fault[] = [
  {
    name: "a holder that came to nothing keeps its claim",
    file: "src/workers/look/claim.ts",
    find: "if (holder === null || endStates.has(canonical(holder.state))) return true;",
    replace: "if (holder === null) return true;",
    foundBy: "src/workers/look/claim.test.ts",
  },
  {
    name: "a claim is taken from a holder that is paid",
    file: "src/workers/look/claim.ts",
    find: "if (!givesWay(payment, reference)) throw taken(key, holder.key, reference);",
    replace: "if (payment === undefined && !givesWay(payment, reference)) throw taken(key, holder.key, reference);",
    foundBy: "src/workers/look/claim.test.ts",
  },
  {
    name: "a rotated secret makes another account of the same one",
    file: "src/queue/references.ts",
    find: "!secret.has(name) && !ours.has(name))",
    replace: "!secret.has(`${name}?`) && !ours.has(name))",
    foundBy: "src/workers/look/claim.test.ts",
  },
  {
    name: "what is bound is claimed by nobody",
    file: "src/workers/look/bind.ts",
    find: "if (desired !== null && desired.reference !== bound) await claimReference",
    replace: "if (desired !== null && desired.reference === bound) await claimReference",
    foundBy: "src/workers/look/bind.test.ts",
  },
  {
    name: "less than was asked is paid",
    file: "src/workers/look/underpaid.ts",
    find: "if (current.amount - total > rounding) return coverLess",
    replace: "if (total - current.amount > rounding) return coverLess",
    foundBy: "src/workers/look/underpaid.test.ts",
  },
  {
    name: "a person is called for less at the first sight of it",
    file: "src/workers/look/underpaid.ts",
    find: "if (leftMs > 0) return { ...standing, findings: [], lookAgainMs: leftMs };",
    replace: "if (leftMs > truthPauses.confirmMs) return { ...standing, findings: [], lookAgainMs: leftMs };",
    foundBy: "src/workers/look/underpaid.test.ts",
  },
  {
    name: "what was accepted of one attempt is accepted of another",
    file: "src/workers/look/underpaid.ts",
    find: "if (accepted && (bound === undefined || bound === desired.reference))",
    replace: 'if (accepted && (bound === undefined || bound !== ""))',
    foundBy: "src/workers/look/underpaid.test.ts",
  },
  {
    name: "an adapter's rounding is nobody's",
    file: "src/workers/look/underpaid.ts",
    find: "const more = authorized - current.amount > rounding;",
    replace: "const more = authorized - current.amount > 0;",
    foundBy: "src/workers/look/underpaid.test.ts",
  },
  {
    name: "parts that are short are waited for without an end",
    file: "src/workers/look/underpaid.ts",
    find: "if (parts && leftMs > 0) {",
    replace: "if (parts) {",
    foundBy: "src/workers/look/underpaid.test.ts",
  },
  {
    name: "a second attempt takes the place of one that is paid",
    file: "src/workers/look/choose-attempt.ts",
    find: "if (best === next || holds(best)) return false;",
    replace: "if (best === next) return false;",
    foundBy: "src/workers/look/choose-attempt.test.ts",
  },
  {
    name: "nobody hears that a shopper paid twice",
    file: "src/workers/look/choose-attempt.ts",
    find: "!isSame(attempt, chosen) && holds(attempt) && holds(chosen));",
    replace: "!isSame(attempt, chosen) && holds(attempt) && !holds(chosen));",
    foundBy: "src/workers/look/choose-attempt.test.ts",
  },
  {
    name: "a session and its order are two payments",
    file: "src/workers/look/choose-attempt.ts",
    find: "return named.some((id) => id === one.desired?.reference) || names.some",
    replace: 'return named.some((id) => id === one.desired?.reference && id === "") || named.length > 99 && names.some',
    foundBy: "src/workers/look/choose-attempt.test.ts",
  },
  {
    name: "what nobody has answered about is judged",
    file: "src/workers/look/choose-attempt.ts",
    find: "attempts.filter((attempt) => isAnswered(attempt) || holds(chosen))",
    replace: "attempts.filter((attempt) => isAnswered(attempt) || !holds(attempt))",
    foundBy: "src/workers/look/choose-attempt.test.ts",
  },
  {
    name: "money that falls is believed at once",
    file: "src/workers/look/backwards.ts",
    find: "return money.captured < before.captured || money.refunded",
    replace: "return money.captured > before.captured || money.refunded",
    foundBy: "src/workers/look/diff.test.ts",
  },
  {
    name: "two looks at the same moment agree",
    file: "src/workers/retry.ts",
    find: "agrees: now - is.at >= pauses.suspicionMs",
    replace: "agrees: now - is.at >= 0",
    foundBy: "src/workers/retry.test.ts",
  },
  {
    name: "wrong credentials are given up like a refusal",
    file: "src/workers/retry.ts",
    find: '    case "Unauthorized": {\n      const bounded',
    replace:
      '    case "Unauthorized": {\n      if (horizonMs > 0) return { do: "bury", grave: { since: now, ...grave } };\n      const bounded',
    foundBy: "src/workers/retry.test.ts",
  },
  {
    name: "a write that timed out is repeated at once",
    file: "src/workers/late-writes.ts",
    find: "  return now + pauses.lateWriteMs;",
    replace: "  return now + 0 * pauses.lateWriteMs;",
    foundBy: "src/workers/retry.test.ts",
  },
  {
    name: "one firewall's page closes an account",
    file: "src/workers/gate/gate.ts",
    find: "if (failed && own === false && account.puzzled",
    replace: "if (failed && own === undefined && account.puzzled",
    foundBy: "src/workers/gate/gate.test.ts",
  },
];

/** Faults in an adapter whose money is told in lists of deliveries. */
const inSvea: readonly Fault[] = [
  {
    name: "a delivery's line is no running total",
    file: "src/adapters/svea-checkout/transactions.ts",
    find: "amount: (amount += delivery.DeliveryAmount),",
    replace: "amount: (amount = delivery.DeliveryAmount),",
    folder: "svea-checkout",
    foundBy: "test/conformance/convergence.test.ts",
  },
  {
    name: "what Svea released is not",
    file: "src/adapters/svea-checkout/transactions.ts",
    find: "    amount: money.released,\n    success: true,\n    facts: { cancelledAmount",
    replace: "    amount: order.CancelledAmount,\n    success: true,\n    facts: { cancelledAmount",
    folder: "svea-checkout",
    foundBy: "test/conformance/convergence.test.ts",
  },
  {
    name: "an order in review is reserved",
    file: "src/adapters/svea-checkout/map.ts",
    find: 'return awaitsApproval(order, snapshot, money) ? "review" : "confirmed";',
    replace: 'return awaitsApproval(order, snapshot, money) ? "confirmed" : "confirmed";',
    folder: "svea-checkout",
    foundBy: "test/conformance/golden.test.ts",
  },
  {
    name: "what was refused in its review is removed",
    file: "src/adapters/svea-checkout/map.ts",
    find: '!cancelAsked(kept) ? "declined" : "confirmed"',
    replace: 'cancelAsked(kept) ? "declined" : "confirmed"',
    folder: "svea-checkout",
    foundBy: "test/conformance/golden.test.ts",
  },
];

/** In what strangers may do. */
const inStrangers: readonly Fault[] = [
  {
    name: "a token of the identity provider is not asked for",
    file: "src/adapters/adyen-dropin/webhooks.ts",
    find: "  const allowed = await isAllowedIn(request, context);",
    replace: "  const allowed = proof === true ? await isAllowedIn(request, context) : true;",
    foundBy: "src/adapters/adyen-dropin/webhooks.test.ts",
  },
  {
    name: "rooms that are full together make way in their own room alone",
    file: "src/webhooks/rooms.ts",
    find: "> pool.most ? pool.arriving : undefined;",
    replace: "> pool.most ? arriving : undefined;",
    foundBy: "src/webhooks/rooms.test.ts",
  },
  {
    name: "who has seen one webhook may have us ask for what he invents",
    file: "src/workers/events/events.ts",
    find: ' && webhook.signed !== "none";',
    replace: ";",
    foundBy: "src/workers/events/strangers.test.ts",
  },
];

/** All of them. */
export const coreFaults: readonly Fault[] = [...inCore, ...inSvea, ...inStrangers];
